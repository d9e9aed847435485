package io.sluice.compute.embed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.compute.ComputeKind;
import io.sluice.compute.ComputeSpec;
import io.sluice.compute.ComputeThreads;
import io.sluice.compute.ShardAccess;
import io.sluice.compute.StoredTensors;
import io.sluice.compute.TensorRef;
import io.sluice.compute.convert.ConvertProgram;
import io.sluice.compute.kernel.Parallel;
import io.sluice.compute.product.MatrixSource;
import io.sluice.compute.product.TopkProgram;
import io.sluice.compute.publish.ModelPublisher;
import io.sluice.compute.publish.TransferLoans;
import io.sluice.format.SafetensorsHeader;
import io.sluice.job.Job;
import io.sluice.job.JobRunner;
import io.sluice.job.JobSettings;
import io.sluice.job.ShardPins;
import io.sluice.job.WorkSummary;
import io.sluice.job.Worker;
import io.sluice.job.WorkerRegistry;
import io.sluice.job.redis.RedisJobSignals;
import io.sluice.job.redis.RedisJobStore;
import io.sluice.job.redis.RedisShardPins;
import io.sluice.job.redis.RedisWorkerRegistry;
import io.sluice.load.ChunkReader;
import io.sluice.load.OpenShard;
import io.sluice.load.ShardLoader;
import io.sluice.manifest.ManifestCodec;
import io.sluice.manifest.ManifestRepository;
import io.sluice.manifest.ModelManifest;
import io.sluice.manifest.StoredManifests;
import io.sluice.manifest.redis.RedisManifestIndex;
import io.sluice.memory.HeldShards;
import io.sluice.memory.SlabPool;
import io.sluice.model.ByteRange;
import io.sluice.model.DType;
import io.sluice.model.ModelRef;
import io.sluice.model.TensorInfo;
import io.sluice.pins.OwnedPins;
import io.sluice.plan.PlanOptions;
import io.sluice.redis.RedisClient;
import io.sluice.redis.TestRedis;
import io.sluice.source.FolderSource;
import io.sluice.storage.ShardStore;
import io.sluice.storage.file.FileShardStore;
import io.sluice.upload.TransferMemory;
import io.sluice.upload.UploadKind;
import io.sluice.upload.UploadSpec;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Texts of a stored file become a stored matrix, by several runners over files and a Redis. */
@Timeout(180)
class EmbedStoredTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int H = 20;
  private static final String TOKENIZER =
      """
      {"added_tokens": [{"id": 1, "content": "[CLS]"}, {"id": 2, "content": "[SEP]"}],
       "normalizer": {"type": "BertNormalizer", "lowercase": true},
       "pre_tokenizer": {"type": "BertPreTokenizer"},
       "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]},
       "model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab":
        {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "a": 3, "b": 4, "##b": 5, "c": 6, ".": 7}}}
      """;
  private static final String CONFIG =
      "{\"num_attention_heads\": 5, \"layer_norm_eps\": 1e-5, \"hidden_act\": \"gelu\"}";

  @TempDir Path temp;

  private final String prefix = TestRedis.prefix();
  private final RedisClient redis = TestRedis.shared().client();
  private final RedisJobStore jobs = new RedisJobStore(redis, prefix, JobSettings.defaults());
  private final RedisJobSignals signals = new RedisJobSignals(redis, prefix);
  private final WorkerRegistry registry =
      new RedisWorkerRegistry(redis, prefix, Duration.ofMinutes(1));
  private final ShardPins pins =
      new RedisShardPins(redis, prefix, Duration.ofMinutes(1), Duration.ofMinutes(1));
  private final TransferMemory memory = new TransferMemory(32 << 20);
  private final ComputeThreads threads = new ComputeThreads(2);
  private final SlabPool pool = new SlabPool(64 << 20);
  private final Map<String, Embedder> embedders = new HashMap<>();
  private final List<JobRunner> runners = new ArrayList<>();
  private final Random random = new Random(8);
  private final Map<String, float[]> weights = new LinkedHashMap<>();
  private final List<TensorInfo> infos = new ArrayList<>();
  private ShardStore store;
  private ManifestRepository manifests;
  private StoredTensors tensors;

  @BeforeEach
  void start() throws Exception {
    store = new FileShardStore(Files.createDirectories(temp.resolve("store")));
    manifests =
        new StoredManifests(
            store,
            new RedisManifestIndex(redis, prefix),
            new OwnedPins(pins),
            new ManifestCodec(),
            InstantSource.system(),
            8,
            1 << 20);
    ModelPublisher publisher =
        new ModelPublisher(store, manifests, pins, new TransferLoans(memory));
    ShardLoader loader = new ShardLoader(new ChunkReader(store, 4, 1), pool, new HeldShards());
    ShardAccess shards = (shard, runs, progress) -> access(loader.open(shard, runs, n -> {}));
    tensors = new StoredTensors(manifests, shards);
    MatrixSource matrices = new MatrixSource(manifests, registry, shards, tensors);
    for (String id : List.of("w1", "w2")) {
      registry.register(
          new Worker(id, "1", "http://" + id, Instant.now(), 1 << 26, pool.freeBytes(), 0));
      Embedder embedder =
          new Embedder(
              manifests,
              store,
              shards,
              registry,
              (worker, request) -> embedders.get(worker.id()).stages().execute(request),
              () -> id,
              1 << 20,
              1);
      embedders.put(id, embedder);
      TextFiles files = new TextFiles(manifests, store, tensors);
      runners.add(
          new JobRunner(
              jobs,
              signals,
              registry,
              List.of(
                  new UploadKind(
                      UploadKind.UPLOAD,
                      source -> new FolderSource(Path.of(source), p -> true),
                      store,
                      manifests,
                      pins,
                      memory),
                  new ComputeKind(
                      List.of(
                          new EmbedProgram(embedder, files, shards, publisher),
                          new ConvertProgram(manifests, registry, shards, threads, publisher),
                          new TopkProgram(matrices, publisher, Parallel.none())))),
              pool::freeBytes,
              JobRunner.Settings.of(id, 2)));
    }
    encoder();
    upload(
        "encoder",
        1 << 20,
        Map.of(
            "model.safetensors", safetensors(),
            "tokenizer.json", TOKENIZER.getBytes(StandardCharsets.UTF_8),
            "config.json", CONFIG.getBytes(StandardCharsets.UTF_8)));
  }

  @AfterEach
  void stop() {
    runners.forEach(JobRunner::close);
    embedders.values().forEach(Embedder::close);
    threads.close();
    signals.close();
    store.close();
    memory.close();
    pool.close();
    redis.close();
  }

  private static ShardAccess.Open access(OpenShard open) {
    return new ShardAccess.Open() {
      @Override
      public MemorySegment bytes(ByteRange range) {
        return open.bytes(range);
      }

      @Override
      public void close() {
        open.close();
      }
    };
  }

  // ---- a random encoder of one layer

  private void encoder() {
    add("embeddings.word_embeddings.weight", 8, H);
    add("embeddings.position_embeddings.weight", 12, H);
    add("embeddings.token_type_embeddings.weight", 2, H);
    norm("embeddings.LayerNorm");
    String layer = "encoder.layer.0.";
    for (String square : List.of("self.query", "self.key", "self.value", "output.dense")) {
      linear(layer + "attention." + square, H, H);
    }
    norm(layer + "attention.output.LayerNorm");
    linear(layer + "intermediate.dense", 36, H);
    linear(layer + "output.dense", H, 36);
    norm(layer + "output.LayerNorm");
  }

  private void norm(String name) {
    add(name + ".weight", H);
    add(name + ".bias", H);
  }

  private void linear(String name, long out, long in) {
    add(name + ".weight", out, in);
    add(name + ".bias", out);
  }

  private void add(String name, long... shape) {
    TensorInfo info = new TensorInfo(name, DType.F32, Arrays.stream(shape).boxed().toList());
    float[] values = new float[(int) info.bytes() / 4];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    weights.put(name, values);
    infos.add(info);
  }

  private byte[] safetensors() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(SafetensorsHeader.of(infos, Map.of()).toBytes());
    for (TensorInfo info : infos) {
      ByteBuffer bytes = ByteBuffer.allocate((int) info.bytes()).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asFloatBuffer().put(weights.get(info.name()));
      out.write(bytes.array());
    }
    return out.toByteArray();
  }

  /** The encoder as an ONNX graph. */
  private byte[] onnx() {
    OnnxGraph graph = new OnnxGraph();
    for (TensorInfo info : infos) {
      String name = info.name();
      List<Long> shape = info.shape();
      if (shape.size() == 2 && name.startsWith("encoder.")) {
        String module = name.substring(0, name.length() - ".weight".length());
        graph.product(module, weights.get(name), shape.get(0).intValue(), shape.get(1).intValue());
      } else {
        graph.named(name, weights.get(name), shape.stream().mapToLong(Long::longValue).toArray());
      }
    }
    return graph.toBytes();
  }

  // ---- jobs

  private void upload(String model, long shardBytes, Map<String, byte[]> files) throws Exception {
    Path folder = Files.createTempDirectory(temp, "source");
    for (Map.Entry<String, byte[]> file : files.entrySet()) {
      Path path = folder.resolve(file.getKey());
      Files.createDirectories(path.getParent());
      Files.write(path, file.getValue());
    }
    UploadSpec spec =
        new UploadSpec(
            folder.toString(),
            ModelRef.parse(model),
            PlanOptions.bySize(shardBytes),
            Optional.empty(),
            OptionalInt.empty());
    Job job = run(jobs.create(UploadKind.UPLOAD, spec.toJson(), Optional.empty()));
    assertThat(job.error()).isEmpty();
  }

  private Job run(String id) throws Exception {
    List<CompletableFuture<WorkSummary>> all = runners.stream().map(r -> r.join(id)).toList();
    for (CompletableFuture<WorkSummary> one : all) {
      one.get();
    }
    return jobs.get(id);
  }

  private Job compute(String model, String operation, String arguments) throws Exception {
    ObjectNode request = JSON.createObjectNode().put("model", model).put("operation", operation);
    request.set("arguments", JSON.readTree(arguments.replace('\'', '"')));
    return run(
        jobs.create(ComputeKind.COMPUTE, ComputeSpec.read(request).toJson(), Optional.empty()));
  }

  private JsonNode result(String model, String operation, String arguments) throws Exception {
    Job job = compute(model, operation, arguments);
    assertThat(job.error()).isEmpty();
    return job.result().orElseThrow();
  }

  private void refused(String arguments, String code, String message) throws Exception {
    Job job = compute("encoder", "embed", arguments);
    assertThat(job.error().orElseThrow().code()).isEqualTo(code);
    assertThat(job.error().orElseThrow().message()).contains(message);
  }

  private ByteBuffer bytes(String model, String tensor, int rows, int rowBytes) throws Exception {
    StoredTensors.Located found = tensors.locate(new TensorRef(ModelRef.parse(model), tensor));
    assertThat(found.info().rows()).isEqualTo(rows);
    ByteBuffer bytes = ByteBuffer.allocate(rows * rowBytes).order(ByteOrder.LITTLE_ENDIAN);
    tensors.read(found, 0, rows, MemorySegment.ofBuffer(bytes), n -> {});
    return bytes;
  }

  private float[] stored(String model, int rows) throws Exception {
    ByteBuffer bytes = bytes(model, "embeddings", rows, 4 * H);
    float[] values = new float[rows * H];
    bytes.asFloatBuffer().get(values);
    return values;
  }

  /** The vectors of texts without any job. */
  private float[] direct(List<String> texts) throws InterruptedException {
    return direct("encoder", texts);
  }

  private float[] direct(String model, List<String> texts) throws InterruptedException {
    EmbedRequest request =
        new EmbedRequest(
            texts,
            Optional.empty(),
            Optional.empty(),
            OptionalInt.empty(),
            OptionalInt.empty(),
            false);
    float[] all = new float[texts.size() * H];
    int at = 0;
    for (float[] vector : embedders.get("w1").embed(ModelRef.parse(model), request).vectors()) {
      System.arraycopy(vector, 0, all, at, H);
      at += H;
    }
    return all;
  }

  /** Texts that differ. */
  private List<String> lines(int count) {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      StringBuilder line = new StringBuilder();
      for (int bits = i; bits > 0; bits /= 5) {
        line.append(List.of("a ", "b ", "c ", "abb ", ". ").get(bits % 5));
      }
      lines.add(line.toString());
    }
    return lines;
  }

  // ---- tests

  @Test
  void corpusByReferenceIsSearchedByTopk() throws Exception {
    List<String> lines = lines(700);
    byte[] text = (String.join("\r\n", lines) + "\n").getBytes(StandardCharsets.UTF_8);
    upload("corpus:v1", 1 << 20, Map.of("texts.txt", text));
    JsonNode answer =
        result(
            "encoder",
            "embed",
            "{'texts':{'model':'corpus:v1','file':'texts.txt'},'output':'vectors:v1'}");
    assertThat(answer.get("N").intValue()).isEqualTo(3);
    assertThat(answer.at("/result/shape").toString()).isEqualTo("[700,20]");
    assertThat(answer.at("/result/tensor").textValue()).isEqualTo("embeddings");
    assertThat(answer.at("/result/tokens").longValue()).isGreaterThan(700 * 2);
    float[] vectors = stored("vectors:v1", 700);
    assertThat(vectors).isEqualTo(direct(lines));
    ModelManifest made =
        manifests.load("vectors", manifests.resolve(ModelRef.parse("vectors:v1")).version());
    ModelManifest.Provenance provenance = made.provenance().orElseThrow();
    assertThat(provenance.operation()).isEqualTo("embed");
    assertThat(provenance.arguments()).contains("texts.txt");
    assertThat(provenance.parents())
        .extracting(ModelManifest.Provenance.Parent::model)
        .containsExactly("encoder", "corpus");

    float[] query = direct(List.of("c a abb ."));
    ArrayNode numbers = JSON.createArrayNode();
    for (float value : query) {
      numbers.add(value);
    }
    JsonNode found =
        result(
            "vectors:v1",
            "topk",
            "{'matrix':'embeddings','metric':'dot','k':5,'queries':" + numbers + "}");
    List<Integer> rows = new ArrayList<>();
    found.at("/result/queries/0/rows").forEach(row -> rows.add(row.intValue()));
    assertThat(rows).isEqualTo(nearest(vectors, query, 5));
    assertThat(lines.get(rows.getFirst()).trim()).isEqualTo("c a abb .");

    // corpus against corpus: neither vectors nor answers go through a request
    JsonNode all =
        result(
            "vectors:v1",
            "topk",
            "{'matrix':'embeddings','metric':'dot','k':5,'output':'neighbours',"
                + "'queries':{'model':'vectors:v1','tensor':'embeddings'}}");
    assertThat(all.at("/result/shape").toString()).isEqualTo("[700,5]");
    ByteBuffer neighbours = bytes("neighbours", "rows", 700, 5 * 8);
    ByteBuffer scores = bytes("neighbours", "scores", 700, 5 * 4);
    for (int i = 0; i < 700; i += 61) {
      List<Integer> expected = nearest(vectors, Arrays.copyOfRange(vectors, i * H, (i + 1) * H), 5);
      for (int j = 0; j < 5; j++) {
        assertThat(neighbours.getLong(8 * (5 * i + j))).isEqualTo(expected.get(j).longValue());
      }
      assertThat(scores.getFloat(4 * 5 * i)).isCloseTo(1, within(1e-5f));
    }
  }

  private static List<Integer> nearest(float[] vectors, float[] query, int k) {
    double[] scores = new double[vectors.length / H];
    List<Integer> rows = new ArrayList<>();
    for (int row = 0; row < scores.length; row++) {
      rows.add(row);
      for (int j = 0; j < H; j++) {
        scores[row] += (double) vectors[row * H + j] * query[j];
      }
    }
    rows.sort((a, b) -> Double.compare(scores[b], scores[a]));
    return rows.subList(0, k);
  }

  @Test
  void largeFileLiesInShards() throws Exception {
    List<String> lines = lines(300).stream().map(line -> line + "b".repeat(60_000)).toList();
    byte[] text = String.join("\n", lines).getBytes(StandardCharsets.UTF_8);
    assertThat(text.length).isGreaterThan(ModelFiles.MAX_BYTES);
    upload("large", 1 << 20, Map.of("texts.txt", text));
    assertThat(
            manifests
                .load("large", manifests.resolve(ModelRef.parse("large")).version())
                .shards()
                .size())
        .isGreaterThan(10);
    JsonNode answer =
        result(
            "encoder",
            "embed",
            "{'texts':{'model':'large','file':'texts.txt'},'maxTokens':8,'output':'large-vectors'}");
    assertThat(answer.get("N").intValue()).isGreaterThan(15);
    JsonNode few =
        result("encoder", "embed", "{'texts':['a b','','c'],'output':'few','normalize':false}");
    assertThat(few.at("/result/shape").toString()).isEqualTo("[3,20]");
    float[] vectors = stored("large-vectors", 300);
    JsonNode one =
        result(
            "encoder",
            "embed",
            JSON.writeValueAsString(
                Map.of("texts", List.of(lines.get(299)), "maxTokens", 8, "encoding", "base64")));
    float[] last = Embeddings.floats(one.at("/result/embeddings/0").textValue());
    assertThat(Arrays.copyOfRange(vectors, 299 * H, 300 * H)).isEqualTo(last);
  }

  @Test
  void fewTextsOfAFileAreAnsweredAtOnce() throws Exception {
    upload("small", 1 << 20, Map.of("t.txt", "a b\n\nc".getBytes(StandardCharsets.UTF_8)));
    JsonNode answer =
        result(
            "encoder", "embed", "{'texts':{'model':'small','file':'t.txt'},'encoding':'base64'}");
    float[] expected = direct(List.of("a b", "", "c"));
    assertThat(answer.at("/result/embeddings")).hasSize(3);
    for (int i = 0; i < 3; i++) {
      assertThat(Embeddings.floats(answer.at("/result/embeddings").get(i).textValue()))
          .isEqualTo(Arrays.copyOfRange(expected, i * H, (i + 1) * H));
    }
  }

  @Test
  void whatCannotBeReadIsNamed() throws Exception {
    upload(
        "bad",
        1 << 20,
        Map.of(
            "bytes.txt", new byte[] {'a', '\n', (byte) 0xff},
            "empty.txt", new byte[0],
            "many.txt", "a\n".repeat(60_000).getBytes(StandardCharsets.UTF_8)));
    String output = "},'output':'none'}";
    refused(
        "{'texts':{'model':'bad','file':'no.txt'" + output,
        "texts-missing",
        "no file 'no.txt' of model 'bad'; its 3 files are [bytes.txt, empty.txt, many.txt]");
    refused(
        "{'texts':{'model':'bad','file':'bytes.txt'" + output,
        "texts-invalid",
        "line 2 of file 'bytes.txt' of model 'bad' is not UTF-8");
    refused("{'texts':{'model':'bad','file':'empty.txt'" + output, "texts-invalid", "has no line");
    refused(
        "{'texts':{'model':'encoder','file':'model.safetensors'" + output,
        "texts-invalid",
        "is SAFETENSORS with");
    refused("{'texts':{'model':'bad'" + output, "field-missing", "'file'");
    refused(
        "{'texts':{'model':'bad','file':'many.txt'}}",
        "embed-arguments-invalid",
        "60000 vectors of 20 floats take up to 19200000 bytes");
    refused(
        "{'texts':{'model':'bad','file':'many.txt'}}",
        "embed-arguments-invalid",
        "stored as a model by the argument 'output'");
  }

  // ---- encoders that were converted

  private static Map<String, byte[]> withSettings(Map<String, byte[]> weights) {
    Map<String, byte[]> files = new HashMap<>(weights);
    files.put("tokenizer.json", TOKENIZER.getBytes(StandardCharsets.UTF_8));
    files.put("config.json", CONFIG.getBytes(StandardCharsets.UTF_8));
    return files;
  }

  private ModelManifest manifest(String ref) {
    ModelRef parsed = ModelRef.parse(ref);
    return manifests.load(parsed.name(), manifests.resolve(parsed).version());
  }

  private static Map<String, String> roles(ModelManifest manifest) {
    Map<String, String> roles = new TreeMap<>();
    for (ModelManifest.Tensor tensor : manifest.tensors()) {
      tensor.role().ifPresent(role -> roles.put(tensor.info().name(), role));
    }
    return roles;
  }

  /** Largest difference of two lists of unit vectors. */
  private static float distance(float[] a, float[] b) {
    assertThat(a).hasSameSizeAs(b);
    float worst = 0;
    for (int i = 0; i < a.length; i++) {
      worst = Math.max(worst, Math.abs(a[i] - b[i]));
    }
    return worst;
  }

  @Test
  void convertedGraphEmbedsLikeTheOneItWasMadeOf() throws Exception {
    upload("graph", 1024, withSettings(Map.of("model.onnx", onnx())));
    List<String> texts = lines(20);
    float[] exact = direct("graph", texts);
    assertThat(distance(exact, direct("encoder", texts))).isLessThan(1e-5f);
    Map<String, String> roles = roles(manifest("graph"));
    assertThat(roles).hasSize(6).containsValue("encoder.layer.0.attention.self.query.weight");

    Map<String, Float> bounds = Map.of("F16", 0.005f, "BF16", 0.04f);
    for (Map.Entry<String, Float> bound : bounds.entrySet()) {
      String to = bound.getKey();
      String output = "graph:" + to.toLowerCase(Locale.ROOT);
      JsonNode answer = result("graph", "convert", "{'to':'" + to + "','output':'" + output + "'}");
      assertThat(roles(manifest(output))).isEqualTo(roles);
      assertThat(distance(direct(output, texts), exact))
          .as(to)
          .isPositive()
          .isLessThan(bound.getValue());
      // the same computation makes the same version
      assertThat(
              result("graph", "convert", "{'to':'" + to + "','output':'" + output + "'}")
                  .at("/result/version"))
          .isEqualTo(answer.at("/result/version"));
    }
  }

  @Test
  void quantizedGraphIsRefusedByItsDtype() throws Exception {
    upload("graph", 1024, withSettings(Map.of("model.onnx", onnx())));
    result("graph", "convert", "{'to':'I8','output':'graph:i8'}");
    ModelManifest made = manifest("graph:i8");
    Map<String, String> expected = roles(manifest("graph"));
    Map.copyOf(expected).forEach((name, role) -> expected.put(name + ".scale", role + ".scale"));
    assertThat(roles(made)).isEqualTo(expected);
    for (ModelManifest.Tensor tensor : made.tensors()) {
      if (tensor.role().isPresent()) {
        assertThat(tensor.layer()).as(tensor.info().name()).hasValue(0);
      }
    }
    assertThatThrownBy(() -> direct("graph:i8", List.of("a")))
        .isInstanceOf(EmbedException.class)
        .hasMessageContaining("is I8, an encoder's are F32, F16 or BF16");
    // the tables stay as they are: the first that is not is a matrix without a name
    ObjectNode request = JSON.createObjectNode().put("model", "graph").put("operation", "convert");
    request.putArray("tensors").add("onnx::*");
    request.putObject("arguments").put("to", "I8").put("output", "graph:matrices");
    Job job =
        run(jobs.create(ComputeKind.COMPUTE, ComputeSpec.read(request).toJson(), Optional.empty()));
    assertThat(job.error()).isEmpty();
    assertThatThrownBy(() -> direct("graph:matrices", List.of("a")))
        .isInstanceOf(EmbedException.class)
        .hasMessageContaining(
            "tensor 'onnx::MatMul_900' (encoder.layer.0.attention.self.query.weight) is I8");
  }

  @Test
  void encoderInTwoFormatsEmbedsConvertedToo() throws Exception {
    upload(
        "both",
        1024,
        withSettings(Map.of("model.safetensors", safetensors(), "onnx/model.onnx", onnx())));
    List<String> texts = lines(20);
    assertThat(direct("both", texts)).isEqualTo(direct("encoder", texts));
    result("both", "convert", "{'to':'F16','output':'both:f16'}");
    assertThat(distance(direct("both:f16", texts), direct("encoder", texts)))
        .isPositive()
        .isLessThan(0.005f);
  }
}
