package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Conversions, statistics and comparisons by workers against numpy, ml_dtypes, safetensors and the
 * Python package of GGUF. Skipped where they are not installed.
 */
class ComputePythonIT {
  @TempDir Path folder;

  private Python python;

  @BeforeEach
  void pythonIsThere() {
    python = Python.with(folder, "numpy", "safetensors", "ml_dtypes", "gguf");
  }

  /** Matrices that are split over shards and some that are not, vectors, a scalar, integers. */
  private static List<Synthetic> weights(long seed) {
    Random random = new Random(seed);
    List<Synthetic> tensors = new ArrayList<>();
    tensors.add(Synthetic.weights("layers.0.large", random, 300, 96));
    tensors.add(Synthetic.weights("layers.0.odd", random, 37, 5, 3));
    tensors.add(Synthetic.weights("layers.1.w", random, 64, 64));
    tensors.add(Synthetic.weights("norm", random, 64));
    tensors.add(Synthetic.weights("scalar", random));
    tensors.add(new Synthetic("zeros", "F32", List.of(4L, 32L), new byte[512]));
    tensors.add(narrow("layers.1.bf16", "BF16", random, 48, 64));
    tensors.add(narrow("layers.1.f16", "F16", random, 50, 96));
    tensors.add(Synthetic.random("ids", "I64", random, 9));
    return tensors;
  }

  private static Synthetic narrow(
      String name, String dtype, Random random, long rows, long columns) {
    ByteBuffer data =
        ByteBuffer.allocate((int) (2 * rows * columns)).order(ByteOrder.LITTLE_ENDIAN);
    while (data.hasRemaining()) {
      float value = (float) random.nextGaussian();
      data.putShort(
          dtype.equals("F16")
              ? Float.floatToFloat16(value)
              : (short) (Float.floatToRawIntBits(value) >>> 16));
    }
    return new Synthetic(name, dtype, List.of(rows, columns), data.array());
  }

  /** Uploads tensors in small shards; the file they came from. */
  private Path upload(String model, List<Synthetic> tensors) throws IOException {
    Cluster cluster = Stack.sharedCluster();
    byte[] source = SafetensorsFile.write(tensors);
    String url =
        cluster
            .stack()
            .write(
                model.replace('/', '-'),
                Map.of("m.safetensors", source, "config.json", "{}".getBytes()))
            .toUri()
            .toString();
    cluster.api().upload(url, model, "shardBytes", 20_000);
    return Files.write(folder.resolve("source-" + model.replace('/', '-')), source);
  }

  private static JsonNode compute(String model, String operation, ObjectNode arguments) {
    Cluster cluster = Stack.sharedCluster();
    ObjectNode request = Api.object("model", model, "operation", operation);
    request.set("arguments", arguments);
    ObjectNode answer = (ObjectNode) Api.ok(cluster.api().post("compute", request));
    answer.set("arguments", arguments);
    return answer;
  }

  private void check(String kind, int tensors, Path source, Path result, JsonNode answer)
      throws IOException {
    Path told = Files.writeString(folder.resolve("answer.json"), answer.toString());
    assertThat(
            python.script(
                "compute.py", List.of(kind, source.toString(), result.toString(), told.toString())))
        .endsWith("ok " + kind + " " + tensors + " tensors");
  }

  private Path pull(String model, String... options) {
    Path target = folder.resolve("pulled-" + model.replace('/', '-'));
    List<String> words = new ArrayList<>(List.of("pull", model, target.toString()));
    words.addAll(List.of(options));
    new Cli(Stack.sharedCluster()).run(words.toArray(String[]::new)).succeeded();
    return target;
  }

