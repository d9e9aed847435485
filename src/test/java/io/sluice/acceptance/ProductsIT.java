package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code matmul} and {@code topk} over a matrix that is split by rows over four workers. */
class ProductsIT {
  private static final String MODEL = "products/m";
  private static final int OUT = 1000;
  private static final int IN = 96;
  private static final int N = 40;

  private static Cluster cluster;
  private static Synthetic weight;
  private static Synthetic bias;
  private static Synthetic batch;

  @TempDir Path folder;

  @BeforeAll
  static void upload() {
    Random random = new Random(41);
    weight = Synthetic.weights("w", random, OUT, IN);
    bias = Synthetic.weights("b", random, OUT);
    batch = Synthetic.weights("x", random, N, IN);
    cluster = Stack.sharedCluster();
    byte[] file = SafetensorsFile.write(List.of(weight, bias, batch));
    String source =
        cluster.stack().write("products", Map.of("m.safetensors", file)).toUri().toString();
    cluster.api().upload(source, MODEL, "shardBytes", 50_000);
    Models.assertWholeLoad(
        cluster.api().load(MODEL), cluster.api().model(MODEL), cluster.api().workers().keySet());
  }

  @AfterAll
  static void unload() {
    cluster.unloadAll();
  }

  private static JsonNode compute(String operation, Object... arguments) {
    return Api.ok(
        cluster
            .api()
            .post(
                "/compute",
                Api.object(
                    "model", MODEL, "operation", operation, "arguments", Api.object(arguments))));
  }

  private static ObjectNode stored(String tensor) {
    return Api.object("model", MODEL, "tensor", tensor);
  }

  private static ArrayNode inline(int rows) {
    ByteBuffer floats = ByteBuffer.wrap(batch.data()).order(ByteOrder.LITTLE_ENDIAN);
    ArrayNode all = JsonNodeFactory.instance.arrayNode();
    for (int i = 0; i < rows; i++) {
      ArrayNode row = all.addArray();
      for (int k = 0; k < IN; k++) {
        row.add(floats.getFloat());
      }
    }
    return all;
  }

  @Test
  void aProductOfAllWorkersIsThatOfNumpy() throws IOException {
    JsonNode answer = compute("matmul", "weight", "w", "bias", "b", "x", inline(N));
    assertThat(answer.get("P").intValue()).isEqualTo(4);
    assertThat(answer.get("N").intValue()).isGreaterThanOrEqualTo(8);
    long bytes = 0;
    for (JsonNode worker : answer.get("workers")) {
      bytes += worker.get("bytes").longValue();
    }
    assertThat(bytes).isGreaterThanOrEqualTo(4L * OUT * IN);
    JsonNode y = answer.at("/result/y");
    assertThat(compute("matmul", "weight", "w", "bias", "b", "x", stored("x")).at("/result/y"))
        .as("x by reference")
        .isEqualTo(y);
    Path arguments =
        Files.writeString(
            folder.resolve("arguments.json"),
            Api.object("weight", "w", "bias", "b", "x", inline(N)).toString());
    Cli cli = new Cli(cluster);
    JsonNode byCli =
        cli.run("--json", "compute", MODEL, "--operation", "matmul", "--arguments", "@" + arguments)
            .json();
    assertThat(byCli.at("/result/y")).as("by the command line").isEqualTo(y);

    JsonNode made =
        compute("matmul", "weight", "w", "bias", "b", "x", stored("x"), "output", "products/y");
    assertThat(made.at("/result/model").textValue()).isEqualTo("products/y");
    assertThat(made.at("/result/y").isMissingNode()).isTrue();
    JsonNode again =
        compute("matmul", "weight", "w", "bias", "b", "x", stored("x"), "output", "products/y");
    assertThat(again.at("/result/version")).isEqualTo(made.at("/result/version"));
    Path pulled = folder.resolve("pulled");
    cli.run("pull", "products/y", pulled.toString()).succeeded();
    ObjectNode inline = testCase("matmul", N).put("bias", file("b", bias));
    inline.set("y", y);
    ObjectNode stored =
        testCase("stored", N)
            .put("bias", file("b", bias))
            .put("file", pulled.resolve("model.safetensors").toString());
    numpyAgrees(List.of(inline, stored));
  }

  @Test
  void theNearestRowsAreThoseOfNumpy() throws IOException {
    List<ObjectNode> cases = new ArrayList<>();
    for (String metric : List.of("cosine", "dot", "l2")) {
      JsonNode answer =
          compute("topk", "matrix", "w", "queries", stored("x"), "metric", metric, "k", 25);
      assertThat(answer.get("P").intValue()).isEqualTo(4);
      assertThat(
              compute("topk", "matrix", "w", "queries", inline(N), "metric", metric, "k", 25)
                  .get("result"))
          .isEqualTo(answer.get("result"));
      ObjectNode one = testCase("topk", N).put("metric", metric);
      one.set("queries", answer.at("/result/queries"));
      cases.add(one);
    }
    Cli.Run byCli =
        new Cli(cluster)
            .run(
                "compute",
                MODEL,
                "--operation",
                "topk",
                "--tensors",
                "w",
                "--argument",
                "k=3",
                "--argument",
                "queries=" + inline(2));
    assertThat(byCli.succeeded().out()).contains("QUERY").contains("SCORE");
    numpyAgrees(cases);
  }

