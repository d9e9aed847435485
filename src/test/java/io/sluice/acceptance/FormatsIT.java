package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A model of each format goes in, lies in the bucket byte for byte, is loaded and computes; written
 * by the tests, so nothing here agrees with the application by sharing its code.
 */
class FormatsIT {
  private static final Cluster CLUSTER = Stack.sharedCluster();

  /**
   * A model.
   *
   * @param format of each file, by path
   * @param fields of the upload, as pairs
   */
  record Sample(
      String name,
      Map<String, byte[]> files,
      List<Synthetic> tensors,
      Map<String, String> format,
      List<Object> fields) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Sample> samples() {
    return Stream.of(
        everyType(), folder(), largerThanAShard(), gguf(), onnx(), onnxExternal(), opaque());
  }

  private static Sample everyType() {
    Random random = new Random(1);
    List<Synthetic> tensors = new ArrayList<>();
    // An odd length first, so that nothing after it is aligned in the file.
    tensors.add(Synthetic.random("odd", "U8", random, 3));
    for (String type : Synthetic.SAFETENSORS_TYPES) {
      tensors.add(Synthetic.random("every." + type, type, random, 12, 20));
    }
    tensors.add(Synthetic.weights("scalar.F32", random));
    tensors.add(Synthetic.random("scalar.I64", "I64", random));
    tensors.add(Synthetic.random("scalar.BF16", "BF16", random));
    tensors.add(Synthetic.random("empty.1", "F32", random, 0));
    tensors.add(Synthetic.random("empty.2", "F16", random, 5, 0, 7));
    tensors.add(Synthetic.weights("name with blanks / ünïcode", random, 2, 2));
    return new Sample(
        "every-type",
        Map.of("model.safetensors", SafetensorsFile.write(tensors)),
        tensors,
        Map.of("model.safetensors", "SAFETENSORS"),
        List.of("shardBytes", 4096, "chunkBytes", 1 << 16));
  }

  private static Sample folder() {
    List<Synthetic> tensors = Models.transformer(2, 6, 64);
    return new Sample(
        "folder",
        SafetensorsFile.folder(tensors, 3),
        tensors,
        Map.of(
            "model-00001-of-00003.safetensors", "SAFETENSORS",
            "model-00002-of-00003.safetensors", "SAFETENSORS",
            "model-00003-of-00003.safetensors", "SAFETENSORS",
            "model.safetensors.index.json", "OPAQUE",
            "config.json", "OPAQUE",
            "tokenizer.json", "OPAQUE"),
        List.of("shardBytes", 1 << 16));
  }

  private static Sample largerThanAShard() {
    Random random = new Random(3);
    List<Synthetic> tensors =
        List.of(
            Synthetic.weights("before", random, 10),
            Synthetic.weights("large", random, 1001, 257),
            Synthetic.random("large.bf16", "BF16", random, 777, 3, 41),
            Synthetic.random("one.row", "U8", random, 1, 300_000),
            Synthetic.random("rows.of.half.bytes", "F4", random, 9, 7, 6),
            Synthetic.weights("after", random, 11));
    return new Sample(
        "larger-than-a-shard",
        Map.of("model.safetensors", SafetensorsFile.write(tensors)),
        tensors,
        Map.of("model.safetensors", "SAFETENSORS"),
        List.of("shardBytes", 100_000, "chunkBytes", 1 << 16));
  }

  private static Sample gguf() {
    Random random = new Random(4);
    List<Synthetic> tensors =
        List.of(
            Synthetic.weights("token_embd.weight", random, 96, 64),
            Synthetic.random("blk.0.attn_q.weight", "Q4_0", random, 48, 128),
            Synthetic.random("blk.0.ffn_up.weight", "Q8_0", random, 33, 32),
            Synthetic.random("blk.1.attn_q.weight", "Q6_K", random, 7, 512),
            Synthetic.random("blk.1.ffn_up.weight", "F16", random, 5, 7, 9, 2),
            Synthetic.random("blk.1.bias", "BF16", random, 65),
            Synthetic.random("ids", "I32", random, 3, 3),
            Synthetic.random("bytes", "I8", random, 31),
            Synthetic.weights("one", random, 1));
    return new Sample(
        "gguf",
        Map.of("model.gguf", GgufFile.write(tensors)),
        tensors,
        Map.of("model.gguf", "GGUF"),
        List.of("shardBytes", 2048));
  }