  @ParameterizedTest
  @CsvSource({"F16,7", "BF16,7", "F32,2"})
  void floatsAreThoseOfNumpy(String to, int converted) throws Exception {
    String model = "python/floats-" + to;
    List<Synthetic> tensors = weights(71);
    Random random = new Random(72);
    if (!to.equals("F32")) {
      tensors.add(Synthetic.random("any", "F32", random, 40, 64)); // NaN, infinities, subnormals
    }
    Path source = upload(model, tensors);
    JsonNode answer =
        compute(model, "convert", Api.object("to", to, "output", model + "-out:made"));
    Path result = pull(model + "-out:made");
    assertThat(result.resolve("config.json")).hasContent("{}");
    check("floats", to.equals("F32") ? converted : converted + 1, source, result, answer);

    JsonNode compared = compute(model, "compare", Api.object("with", model + "-out:made"));
    // What became wider is as it was.
    assertThat(compared.at("/result/equal").booleanValue()).isEqualTo(to.equals("F32"));
    assertThat(compared.at("/result/summary/missing").intValue()).isZero();
    check("compare", compared.at("/result/tensors").size(), source, result, compared);
  }

  @Test
  void rowsOfBytesAreThoseOfNumpy() throws Exception {
    Path source = upload("python/rows", weights(73));
    JsonNode answer =
        compute("python/rows", "convert", Api.object("to", "I8", "output", "python/rows:int8"));
    check("rows", 6, source, pull("python/rows:int8"), answer);
    JsonNode made = Stack.sharedCluster().api().model("python/rows?tag=int8");
    assertThat(made.at("/provenance/operation").textValue()).isEqualTo("convert");
    assertThat(made.at("/provenance/parents/0/version")).isEqualTo(answer.get("version"));
    JsonNode again =
        compute("python/rows", "convert", Api.object("to", "I8", "output", "python/rows:int8"));
    assertThat(again.at("/result/version")).isEqualTo(answer.at("/result/version"));
  }

  @ParameterizedTest
  @CsvSource({"Q8_0,5", "Q4_0,5"})
  void blocksAreThoseOfGguf(String to, int converted) throws Exception {
    String model = "python/blocks-" + to;
    Path source = upload(model, weights(74));
    JsonNode answer = compute(model, "convert", Api.object("to", to, "output", model + "-out"));
    Path result = pull(model + "-out", "--as", "gguf");
    check("blocks", converted, source, result.resolve("blocks-" + to + "-out.gguf"), answer);
  }

  @Test
  void distributionsAreThoseOfNumpy() throws Exception {
    List<Synthetic> tensors = weights(75);
    Path source = upload("python/stats", tensors);
    ObjectNode arguments = Api.object("histogram", true);
    arguments.putArray("quantiles").add(0).add(0.01).add(0.5).add(0.99).add(1);
    JsonNode answer = compute("python/stats", "stats", arguments);
    check("stats", tensors.size(), source, source, answer);
  }

  @Test
  void aBadCheckpointIsFoundByOneCommand() throws Exception {
    List<Synthetic> tensors = weights(76);
    Path source = upload("python/diff", tensors);
    Cli cli = new Cli(Stack.sharedCluster());
    cli.run("diff", "python/diff", "python/diff", "--exit-code").succeeded();
    byte[] bad = tensors.getFirst().data().clone();
    bad[4 * 1000 + 3] = 0x7f; // one exponent
    bad[4 * 1000 + 2] = (byte) 0x80;
    tensors.set(0, new Synthetic("layers.0.large", "F32", List.of(300L, 96L), bad));
    tensors.removeLast();
    tensors.add(Synthetic.weights("new", new Random(1), 3));
    upload("python/diff-bad", tensors);
    Cli.Run found = cli.run("diff", "python/diff", "python/diff-bad", "--exit-code");
    assertThat(found.exit()).isEqualTo(10);
    assertThat(found.out())
        .contains("missing ids")
        .contains("extra new")
        .contains("layers.0.large")
        .contains("1 of them differ; 1 missing, 1 extra, 0 reshaped");
    JsonNode json = cli.run("diff", "python/diff", "python/diff-bad", "--json").json();
    assertThat(json.at("/result/tensors/layers.0.large/unlike").intValue()).isEqualTo(1);
    assertThat(source).exists();
  }
}
