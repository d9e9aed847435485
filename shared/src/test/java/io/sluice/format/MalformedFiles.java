package io.sluice.format;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Folders that are no models, each with the error code that names what is wrong. Needs nothing but
 * the JDK, so that it can be used, or copied, wherever files are taken in.
 */
public final class MalformedFiles {
  /** What many of them claim to have: no machine here has that much. */
  private static final long HUGE = 1L << 45;

  private final List<Malformed> all = new ArrayList<>();

  /**
   * A folder that must be refused.
   *
   * @param name what is wrong, for people
   * @param files path inside the folder to bytes
   * @param code the code of the error
   */
  public record Malformed(String name, Map<String, byte[]> files, String code) {
    @Override
    public String toString() {
      return name;
    }
  }

  private MalformedFiles() {}

  /** All of them; every call makes new bytes. */
  public static List<Malformed> all() {
    MalformedFiles table = new MalformedFiles();
    table.safetensorsHeaders();
    table.safetensorsEntries();
    table.safetensorsIndexes();
    table.ggufHeaders();
    table.ggufTensors();
    table.onnxFraming();
    table.onnxTensors();
    table.onnxExternal();
    table.folders();
    return List.copyOf(table.all);
  }

  // ---- safetensors

  private void safetensorsHeaders() {
    st("file of 7 bytes", new byte[7], "safetensors-truncated");
    st("empty file", new byte[0], "safetensors-truncated");
    st("header length 0", out().u64(0).end(), "safetensors-header-json");
    st("header length past the file", out().u64(100).text("{}").end(), L);
    st("header length over the cap", out().u64(100_000_001).text("{}").end(), L);
    st("header of terabytes", out().u64(HUGE).text("{}").fill(190).end(), L);
    st("header length 2^63", out().u64(Long.MIN_VALUE).text("{}").end(), L);
    st("header length 2^64 - 1", out().u64(-1).text("{}").end(), L);
    st("header is an array", header("[]"), "safetensors-header-json");
    st("header starts with a space", header(" {}"), "safetensors-header-json");
    st("header starts with a byte order mark", header("\uFEFF{}"), "safetensors-header-json");
    st("header is cut off", header("{\"__metadata__\":{}"), "safetensors-header-json");
    st("header is in UTF-16", file("{\0}\0"), "safetensors-header-padding");
    st("header has an overlong byte", badUtf8(0xc0, 0xaf), "safetensors-header-utf8");
    st("header has a surrogate in UTF-8", badUtf8(0xed, 0xa0, 0x80), "safetensors-header-utf8");
    st("header has half a surrogate", header("{\"\\ud800\":1}"), "safetensors-header-utf8");
    st("header is padded with a newline", header("{}\n"), "safetensors-header-padding");
    st("header is padded with zeros", header("{}\0\0"), "safetensors-header-padding");
    st("header has two objects", header("{}{}"), "safetensors-header-json");
    st("header has a comment", header("{/* */}"), "safetensors-header-json");
    st(
        "header nests 100,000 deep",
        header("{\"a\":" + "[".repeat(100_000) + "}"),
        "safetensors-entry");
    st("metadata is a list", header("{\"__metadata__\":[]}"), "safetensors-metadata");
    st("metadata is null", header("{\"__metadata__\":null}"), "safetensors-metadata");
    st(
        "metadata value is a number",
        header("{\"__metadata__\":{\"a\":1}}"),
        "safetensors-metadata");
    st("two metadata", header("{\"__metadata__\":{},\"__metadata__\":{}}"), D);
    st("metadata key twice", header("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}"), D);
  }

