package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.restassured.response.Response;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * all-MiniLM-L6-v2 embeds texts layer by layer on the workers that hold the layers; the vectors are
 * those of ONNX Runtime, whoever lives.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class EmbedIT {
  private static final String MODEL = "embed/all-MiniLM-L6-v2";
  private static final Path GOLDEN =
      Path.of("..", "..", "shared", "src", "test", "resources", "embed", "all-MiniLM-L6-v2.json");

  private static Cluster cluster;
  private static JsonNode golden;
  private static List<String> first;

  @BeforeAll
  static void loadIt() throws IOException {
    golden = Api.parse(Files.readString(GOLDEN));
    // a compiler that knows vector instructions, and room for prepared weights
    cluster =
        Cluster.start(
            Stack.shared(),
            "embed",
            3,
            96 << 20,
            Map.of("_JAVA_OPTIONS", "-XX:TieredStopAtLevel=4 -Xmx512m"));
    Map<String, byte[]> files = new HashMap<>();
    for (String name : List.of("model.onnx", "tokenizer.json")) {
      files.put(name, Files.readAllBytes(Application.realModel().resolve(name)));
    }
    String source = cluster.stack().write("embed", files).toUri().toString();
    cluster.api().upload(source, MODEL, "strategy", "layer", "shardBytes", 8 << 20);
    cluster.api().load(MODEL);
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  private static ObjectNode request(Object... fields) {
    ObjectNode request = Api.object("model", MODEL);
    ArrayNode texts = request.putArray("texts");
    golden.forEach(text -> texts.add(text.get("text").textValue()));
    request.setAll(Api.object(fields));
    return request;
  }

  private static List<String> bits(JsonNode answer) {
    List<String> bits = new ArrayList<>();
    answer.get("embeddings").forEach(vector -> bits.add(vector.textValue()));
    assertThat(bits).hasSize(golden.size());
    return bits;
  }

  /** What was answered first; every other answer has the same bits. */
  private static List<String> first() {
    if (first == null) {
      first = bits(Api.ok(cluster.api().post("/embed", request("encoding", "base64"))));
    }
    return first;
  }

  /** Tells the texts that differ, not their vectors. */
  private static void assertSameBits(List<String> bits) {
    List<String> differ = new ArrayList<>();
    for (int i = 0; i < golden.size(); i++) {
      if (!bits.get(i).equals(first().get(i))) {
        differ.add(golden.get(i).get("text").textValue());
      }
    }
    assertThat(differ).as("texts whose vectors have other bits").isEmpty();
  }

  private static float[] floats(String base64) {
    ByteBuffer bytes = ByteBuffer.wrap(Base64.getDecoder().decode(base64));
    float[] vector = new float[bytes.remaining() / 4];
    bytes.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(vector);
    return vector;
  }

  @Test
  @Order(1)
  void vectorsAreThoseOfOnnxRuntime() {
    JsonNode answer = Api.ok(cluster.api().post("/embed", request("encoding", "base64")));
    first = bits(answer);
    assertThat(answer.get("dimensions").intValue()).isEqualTo(384);
    assertThat(answer.get("heads").intValue()).isEqualTo(12);
    for (int i = 0; i < golden.size(); i++) {
      float[] expected = floats(golden.get(i).get("vector").textValue());
      float[] actual = floats(first.get(i));
      for (int j = 0; j < expected.length; j++) {
        assertThat(Math.abs(actual[j] - expected[j]))
            .as(golden.get(i).get("text").textValue())
            .isLessThan(1e-4f);
      }
    }
  }

  @Test
  @Order(2)
  void everyLayerIsExecutedWhereItLies() {
    JsonNode model = cluster.api().model(MODEL);
    Map<Integer, String> holders = new TreeMap<>();
    for (JsonNode tensor : model.get("tensors")) {
      if (tensor.has("layer")) {
        JsonNode shard = model.get("shards").get(tensor.at("/pieces/0/shard").intValue());
        holders.put(tensor.get("layer").intValue(), shard.at("/workers/0").textValue());
      }
    }
    assertThat(holders.keySet()).containsExactly(0, 1, 2, 3, 4, 5);
    JsonNode answer = Api.ok(cluster.api().post("/embed", request()));
    Map<Integer, String> executed = new TreeMap<>();
    for (JsonNode worker : answer.get("workers")) {
      worker
          .get("layers")
          .forEach(layer -> executed.put(layer.intValue(), worker.get("id").textValue()));
    }
    assertThat(executed).isEqualTo(holders);
    assertThat(Set.copyOf(executed.values())).hasSizeGreaterThan(1);
  }

  @Test
  @Order(3)
  void jobAnswersTheSameBits() {
    ObjectNode arguments = request("encoding", "base64");
    arguments.remove("model");
    ObjectNode compute = Api.object("model", MODEL, "operation", "embed");
    compute.set("arguments", arguments);
    JsonNode answer = Api.ok(cluster.api().post("/compute", compute));
    assertSameBits(bits(answer.get("result")));
    assertThat(answer.get("N").intValue()).isEqualTo(2);
    assertThat(answer.at("/result/tokens").longValue()).isPositive();
  }

  @Test
  @Order(4)
  void numbersAreTheSameAsBase64() {
    JsonNode answer = Api.ok(cluster.api().post("/embed", request()));
    for (int i = 0; i < golden.size(); i++) {
      float[] expected = floats(first().get(i));
      for (int j = 0; j < expected.length; j++) {
        assertThat(answer.get("embeddings").get(i).get(j).floatValue()).isEqualTo(expected[j]);
      }
    }
  }

  @Test
  @Order(5)
  void requestsThatCannotBeServedAreRefused() {
    Api api = cluster.api();
    problem(api, Api.object("model", MODEL), "embed-arguments-invalid", "texts");
    problem(api, request("pooling", "max"), "embed-arguments-invalid", "mean or cls");
    problem(api, request("maxTokens", 513), "embed-arguments-invalid", "from 2 to 512");
    problem(api, request("heads", 7), "encoder-unsupported", "7 do not divide 384");
    problem(api, request("encoding", "hex"), "embed-arguments-invalid", "float or base64");
    ObjectNode none = Api.object("model", MODEL);
    none.putArray("texts");
    problem(api, none, "embed-arguments-invalid", "1 to 4096");
    String plain =
        cluster
            .stack()
            .write(
                "embed-plain",
                Map.of("m.safetensors", SafetensorsFile.write(Models.uniform(5, 3, 64))))
            .toUri()
            .toString();
    api.upload(plain, "embed/plain");
    ObjectNode other = request();
    other.put("model", "embed/plain");
    problem(api, other, "encoder-unsupported", "embeddings.word_embeddings.weight");
  }

  private static void problem(Api api, JsonNode body, String code, String detail) {
    JsonNode problem = Api.problem(api.post("/embed", body), 400, code);
    assertThat(problem.get("detail").textValue()).contains(detail);
  }

  @Test
  @Order(6)
  void activationsThatAreNoneAreRefused() {
    refused(new byte[0], "they end after 0 bytes");
    refused(new byte[80], "they start with 'SLAC'");
    byte[] good = activations("worker-1", 7, 4, 1);
    assertThat(send(good).statusCode()).isEqualTo(200);
    assertThat(send(good).asByteArray()).hasSize(384 * 4);
    refused(activations("worker-9", 7, 4, 1), "they are for worker 'worker-9'");
    refused(activations("worker-1", 5, 4, 1), "the way ends after part 5");
    refused(activations("worker-1", 7, 513, 1), "at most 512 tokens, got 513");
    refused(activations("worker-1", 7, 5000, 1), "at most 4096");
    refused(java.util.Arrays.copyOf(good, good.length - 1), "take 16 bytes, got 15");
    byte[] foreign = good.clone();
    foreign[foreign.length - 1] = 0x7f;
    refused(foreign, "the id of a token is from 0 to 30521");
    byte[] many = good.clone();
    ByteBuffer.wrap(many).order(ByteOrder.LITTLE_ENDIAN).putInt(72, Integer.MAX_VALUE);
    refused(many, "1 to 4096 sequences, got 2147483647");
    Response wrong =
        worker("worker-1").request().contentType("text/plain").body("x").post("/activations");
    Api.problem(wrong, 400, "activations-invalid");
  }

  private static Api worker(String id) {
    return cluster.workers().stream()
        .filter(worker -> worker.id().equals(id))
        .findFirst()
        .orElseThrow()
        .api();
  }

  private static Response send(byte[] body) {
    return worker("worker-1")
        .request()
        .contentType("application/octet-stream")
        .body(body)
        .post("/activations");
  }

  private static void refused(byte[] body, String detail) {
    JsonNode problem = Api.problem(send(body), 400, "activations-invalid");
    assertThat(problem.get("detail").textValue()).contains(detail);
  }

  /** A request for one worker to execute all parts on one sequence. */
  private static byte[] activations(String worker, int end, int tokens, int width) {
    String version = cluster.api().model(MODEL).get("version").textValue();
    byte[] digest = java.util.HexFormat.of().parseHex(version.replace("sha256:", ""));
    ByteBuffer out =
        ByteBuffer.allocate(80 + MODEL.length() + 3 + worker.length() + 2 + 4 * tokens * width)
            .order(ByteOrder.LITTLE_ENDIAN);
    out.put("SLAC".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    out.put(new byte[] {1, 0, 0, 1}).put(digest).put(new byte[16]);
    out.putInt(0).putFloat(1e-12f).putShort((short) 12).putShort((short) 0).putShort((short) 1);
    out.putShort((short) MODEL.length()).putInt(1).putInt(width);
    out.put(MODEL.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    out.putShort((short) end).put((byte) worker.length());
    out.put(worker.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    out.putShort((short) tokens);
    return out.array();
  }

  @Test
  @Order(7)
  void commandComparesTexts() throws IOException {
    Cli cli = new Cli(cluster);
    String text =
        cli.run("embed", MODEL, "--text", "a cat", "--text", "a kitten", "--text", "a bank")
            .succeeded()
            .out();
    assertThat(text)
        .contains("3 texts", "384 dimensions", "layer 5 on worker-", "a kitten", "1.00");
    Path lines = Files.createTempFile("embed", ".txt");
    Files.writeString(lines, "one\n\ntwo\n");
    JsonNode json = cli.run("embed", MODEL, "--file", lines.toString(), "--json").json();
    Files.delete(lines);
    assertThat(json.get("embeddings")).hasSize(3);
    assertThat(cli.run("embed", MODEL).exit()).isEqualTo(2);
  }

  @Test
  @Order(8)
  void corpusInTheStoreBecomesAMatrixToSearch() {
    List<String> lines = new ArrayList<>();
    for (JsonNode text : golden) {
      String one = text.get("text").textValue();
      if (one.length() < 200 && one.indexOf('\n') < 0 && one.indexOf('\r') < 0) {
        lines.add(one);
      }
    }
    int distinct = lines.size();
    assertThat(distinct).isGreaterThan(40);
    while (lines.size() < 600) {
      lines.add(lines.get(lines.size() % distinct).replace('.', '!') + " " + lines.size());
    }
    byte[] file =
        (String.join("\r\n", lines) + "\n").getBytes(java.nio.charset.StandardCharsets.UTF_8);
    Api api = cluster.api();
    String source =
        cluster.stack().write("embed-corpus", Map.of("texts.txt", file)).toUri().toString();
    api.upload(source, "embed/corpus:v1");
    JsonNode answer = Api.ok(api.post("/compute", corpus("v1")));
    assertThat(answer.get("N").intValue()).isEqualTo(3);
    assertThat(answer.at("/result/shape")).hasToString("[600,384]");
    assertThat(answer.get("workers")).hasSizeGreaterThan(1);
    JsonNode made = api.model("embed/vectors?tag=v1");
    assertThat(made.get("version")).isEqualTo(answer.at("/result/version"));
    assertThat(made.at("/provenance/operation").textValue()).isEqualTo("embed");

    Cli cli = new Cli(cluster);
    String text =
        cli.run(
                "embed",
                MODEL,
                "--corpus",
                "embed/corpus:v1",
                "--corpus-file",
                "texts.txt",
                "--output",
                "embed/vectors:again")
            .succeeded()
            .out();
    assertThat(text)
        .contains("600 texts", "in 3 tasks", "stored as tensor 'embeddings' of embed/vectors");
    assertThat(bytes(api, "again")).isEqualTo(bytes(api, "v1"));
    assertThat(cli.run("embed", MODEL, "--corpus", "embed/corpus:v1").exit()).isEqualTo(2);

    // the vectors of some lines, embedded at once, find their lines and what is next to them
    List<Integer> asked = List.of(0, 3, 17, 41, 300, 599);
    ObjectNode embed = Api.object("model", MODEL, "encoding", "base64");
    lines.forEach(embed.putArray("texts")::add);
    List<float[]> vectors = new ArrayList<>();
    Api.ok(api.post("/embed", embed))
        .get("embeddings")
        .forEach(vector -> vectors.add(floats(vector.textValue())));
    ObjectNode topk = Api.object("model", "embed/vectors:v1", "operation", "topk");
    ArrayNode queries =
        topk.putObject("arguments").put("matrix", "embeddings").put("k", 5).putArray("queries");
    for (int line : asked) {
      ArrayNode query = queries.addArray();
      for (float value : vectors.get(line)) {
        query.add(value);
      }
    }
    JsonNode found = Api.ok(api.post("/compute", topk)).at("/result/queries");
    for (int i = 0; i < asked.size(); i++) {
      JsonNode rows = found.get(i).get("rows");
      double[] scores = cosines(vectors, vectors.get(asked.get(i)));
      double[] best = java.util.Arrays.stream(scores).map(s -> -s).sorted().map(s -> -s).toArray();
      for (int j = 0; j < 5; j++) {
        // by score: lines that are alike but for a rounding may change places
        assertThat(scores[rows.get(j).intValue()])
            .as(lines.get(asked.get(i)))
            .isCloseTo(best[j], within(1e-6));
        assertThat(found.get(i).get("scores").get(j).doubleValue())
            .isCloseTo(best[j], within(1e-5));
      }
    }
  }

  private static ObjectNode corpus(String tag) {
    ObjectNode compute = Api.object("model", MODEL, "operation", "embed");
    compute
        .putObject("arguments")
        .put("output", "embed/vectors:" + tag)
        .putObject("texts")
        .put("model", "embed/corpus:v1")
        .put("file", "texts.txt");
    return compute;
  }

  private static String bytes(Api api, String tag) {
    return api.model("embed/vectors?tag=" + tag).at("/shards/0/digest").textValue();
  }

  private static double[] cosines(List<float[]> vectors, float[] query) {
    return vectors.stream()
        .mapToDouble(
            vector -> {
              double dot = 0;
              for (int j = 0; j < query.length; j++) {
                dot += (double) vector[j] * query[j];
              }
              return dot;
            })
        .toArray();
  }

  @Test
  @Order(9)
  void halvesOfTheGraphEmbedAlmostTheSame() {
    Api api = cluster.api();
    ObjectNode convert = Api.object("model", MODEL, "operation", "convert");
    convert.putObject("arguments").put("to", "F16").put("output", MODEL + ":f16");
    JsonNode made = Api.ok(api.post("/compute", convert)).get("result");
    assertThat(made.get("S").longValue()).isLessThan(48 << 20);
    ObjectNode request = request("encoding", "base64");
    request.put("model", MODEL + ":f16");
    List<String> halves = bits(Api.ok(api.post("/embed", request)));
    for (int i = 0; i < golden.size(); i++) {
      float[] expected = floats(first().get(i));
      float[] actual = floats(halves.get(i));
      for (int j = 0; j < expected.length; j++) {
        assertThat(Math.abs(actual[j] - expected[j]))
            .as(golden.get(i).get("text").textValue())
            .isLessThan(2e-3f);
      }
    }
    assertThat(halves).isNotEqualTo(first());
  }

  @Test
  @Order(10)
  void modelThatIsNotLoadedAnswersTheSameBits() {
    cluster.unloadAll();
    assertSameBits(bits(Api.ok(cluster.api().post("/embed", request("encoding", "base64")))));
    cluster.awaitEmpty();
    cluster.api().load(MODEL);
  }

  @Test
  @Order(11)
  void workersThatDieChangeNothing() throws Exception {
    String vectors = bytes(cluster.api(), "v1");
    while (cluster.workers().size() > 1) {
      Cluster.Worker asked = cluster.workers().getFirst();
      Cluster.Worker dying = cluster.workers().getLast();
      List<List<String>> answers = java.util.Collections.synchronizedList(new ArrayList<>());
      List<Throwable> failures = java.util.Collections.synchronizedList(new ArrayList<>());
      List<Thread> callers = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        callers.add(
            Thread.ofVirtual()
                .start(
                    () -> {
                      try {
                        answers.add(
                            bits(
                                Api.ok(asked.api().post("/embed", request("encoding", "base64")))));
                      } catch (Throwable failure) {
                        failures.add(failure);
                      }
                    }));
      }
      String job = asked.api().start("/compute", corpus("survives"));
      dying.kill();
      for (Thread caller : callers) {
        caller.join();
      }
      assertThat(failures).isEmpty();
      assertThat(answers).hasSize(2).allSatisfy(EmbedIT::assertSameBits);
      asked.api().awaitResult(job);
      assertThat(bytes(asked.api(), "survives")).isEqualTo(vectors);
    }
    // one worker that holds only a part of the model
    assertSameBits(bits(Api.ok(cluster.api().post("/embed", request("encoding", "base64")))));
  }
}
