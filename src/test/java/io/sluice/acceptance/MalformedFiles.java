package io.sluice.acceptance;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Folders that are no models, each with the code of the error that says what is wrong. */
final class MalformedFiles {
  /** What some of them claim to have: no machine here has that much. */
  private static final long HUGE = 1L << 45;

  /**
   * A folder that must be refused.
   *
   * @param name what is wrong
   * @param code of the error
   */
  record Malformed(String name, Map<String, byte[]> files, String code) {
    @Override
    public String toString() {
      return name;
    }
  }

  private final List<Malformed> all = new ArrayList<>();

  private MalformedFiles() {}

  static List<Malformed> all() {
    MalformedFiles table = new MalformedFiles();
    table.safetensors();
    table.index();
    table.gguf();
    table.onnx();
    return List.copyOf(table.all);
  }

  // ---- safetensors

  private void safetensors() {
    st("empty file", new byte[0], "safetensors-truncated");
    st("7 bytes", new byte[7], "safetensors-truncated");
    st("header past the file", new Bytes().u64(1000).text("{}").get(), "safetensors-header-length");
    st("header of 32 TiB", new Bytes().u64(HUGE).text("{}").get(), "safetensors-header-length");
    st("header of 2^64 - 1", new Bytes().u64(-1).text("{}").get(), "safetensors-header-length");
    st("header is no JSON", header("{\"a\":}"), "safetensors-header-json");
    st("header is a list", header("[]"), "safetensors-header-json");
    st("header padded with zeros", header("{}\0\0"), "safetensors-header-padding");
    st("header is not UTF-8", latin1Header("{\"\u00ff\":1}"), "safetensors-header-utf8");
    st("same tensor twice", data("{" + U8 + "," + U8 + "}", 4), "safetensors-header-duplicate-key");
    st("metadata is a number", header("{\"__metadata__\":{\"a\":1}}"), "safetensors-metadata");
    st("unknown dtype", one("U7", "4", "0,4"), "safetensors-dtype");
    st("extra field", data("{" + U8.replace("}", ",\"x\":1}") + "}", 4), "safetensors-entry");
    st("offset is no integer", one("U8", "4", "0,4.0"), "safetensors-header-number");
    st("offset is negative", one("U8", "4", "-4,0"), "safetensors-header-number");
    st("shape and offsets differ", one("F32", "2", "0,4"), "safetensors-offsets");
    st("2^64 elements", one("U8", "4294967296,4294967296", "0,4"), "tensor-shape-invalid");
    st("tensor of 32 TiB", one("U8", "" + HUGE, "0," + HUGE), "safetensors-coverage");
    st(
        "hole",
        data("{" + U8 + "," + U8.replace("\"a\"", "\"b\"").replace("[0,4]", "[8,12]") + "}", 12),
        "safetensors-coverage");
    st("data left over", data("{" + U8 + "}", 5), "safetensors-coverage");
    st("data cut off", data("{" + U8 + "}", 3), "safetensors-coverage");
    st(
        "Git LFS pointer",
        SafetensorsFile.utf8(
            "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0".repeat(64) + "\n"),
        "git-lfs-pointer");
  }

  private static final String U8 = "\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}";

  private void st(String name, byte[] file, String code) {
    all.add(new Malformed("safetensors: " + name, Map.of("model.safetensors", file), code));
  }

  private static byte[] one(String dtype, String shape, String offsets) {
    return data(
        "{\"a\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%s]}}"
            .formatted(dtype, shape, offsets),
        4);
  }

  private static byte[] header(String json) {
    return data(json, 0);
  }

  /** In ISO 8859-1, whose letters beyond ASCII are no UTF-8. */
  private static byte[] latin1Header(String json) {
    byte[] bytes = json.getBytes(StandardCharsets.ISO_8859_1);
    return new Bytes().u64(bytes.length).raw(bytes).get();
  }

  private static byte[] data(String json, int bytes) {
    return new Bytes().u64(SafetensorsFile.utf8(json).length).text(json).zeros(bytes).get();
  }

  // ---- index of a Hugging Face folder

  private void index() {
    index("no JSON", "{", "safetensors-index-json");
    index("no map", "{\"metadata\":{}}", "safetensors-index-json");
    index("missing file", map("a", "other.safetensors"), "safetensors-index-file");
    index("tensor absent from its file", map("b", "m.safetensors"), "safetensors-index-tensor");
    index("path out of the folder", map("a", "../m.safetensors"), "safetensors-index-location");
    index("absolute path", map("a", "/etc/passwd.safetensors"), "safetensors-index-location");
  }

  private void index(String name, String json, String code) {
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put("m.safetensors", data("{" + U8 + "}", 4));
    files.put("m.safetensors.index.json", SafetensorsFile.utf8(json));
    all.add(new Malformed("index: " + name, files, code));
  }