  private void safetensorsEntries() {
    String ok = entry("a", "U8", "4", "0,4");
    st("tensor twice", file("{" + ok + "," + ok + "}", 4), D);
    entryOf(
        "dtype twice", "\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]", D);
    entryOf(
        "shape twice", "\"dtype\":\"U8\",\"shape\":[4],\"shape\":[4],\"data_offsets\":[0,4]", D);
    entryOf("no dtype", "\"shape\":[4],\"data_offsets\":[0,4]", E);
    entryOf("no shape", "\"dtype\":\"U8\",\"data_offsets\":[0,4]", E);
    entryOf("no offsets", "\"dtype\":\"U8\",\"shape\":[4]", E);
    entryOf("extra field", "\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4],\"x\":1", E);
    st("tensor is a number", header("{\"a\":1}"), E);
    st("unknown dtype", one("U7", "4", "0,4"), "safetensors-dtype");
    st("dtype in lower case", one("u8", "4", "0,4"), "safetensors-dtype");
    st("dtype of GGUF", one("Q4_0", "32", "0,18"), "safetensors-dtype");
    st("one offset", one("U8", "4", "4"), "safetensors-offsets");
    st("three offsets", one("U8", "4", "0,4,4"), E);
    st("offsets swapped", one("U8", "4", "4,0"), "safetensors-offsets");
    st("negative offset", one("U8", "4", "-4,0"), N);
    st("minus zero", one("U8", "4", "-0,4"), N);
    st("offset 2^63", one("U8", "4", "0,9223372036854775808"), N);
    st("offset 4.0", one("U8", "4", "0,4.0"), N);
    st("offset 4e0", one("U8", "4", "0,4e0"), N);
    st("offset is a string", one("U8", "4", "0,\"4\""), N);
    st("dimension is a fraction", one("U8", "4.5", "0,4"), N);
    st("dimension is negative", one("U8", "-4", "0,4"), N);
    st("dimension has a leading zero", one("U8", "04", "0,4"), "safetensors-header-json");
    st("33 dimensions", one("U8", "1,".repeat(32) + "1", "0,1"), E);
    st("elements overflow", one("U8", "4294967296,4294967296", "0,4"), "tensor-shape-invalid");
    st("bytes overflow", one("F64", "4611686018427387904", "0,4"), "tensor-shape-invalid");
    st("no whole bytes", one("F4", "3", "0,2"), "tensor-shape-invalid");
    st("shape too small for offsets", one("F32", "2", "0,4"), "safetensors-offsets");
    st("empty tensor name", file("{" + entry("", "U8", "4", "0,4") + "}", 4), T);
    st("tensor name with a newline", file("{" + entry("a\\n", "U8", "4", "0,4") + "}", 4), T);
    st("data starts late", one("U8", "2", "2,4"), C);
    st("hole", file("{" + ok + "," + entry("b", "U8", "1", "5,6") + "}", 6), C);
    st("overlap", file("{" + ok + "," + entry("b", "U8", "2", "3,5") + "}", 5), C);
    st("shared bytes", file("{" + ok + "," + entry("b", "U8", "4", "0,4") + "}", 4), C);
    st("data cut off", file("{" + ok + "}", 3), C);
    st("data left over", file("{" + ok + "}", 5), C);
    st("tensor of terabytes", one("U8", "" + HUGE, "0," + HUGE), C);
    st("Git LFS pointer", lfsPointer(), "git-lfs-pointer");
  }

  private void safetensorsIndexes() {
    String a = "m.safetensors";
    index("index is no JSON", "weight_map", "safetensors-index-json");
    index("index has no map", "{\"metadata\":{}}", "safetensors-index-json");
    index("index map is a list", "{\"weight_map\":[]}", "safetensors-index-json");
    index("index goes on", "{\"weight_map\":{\"a\":\"" + a + "\"}}x", "safetensors-index-json");
    index("index names no file", map("a", "other.safetensors"), "safetensors-index-file");
    index("index names another format", map("a", "config.json"), "safetensors-index-file");
    index("index file is a number", "{\"weight_map\":{\"a\":1}}", "safetensors-index-json");
    index("index leaves its folder", map("a", "../" + a), "safetensors-index-location");
    index("index has an absolute path", map("a", "/" + a), "safetensors-index-location");
    index("index has a backslash", map("a", "x\\\\" + a), "safetensors-index-location");
    index("index maps a missing tensor", map("a\":\"" + a + "\",\"b", a), X);
    index("index leaves out a tensor", "{\"weight_map\":{\"b\":\"" + a + "\"}}", X);
    index("index has a key twice", map("a\":\"" + a + "\",\"a", a), I);
    index(
        "index metadata has a key twice", "{\"metadata\":{\"x\":1,\"x\":2},\"weight_map\":{}}", I);
  }