  private static List<Synthetic> onnxTensors(long seed) {
    Random random = new Random(seed);
    return List.of(
        Synthetic.weights("embeddings.weight", random, 300, 32),
        Synthetic.weights("onnx::MatMul_885", random, 32, 64),
        Synthetic.random("half", "F16", random, 17, 3),
        Synthetic.random("double", "F64", random, 9),
        Synthetic.random("ids", "I64", random, 12),
        Synthetic.random("mask", "BOOL", random, 40),
        Synthetic.weights("scalar", random));
  }

  private static Sample onnx() {
    List<Synthetic> tensors = onnxTensors(5);
    return new Sample(
        "onnx",
        Map.of("model.onnx", OnnxFile.write(tensors)),
        tensors,
        Map.of("model.onnx", "ONNX"),
        List.of("strategy", "count", "shards", 3));
  }

  private static Sample onnxExternal() {
    List<Synthetic> tensors = onnxTensors(6);
    return new Sample(
        "onnx-external",
        OnnxFile.writeExternal(tensors),
        tensors,
        Map.of("model.onnx", "ONNX", "weights/model.onnx_data", "ONNX_DATA"),
        List.of("shardBytes", 16_384));
  }

  private static Sample opaque() {
    byte[] data = new byte[17_000_003];
    new Random(7).nextBytes(data);
    List<Synthetic> tensors =
        List.of(new Synthetic("weights.bin", "U8", List.of((long) data.length), data));
    return new Sample(
        "opaque",
        Map.of("weights.bin", data, "notes/README.md", SafetensorsFile.utf8("# Notes\n")),
        tensors,
        Map.of("weights.bin", "OPAQUE", "notes/README.md", "OPAQUE"),
        List.of("shardBytes", 5_000_000, "chunkBytes", 1 << 20));
  }

  @ParameterizedTest
  @MethodSource("samples")
  void goesInAndLoadsAndComputes(Sample sample) {
    Api api = CLUSTER.api();
    String model = "formats/" + sample.name();
    String source = CLUSTER.stack().write(sample.name(), sample.files()).toUri().toString();
    Set<String> before = CLUSTER.bucket().shards().keySet();
    JsonNode upload = api.upload(source, model, sample.fields().toArray());

    Map<String, Long> stored = CLUSTER.bucket().shards();
    stored.keySet().removeAll(before);
    assertThat(upload.get("S").longValue())
        .isEqualTo(stored.values().stream().mapToLong(Long::longValue).sum());
    String version = upload.get("version").textValue();
    assertSameFiles(CLUSTER.bucket().files(model, version), sample.files());

    JsonNode document = api.model(model);
    assertFiles(document, sample);
    Models.assertTensors(document, sample.tensors());
    assertShardObjects(document, sample);

    JsonNode load = api.load(model);
    Models.assertWholeLoad(load, document, api.workers().keySet());
    JsonNode stats = api.stats(model);
    if (sample.name().equals("opaque")) {
      assertThat(stats.get("result").get("tensors")).isEmpty();
      assertThat(stats.get("skipped").get(0).get("tensor").textValue()).isEqualTo("weights.bin");
    } else {
      Models.assertStats(stats, sample.tensors());
    }
    assertThat(api.unload(model).get("freedBytes").longValue())
        .isGreaterThanOrEqualTo(load.get("L").longValue());
    CLUSTER.awaitEmpty();
  }