  @Test
  void whatIsTooLargeOrWrongIsRefusedWithTheWayAround() {
    Random random = new Random(42);
    List<Synthetic> wide =
        List.of(Synthetic.weights("w", random, 3000, 2), Synthetic.weights("x", random, 100, 2));
    String source =
        cluster
            .stack()
            .write("products-wide", Map.of("m.safetensors", SafetensorsFile.write(wide)))
            .toUri()
            .toString();
    cluster.api().upload(source, "products/wide");
    ObjectNode x = Api.object("model", "products/wide", "tensor", "x");
    JsonNode large = problem("products/wide", "matmul", "batch-too-large", "weight", "w", "x", x);
    assertThat(large.get("detail").textValue()).contains("262144").contains("'output'");
    ObjectNode arguments = Api.object("weight", "w", "x", x, "output", "products/large");
    ObjectNode request = Api.object("model", "products/wide", "operation", "matmul");
    request.set("arguments", arguments);
    JsonNode made = Api.ok(cluster.api().post("/compute", request)).get("result");
    assertThat(made.get("shape").toString()).isEqualTo("[100,3000]");
    problem(MODEL, "matmul", "tensors-unknown", "weight", "none", "x", inline(1));
    problem(MODEL, "topk", "field-invalid", "matrix", "w", "queries", inline(1), "k", 10_001);
    problem(
        MODEL,
        "topk",
        "operation-arguments-invalid",
        "matrix",
        "w",
        "queries",
        inline(1),
        "k",
        1001);
  }

  private static JsonNode problem(
      String model, String operation, String code, Object... arguments) {
    ObjectNode request = Api.object("model", model, "operation", operation);
    request.set("arguments", Api.object(arguments));
    return Api.problem(cluster.api().post("/compute", request), 400, code);
  }

  /** Each command of the page is run, and answers what the page shows. */
  @ParameterizedTest
  @ValueSource(strings = "docs/compute-products.md")
  void thePageShowsWhatTheCommandsAnswer(String page) throws IOException {
    ByteBuffer data = ByteBuffer.allocate(4 * 12 + 4 * 4).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : new float[] {1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1}) {
      data.putFloat(value);
    }
    for (float value : new float[] {10, 20, 30, 40}) {
      data.putFloat(value);
    }
    byte[] bytes = data.array();
    List<Synthetic> tensors =
        List.of(
            new Synthetic("w", "F32", List.of(4L, 3L), java.util.Arrays.copyOf(bytes, 48)),
            new Synthetic("b", "F32", List.of(4L), java.util.Arrays.copyOfRange(bytes, 48, 64)));
    String source =
        cluster
            .stack()
            .write("products-small", Map.of("m.safetensors", SafetensorsFile.write(tensors)))
            .toUri()
            .toString();
    cluster.api().upload(source, "small");
    String text = Files.readString(root().resolve(page));
    Matcher examples =
        Pattern.compile("```sh no-ci\n\\./sluice (.*?)```\n+```json\n(.*?)```", Pattern.DOTALL)
            .matcher(text);
    int count = 0;
    while (examples.find()) {
      List<String> words = new ArrayList<>(List.of("--json"));
      Matcher word = Pattern.compile("'([^']*)'|([^\\s\\\\]+)").matcher(examples.group(1));
      while (word.find()) {
        words.add(word.group(1) != null ? word.group(1) : word.group(2));
      }
      JsonNode answer = new Cli(cluster).run(words.toArray(new String[0])).json();
      JsonNode shown = Api.parse(examples.group(2));
      // A version is a digest that the page cannot know.
      ObjectNode result = (ObjectNode) answer.get("result");
      if (result.has("version")) {
        result.set("version", shown.get("version"));
      }
      assertThat(result).as(String.join(" ", words)).isEqualTo(shown);
      count++;
    }
    assertThat(count).isGreaterThanOrEqualTo(3);
  }

  private static Path root() {
    Path at = Path.of("").toAbsolutePath();
    while (!Files.isRegularFile(at.resolve("mvnw"))) {
      at = at.getParent();
    }
    return at;
  }

  // ---- numpy

  private ObjectNode testCase(String kind, int n) throws IOException {
    return Api.object(
        "kind",
        kind,
        "weight",
        file("w", weight),
        "shape",
        weight.shape(),
        "x",
        file("x", batch),
        "n",
        n);
  }

  private String file(String name, Synthetic tensor) throws IOException {
    return Files.write(folder.resolve(name), tensor.data()).toString();
  }

  /** Skipped where Python or its modules are not installed. */
  private void numpyAgrees(List<ObjectNode> cases) throws IOException {
    Python python = Python.with(folder, "numpy", "safetensors.numpy");
    List<String> files = new ArrayList<>();
    for (ObjectNode one : cases) {
      Path file = folder.resolve("case-" + files.size() + ".json");
      files.add(Files.writeString(file, one.toString()).toString());
    }
    assertThat(python.script("products.py", files)).isEqualTo("ok " + cases.size());
  }
}