  private static final String L = "safetensors-header-length";
  private static final String D = "safetensors-header-duplicate-key";
  private static final String E = "safetensors-entry";
  private static final String N = "safetensors-header-number";
  private static final String T = "tensor-name-invalid";
  private static final String C = "safetensors-coverage";
  private static final String X = "safetensors-index-tensor";
  private static final String I = "safetensors-index-duplicate-key";

  private void st(String name, byte[] bytes, String code) {
    add("safetensors: " + name, Map.of("model.safetensors", bytes), code);
  }

  private void entryOf(String name, String fields, String code) {
    st(name, file("{\"a\":{" + fields + "}}", 4), code);
  }

  private void index(String name, String json, String code) {
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put("m.safetensors", one("U8", "4", "0,4"));
    files.put("config.json", utf8("{}"));
    files.put("m.safetensors.index.json", utf8(json));
    add("safetensors: " + name, files, code);
  }

  private static String map(String tensor, String file) {
    return "{\"metadata\":{},\"weight_map\":{\"" + tensor + "\":\"" + file + "\"}}";
  }

  private static byte[] badUtf8(int... bytes) {
    Out json = out().text("{\"");
    for (int b : bytes) {
      json.u8(b);
    }
    byte[] header = json.text("\":{}}").end();
    return out().u64(header.length).raw(header).end();
  }

  private static byte[] lfsPointer() {
    return utf8(
        "version https://git-lfs.github.com/spec/v1\noid sha256:"
            + "0".repeat(64)
            + "\nsize 12345\n");
  }

  /** One entry of a header, with its name quoted. */
  static String entry(String name, String dtype, String shape, String offsets) {
    return "\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%s]}"
        .formatted(name, dtype, shape, offsets);
  }

  /** A file of the one tensor {@code a} with four bytes of data. */
  static byte[] one(String dtype, String shape, String offsets) {
    return file("{" + entry("a", dtype, shape, offsets) + "}", 4);
  }

  /** A file of a header and nothing else. */
  static byte[] header(String json) {
    return file(json, 0);
  }

  /** A file of a header and no data, or some bytes of it. */
  static byte[] file(String json, int... data) {
    byte[] header = utf8(json);
    return out().u64(header.length).raw(header).fill(data.length == 0 ? 0 : data[0]).end();
  }

  // ---- GGUF

  private void ggufHeaders() {
    gguf("empty file", new byte[0], "gguf-truncated");
    gguf("wrong magic", utf8("GGML" + "\0".repeat(20)), "gguf-magic");
    gguf("magic only", utf8("GGUF"), "gguf-truncated");
    gguf("version 1", gguf(1, 0, 0).end(), "gguf-version");
    gguf("version 4", gguf(4, 0, 0).end(), "gguf-version");
    gguf("big-endian", gguf(0x03000000, 0, 0).end(), "gguf-version");
    gguf("2^45 tensors", gguf(3, HUGE, 0).fill(180).end(), "tensor-count");
    gguf("2^64 - 1 tensors", gguf(3, -1, 0).end(), "tensor-count");
    gguf("a million tensors in 200 bytes", gguf(3, 1_000_000, 0).fill(176).end(), T);
    gguf("2^45 key-value pairs", gguf(3, 0, HUGE).fill(180).end(), "gguf-count");
    gguf("fewer pairs than counted", pair("a", 0).u8(1).end(2), "gguf-truncated");
    gguf("key of terabytes", gguf(3, 0, 1).u64(HUGE).end(), "gguf-string-length");
    gguf(
        "key of 65,536 bytes",
        gguf(3, 0, 1).string("k".repeat(65_536)).end(),
        "gguf-string-length");
    gguf("key past the file", gguf(3, 0, 1).u64(60_000).text("k").end(), "gguf-truncated");
    gguf("empty key", pair("", 0).u8(1).end(), "gguf-key");
    gguf("key twice", pair("a", 0).u8(1).string("a").u32(0).u8(1).end(2), "gguf-key");
    gguf("key is not UTF-8", gguf(3, 0, 1).u64(1).u8(0xff).u32(0).u8(0).end(), "gguf-utf8");
    gguf("unknown value type", pair("a", 13).fill(8).end(), "gguf-value");
    gguf("bool that is 2", pair("a", 7).u8(2).end(), "gguf-value");
    gguf("string of terabytes", pair("a", 8).u64(HUGE).fill(100).end(), "gguf-truncated");
    gguf("string of 2^64 - 1", pair("a", 8).u64(-1).fill(100).end(), "gguf-truncated");
    gguf("array of terabytes", pair("a", 9).u32(0).u64(HUGE).fill(100).end(), "gguf-array");
    gguf(
        "array past the file", pair("a", 9).u32(12).u64(1 << 20).fill(100).end(), "gguf-truncated");
    gguf(
        "array of strings past the file",
        pair("a", 9).u32(8).u64(1 << 20).fill(100).end(),
        "gguf-truncated");
    gguf("array of an unknown type", pair("a", 9).u32(99).u64(0).end(), "gguf-value");
    Out nested = pair("a", 9);
    for (int depth = 0; depth < 10_000; depth++) {
      nested.u32(9).u64(1);
    }
    gguf("arrays nested 10,000 deep", nested.end(), "gguf-array");
    gguf("alignment 0", aligned(4, 0), "gguf-alignment");
    gguf("alignment 4", aligned(4, 4), "gguf-alignment");
    gguf("alignment 24", aligned(4, 24), "gguf-alignment");
    gguf("alignment 2^31", aligned(4, 1 << 31), "gguf-alignment");
    gguf("alignment is a uint64", aligned(10, 32), "gguf-alignment");
  }