  @Test
  void modelWithoutTensorsHasNoShard() {
    Api api = CLUSTER.api();
    Map<String, byte[]> files =
        Map.of("model.safetensors", SafetensorsFile.write(List.of()), "a.txt", new byte[0]);
    String source = CLUSTER.stack().write("no-tensors", files).toUri().toString();
    JsonNode upload = api.upload(source, "formats/no-tensors");
    assertThat(upload.get("S").longValue()).isZero();
    assertThat(upload.get("shards").intValue()).isZero();
    assertSameFiles(
        CLUSTER.bucket().files("formats/no-tensors", upload.get("version").textValue()), files);
    JsonNode load = api.load("formats/no-tensors");
    assertThat(load.get("L").longValue()).isZero();
    assertThat(load.get("N").intValue()).isZero();
    assertThat(load.get("P").intValue()).isZero();
  }

  @Test
  void singleFileIsAModelToo() {
    Api api = CLUSTER.api();
    List<Synthetic> tensors = Models.transformer(8, 1, 32);
    Map<String, byte[]> files =
        Map.of("one.safetensors", SafetensorsFile.write(tensors), "other.txt", new byte[9]);
    String source =
        CLUSTER.stack().write("one-file", files).resolve("one.safetensors").toUri().toString();
    JsonNode upload = api.upload(source, "formats/one-file");
    assertThat(CLUSTER.bucket().files("formats/one-file", upload.get("version").textValue()))
        .containsOnlyKeys("one.safetensors");
  }

  private static void assertSameFiles(Map<String, byte[]> got, Map<String, byte[]> expected) {
    assertThat(got.keySet()).isEqualTo(expected.keySet());
    expected.forEach((path, bytes) -> assertThat(got.get(path)).as(path).isEqualTo(bytes));
  }

  private static void assertFiles(JsonNode document, Sample sample) {
    Set<String> paths = new HashSet<>();
    for (JsonNode file : document.get("files")) {
      String path = file.get("path").textValue();
      byte[] bytes = sample.files().get(path);
      assertThat(file.get("size").longValue()).isEqualTo(bytes.length);
      assertThat(file.get("crc32c").textValue()).isEqualTo(Bucket.crc32c(bytes));
      if (file.has("digest")) {
        assertThat(file.get("digest").textValue()).isEqualTo(Bucket.sha256(bytes));
      }
      assertThat(file.get("format").textValue()).isEqualTo(sample.format().get(path));
      paths.add(path);
    }
    assertThat(paths).isEqualTo(sample.files().keySet());
  }

  /**
   * Every shard is named by its content and is a sound safetensors file with aligned data, and its
   * tensors are what the document says lies there.
   */
  private static void assertShardObjects(JsonNode document, Sample sample) {
    List<Map<String, Synthetic>> shards = new ArrayList<>();
    for (JsonNode shard : document.get("shards")) {
      byte[] object = CLUSTER.bucket().get(Bucket.shardKey(shard.get("digest").textValue()));
      assertThat(Bucket.sha256(object)).isEqualTo(shard.get("digest").textValue());
      assertThat((long) object.length).isEqualTo(shard.get("size").longValue());
      assertThat(SafetensorsFile.dataStart(object) % 64).isZero();
      shards.add(SafetensorsFile.read(object));
    }
    for (Synthetic tensor : sample.tensors()) {
      JsonNode entry = null;
      for (JsonNode candidate : document.get("tensors")) {
        entry = candidate.get("name").textValue().equals(tensor.name()) ? candidate : entry;
      }
      int at = 0;
      for (JsonNode piece : entry.get("pieces")) {
        Synthetic stored = shards.get(piece.get("shard").intValue()).get(tensor.name());
        int length = piece.get("bytes").intValue();
        assertThat(stored.data())
            .as(tensor.name())
            .isEqualTo(java.util.Arrays.copyOfRange(tensor.data(), at, at + length));
        assertThat(stored.dtype()).isEqualTo(tensor.dtype().matches("Q.*") ? "U8" : tensor.dtype());
        at += length;
      }
      assertThat(at).isEqualTo(tensor.data().length);
    }
  }
}