  private static String map(String tensor, String file) {
    return "{\"weight_map\":{\"" + tensor + "\":\"" + file + "\"}}";
  }

  // ---- GGUF

  private void gguf() {
    gguf("wrong magic", new Bytes().text("GGML").zeros(60).get(), "gguf-magic");
    gguf("version 99", gguf(99, 0, 0).get(), "gguf-version");
    gguf("2^45 tensors", gguf(3, HUGE, 0).zeros(200).get(), "tensor-count");
    gguf("2^45 pairs", gguf(3, 0, HUGE).zeros(200).get(), "gguf-count");
    gguf("key of 32 TiB", gguf(3, 0, 1).u64(HUGE).zeros(99).get(), "gguf-string-length");
    gguf(
        "array of 32 TiB",
        gguf(3, 0, 1).ggufString("a").u32(9).u32(0).u64(HUGE).zeros(99).get(),
        "gguf-array");
    gguf(
        "alignment 3",
        gguf(3, 0, 1).ggufString("general.alignment").u32(4).u32(3).zeros(64).get(),
        "gguf-alignment");
    gguf("5 dimensions", tensor(0, 0, 1, 1, 1, 1, 1).get(), "gguf-dims");
    gguf("unknown type", tensor(1000, 0, 32).align(32).zeros(64).get(), "gguf-type");
    gguf("row of half a block", tensor(2, 0, 48).align(32).zeros(64).get(), "gguf-row");
    gguf("offset not aligned", tensor(0, 7, 4).align(32).zeros(64).get(), "gguf-offset");
    gguf("tensor of 32 TiB", tensor(0, 0, HUGE).align(32).zeros(64).get(), "gguf-offset");
    gguf("cut off", tensor(0, 0, 4).get(), "gguf-offset");
  }

  private void gguf(String name, byte[] file, String code) {
    all.add(new Malformed("GGUF: " + name, Map.of("model.gguf", file), code));
  }

  private static Bytes gguf(int version, long tensors, long pairs) {
    return new Bytes().text("GGUF").u32(version).u64(tensors).u64(pairs);
  }

  private static Bytes tensor(int type, long offset, long... dims) {
    Bytes file = gguf(3, 1, 0).ggufString("a").u32(dims.length);
    for (long dim : dims) {
      file.u64(dim);
    }
    return file.u32(type).u64(offset);
  }

  // ---- ONNX

  private void onnx() {
    onnx("empty file", new byte[0], "onnx-no-graph");
    byte[] noise = new byte[500];
    new Random(3).nextBytes(noise);
    noise[0] = 0x0f; // field 1 of a wire type that does not exist
    onnx("noise", noise, "onnx-wire-type");
    onnx("graph of 32 TiB", new Bytes().varint(58).varint(HUGE).zeros(99).get(), "onnx-truncated");
    byte[] whole = OnnxFile.write(Models.transformer(1, 1, 8));
    onnx("cut off", Arrays.copyOf(whole, whole.length / 2), "onnx-truncated");
    onnx(
        "raw data too short",
        initializer(proto(4).protoBytes(9, new byte[15])),
        "onnx-tensor-data");
    onnx(
        "raw data of 32 TiB",
        initializer(proto(HUGE / 4).varint(74).varint(HUGE)),
        "onnx-truncated");
    onnx("2^64 elements", initializer(proto(1L << 62).protoNumber(1, 4)), "tensor-shape-invalid");
    onnx("external data out of the folder", external("../x", "0"), "onnx-external");
    onnx("external data in no file", external("nope.bin", "0"), "onnx-external-missing");
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put("model.onnx", external("w.bin", "" + HUGE));
    files.put("w.bin", new byte[16]);
    all.add(new Malformed("ONNX: external data past its file", files, "onnx-external-range"));
  }

  private void onnx(String name, byte[] file, String code) {
    all.add(new Malformed("ONNX: " + name, Map.of("model.onnx", file), code));
  }

  /** An F32 initializer of one dimension, without data. */
  private static Bytes proto(long dim) {
    return new Bytes().protoNumber(1, dim).protoNumber(2, 1).protoText(8, "a");
  }

  private static byte[] initializer(Bytes tensor) {
    return new Bytes().protoBytes(7, new Bytes().protoBytes(5, tensor.get()).get()).get();
  }

  private static byte[] external(String location, String offset) {
    Bytes tensor = proto(4);
    for (String[] pair : new String[][] {{"location", location}, {"offset", offset}}) {
      tensor.protoBytes(13, new Bytes().protoText(1, pair[0]).protoText(2, pair[1]).get());
    }
    return initializer(tensor.protoNumber(14, 1));
  }
}