  private void ggufTensors() {
    gguf("tensor name of 65 bytes", tensor("n".repeat(65), 0, 0, 4).end(), "gguf-string-length");
    gguf("tensor name of terabytes", gguf(3, 1, 0).u64(HUGE).end(), "gguf-string-length");
    gguf("tensor name is not UTF-8", gguf(3, 1, 0).u64(1).u8(0x80).fill(40).end(), "gguf-utf8");
    gguf("tensor name __metadata__", tensor("__metadata__", 0, 0, 4).data(16), T);
    gguf("tensor name with a control character", tensor("a\tb", 0, 0, 4).data(16), T);
    gguf(
        "tensor twice", tensor("a", 0, 0, 4).info("a", 0, 32, 4).data(64), "tensor-name-duplicate");
    gguf("5 dimensions", tensor("a", 0, 0, 1, 1, 1, 1, 1).data(4), "gguf-dims");
    gguf("2^32 - 1 dimensions", gguf(3, 1, 0).string("a").u32(-1).fill(100).end(), "gguf-dims");
    gguf("negative dimension", tensor("a", 0, 0, -4).data(16), "tensor-shape-invalid");
    gguf(
        "elements overflow",
        tensor("a", 0, 0, 1L << 32, 1L << 32).data(16),
        "tensor-shape-invalid");
    gguf("bytes overflow", tensor("a", 0, 0, 1L << 62).data(16), "tensor-shape-invalid");
    gguf("removed type", tensor("a", 4, 0, 32).data(32), "gguf-type");
    gguf("unknown type", tensor("a", 1000, 0, 32).data(32), "gguf-type");
    gguf("row that is no whole block", tensor("a", 2, 0, 48, 2).data(64), "gguf-row");
    gguf("offset not aligned", tensor("a", 0, 16, 4).data(64), "gguf-offset");
    gguf("negative offset", tensor("a", 0, -32, 4).data(64), "gguf-offset");
    gguf("offset past the file", tensor("a", 0, HUGE, 4).data(64), "gguf-offset");
    gguf("tensor past the file", tensor("a", 0, 0, 17).data(64), "gguf-offset");
    gguf("tensor of terabytes", tensor("a", 0, 0, HUGE).data(64), "gguf-offset");
    gguf("no data at all", tensor("a", 0, 0, 4).end(), "gguf-offset");
    gguf("overlap", tensor("a", 0, 0, 16).info("b", 0, 32, 8).data(64), "tensor-overlap");
    gguf("shared bytes", tensor("a", 0, 0, 8).info("b", 0, 0, 8).data(32), "tensor-overlap");
  }

  private void gguf(String name, byte[] bytes, String code) {
    add("gguf: " + name, Map.of("model.gguf", bytes), code);
  }

  /** Magic, version and counts. */
  static Out gguf(int version, long tensors, long pairs) {
    return out().text("GGUF").u32(version).u64(tensors).u64(pairs);
  }

  /** A header with one pair up to its value. */
  private static Out pair(String key, int type) {
    return gguf(3, 0, 1).string(key).u32(type);
  }

  private static byte[] aligned(int type, int alignment) {
    return pair("general.alignment", type).u32(alignment).u32(0).end();
  }

  /** A header with one tensor info; {@link Out#info} adds more. */
  static Out tensor(String name, int type, long offset, long... dims) {
    return gguf(3, 0, 0).info(name, type, offset, dims);
  }

  // ---- ONNX

  private void onnxFraming() {
    onnx("empty file", new byte[0], "onnx-no-graph");
    onnx("text", utf8("this is no protobuf at all, and long enough to go wrong"), "onnx-wire-type");
    onnx("no graph", out().varint(1, 8).end(), "onnx-no-graph");
    onnx("two graphs", out().bytes(7, new byte[0]).bytes(7, new byte[0]).end(), "onnx-repeated");
    onnx("graph is a number", out().varint(7, 1).end(), "onnx-wire-type");
    onnx("graph past the file", out().tag(7, 2).rawVarint(1000).fill(100).end(), R);
    onnx("graph of terabytes", out().tag(7, 2).rawVarint(HUGE).fill(190).end(), R);
    onnx("graph of 2^64 - 1", out().tag(7, 2).rawVarint(-1).fill(190).end(), R);
    onnx("graph of the old group type", out().tag(7, 3).tag(7, 4).end(), "onnx-wire-type");
    onnx("field number 0", out().rawVarint(2).rawVarint(0).end(), "onnx-wire-type");
    onnx("field number 2^29", out().rawVarint((1L << 32) | 2).end(), "onnx-wire-type");
    onnx("varint of 11 bytes", out().u8(8).raw(filled(11, 0xff)).end(), "onnx-varint");
    onnx("varint over 64 bits", out().u8(8).raw(filled(9, 0xff)).u8(2).end(), "onnx-varint");
    onnx("varint cut off", out().u8(8).u8(0x80).end(), R);
    onnx("node past its graph", onnxGraph(out().tag(1, 2).rawVarint(50).end()), R);
    Out node = out().tag(3, 2).rawVarint(9).u8(0);
    onnx("node with a name past itself", onnxGraph(nodeAndWeight(node)), R);
    onnx(
        "node with an input of terabytes",
        onnxGraph(nodeAndWeight(out().tag(1, 2).rawVarint(HUGE))),
        R);
    onnx("fixed64 cut off", onnxGraph(out().tag(99, 1).u32(0).end()), R);
  }

  private void onnxTensors() {
    init("name of terabytes", out().tag(8, 2).rawVarint(HUGE).fill(150), R);
    init("name longer than a name", float32(4, out().fill(20_000).end()), "onnx-string-length");
    init("name is not UTF-8", float32(4, new byte[] {(byte) 0xff}), "onnx-utf8");
    init("no name", out().varint(1, 4).varint(2, 1).bytes(9, new byte[16]), T);
    init("name __metadata__", float32(4, utf8("__metadata__")).bytes(9, new byte[16]), T);
    init("name with a control character", float32(4, utf8("a\nb")).bytes(9, new byte[16]), T);
    init("two names", float32(4, utf8("a")).bytes(8, utf8("b")), "onnx-repeated");
    init("no data type", out().bytes(8, utf8("a")).varint(1, 1), "onnx-tensor-type");
    init("negative data type", out().bytes(8, utf8("a")).varint(2, -1), "onnx-tensor-type");
    init("negative dimension", float32(-4, utf8("a")).bytes(9, new byte[16]), S);
    init("elements overflow", float32(1L << 62, utf8("a")).varint(1, 4), S);
    init("33 dimensions", float32(1, utf8("a")).bytes(1, filled(32, 1)), S);
    init("raw data too short", float32(4, utf8("a")).bytes(9, new byte[15]), P);
    init("raw data too long", float32(4, utf8("a")).bytes(9, new byte[17]), P);
    init("raw data past its tensor", float32(4, utf8("a")).tag(9, 2).rawVarint(16), R);
    init("raw data of terabytes", float32(HUGE / 4, utf8("a")).tag(9, 2).rawVarint(HUGE), R);
    init("tensor of terabytes, no data", float32(HUGE, utf8("a")), P);
    init("raw data twice", raw().bytes(9, new byte[16]), "onnx-repeated");
    init("raw data and floats", raw().bytes(4, new byte[16]), P);
    init("raw data and varints", raw().bytes(7, new byte[4]), P);
    init(
        "floats and doubles",
        float32(4, utf8("a")).bytes(4, new byte[16]).bytes(10, new byte[16]),
        P);
    init("floats of a wrong number", float32(4, utf8("a")).bytes(4, new byte[12]), P);
    init("doubles in a float tensor", float32(4, utf8("a")).bytes(10, new byte[16]), P);
    init("raw data is a number", float32(4, utf8("a")).varint(9, 1), "onnx-wire-type");
    byte[] one = raw().end();
    onnx(
        "initializer twice",
        onnxGraph(out().bytes(5, one).bytes(5, one).end()),
        "tensor-name-duplicate");
  }

  private void onnxExternal() {
    external("no location", out(), "onnx-external");
    external("location twice", pairs("location", "w.bin", "location", "w.bin"), "onnx-external");
    external("data location 2", pairs("location", "w.bin").varint(14, 2), "onnx-repeated");
    for (String location :
        List.of(
            "../w.bin",
            "/w.bin",
            "a/../w.bin",
            "a\\w.bin",
            "~/w.bin",
            "C:w.bin",
            "w.bin/.",
            "w.bin/",
            "a//w.bin",
            ".",
            "././w.bin",
            "w.bin\0")) {
      external(
          "location " + location.replace("\0", "<NUL>"),
          pairs("location", location),
          "onnx-external");
    }
    external("data file is missing", pairs("location", "v.bin"), "onnx-external-missing");
    external("data file is the model", pairs("location", "model.onnx"), "onnx-external");
    external("data past the file", pairs("location", "w.bin", "offset", "1"), F);
    external("data of terabytes", pairs("location", "w.bin", "offset", "" + HUGE), F);
    external(
        "offset at 2^63",
        pairs("location", "w.bin", "offset", "9223372036854775807"),
        "onnx-external");
    external("offset -1", pairs("location", "w.bin", "offset", "-1"), "onnx-external");
    external("offset 1e3", pairs("location", "w.bin", "offset", "1e3"), "onnx-external");
    external(
        "offset of 20 digits",
        pairs("location", "w.bin", "offset", "1".repeat(20)),
        "onnx-external");
    external(
        "length is not the tensor's", pairs("location", "w.bin", "length", "8"), "onnx-external");
    external("raw data as well", pairs("location", "w.bin").bytes(9, new byte[16]), P);
    byte[] first = onnxExternal("a", pairs("location", "w.bin", "offset", "0")).end();
    byte[] second = onnxExternal("b", pairs("location", "w.bin", "offset", "8")).end();
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put("model.onnx", onnxGraph(out().bytes(5, first).bytes(5, second).end()));
    files.put("w.bin", new byte[24]);
    add("onnx: external tensors overlap", files, "tensor-overlap");
  }

  private static final String R = "onnx-truncated";
  private static final String P = "onnx-tensor-data";
  private static final String S = "tensor-shape-invalid";
  private static final String F = "onnx-external-range";

  private void onnx(String name, byte[] bytes, String code) {
    add("onnx: " + name, Map.of("model.onnx", bytes), code);
  }

  private void init(String name, Out tensor, String code) {
    onnx(name, onnxGraph(out().bytes(5, tensor.end()).end()), code);
  }

  private void external(String name, Out entries, String code) {
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put("model.onnx", onnxGraph(out().bytes(5, onnxExternal("a", entries).end()).end()));
    files.put("w.bin", new byte[16]);
    add("onnx: external " + name, files, code);
  }

  /** A model of that graph. */
  static byte[] onnxGraph(byte[] graph) {
    return out().varint(1, 8).bytes(7, graph).end();
  }

  /** A node, which is looked into because it may say the layer of the initializer. */
  private static byte[] nodeAndWeight(Out node) {
    return out().bytes(1, node.end()).bytes(5, raw().end()).end();
  }

  /** An F32 initializer of one dimension, without data. */
  private static Out float32(long dim, byte[] name) {
    return out().varint(1, dim).varint(2, 1).bytes(8, name);
  }

  private static Out raw() {
    return float32(4, utf8("a")).bytes(9, new byte[16]);
  }

  /** An F32 initializer of 16 bytes in another file. */
  static Out onnxExternal(String name, Out entries) {
    return float32(4, utf8(name)).varint(14, 1).raw(entries.end());
  }

  /** External data entries: keys and values by turns. */
  static Out pairs(String... keysAndValues) {
    Out out = out();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      out.bytes(
          13, out().bytes(1, utf8(keysAndValues[i])).bytes(2, utf8(keysAndValues[i + 1])).end());
    }
    return out;
  }

  // ---- folders

  private void folders() {
    add("folder: empty", Map.of(), "checkpoint-empty");
    Map<String, byte[]> clash = new LinkedHashMap<>();
    clash.put("a.safetensors", file("{" + entry("w", "U8", "1", "0,1") + "}", 1));
    clash.put("b.safetensors", file("{" + entry("w", "U8", "1", "0,1") + "}", 1));
    clash.put("c.safetensors", file("{" + entry("a.safetensors#w", "U8", "1", "0,1") + "}", 1));
    add("folder: a tensor has the name that another one would get", clash, "tensor-name-duplicate");
  }

  private void add(String name, Map<String, byte[]> files, String code) {
    all.add(new Malformed(name, files, code));
  }

  // ---- bytes

  static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static byte[] filled(int count, int value) {
    byte[] bytes = new byte[count];
    Arrays.fill(bytes, (byte) value);
    return bytes;
  }

  static Out out() {
    return new Out();
  }

  /** Little-endian bytes, one after the other. */
  static final class Out {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private int infos;

    Out u8(int value) {
      bytes.write(value);
      return this;
    }

    Out u32(int value) {
      return little(value, 4);
    }

    Out u64(long value) {
      return little(value, 8);
    }

    Out raw(byte[] value) {
      bytes.writeBytes(value);
      return this;
    }

    Out text(String value) {
      return raw(utf8(value));
    }

    Out fill(int count) {
      return raw(new byte[count]);
    }

    /** A GGUF string. */
    Out string(String value) {
      return u64(utf8(value).length).text(value);
    }

    /** A GGUF tensor info; the count in the header follows by {@link #data}. */
    Out info(String name, int type, long offset, long... dims) {
      infos++;
      string(name).u32(dims.length);
      for (long dim : dims) {
        u64(dim);
      }
      return u32(type).u64(offset);
    }

    /** A protobuf tag. */
    Out tag(int field, int wire) {
      return rawVarint((long) field << 3 | wire);
    }

    /** A protobuf varint field. */
    Out varint(int field, long value) {
      return tag(field, 0).rawVarint(value);
    }

    /** A protobuf field of bytes. */
    Out bytes(int field, byte[] value) {
      return tag(field, 2).rawVarint(value.length).raw(value);
    }

    Out rawVarint(long value) {
      long rest = value;
      while ((rest & ~0x7fL) != 0) {
        u8((int) (rest & 0x7f) | 0x80);
        rest >>>= 7;
      }
      return u8((int) rest);
    }

    /** The bytes, with the number of tensor infos patched into a GGUF header. */
    byte[] end() {
      byte[] end = bytes.toByteArray();
      if (infos > 0) {
        end[8] = (byte) infos;
      }
      return end;
    }

    /** The bytes, with another number of pairs in a GGUF header. */
    byte[] end(int pairs) {
      byte[] end = end();
      end[16] = (byte) pairs;
      return end;
    }

    /** Pads to GGUF's default alignment and adds data. */
    byte[] data(int count) {
      fill(Math.floorMod(-bytes.size(), 32));
      return fill(count).end();
    }

    private Out little(long value, int count) {
      for (int i = 0; i < count; i++) {
        u8((int) (value >>> (8 * i)));
      }
      return this;
    }
  }
}
