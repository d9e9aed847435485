package io.sluice.compute.product;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.Eventually;
import io.sluice.compute.ComputeKind;
import io.sluice.compute.ShardAccess;
import io.sluice.compute.StoredTensors;
import io.sluice.compute.TensorRef;
import io.sluice.compute.kernel.Parallel;
import io.sluice.compute.publish.ModelDraft;
import io.sluice.compute.publish.ModelPublisher;
import io.sluice.compute.publish.OutputBlock;
import io.sluice.compute.publish.TransferLoans;
import io.sluice.job.Job;
import io.sluice.job.JobRunner;
import io.sluice.job.JobSettings;
import io.sluice.job.JobState;
import io.sluice.job.ShardPins;
import io.sluice.job.WorkSummary;
import io.sluice.job.Worker;
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
import io.sluice.model.Keys;
import io.sluice.model.ModelRef;
import io.sluice.model.ShardDescriptor;
import io.sluice.model.TensorInfo;
import io.sluice.pins.OwnedPins;
import io.sluice.redis.RedisClient;
import io.sluice.redis.TestRedis;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ReadObserver;
import io.sluice.storage.ShardReader;
import io.sluice.storage.ShardStore;
import io.sluice.storage.file.FileShardStore;
import io.sluice.upload.TransferMemory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * {@code matmul} and {@code topk} as jobs of several runners, over a store of files and a Redis.
 */
@Timeout(180)
class ProductsTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final int OUT = 61;
  private static final int IN = 1050;
  private static final int N = 5;

  @TempDir Path temp;

  private final String prefix = TestRedis.prefix();
  private final RedisClient redis = TestRedis.shared().client();
  private final ShardPins pins =
      new RedisShardPins(redis, prefix, Duration.ofMinutes(1), Duration.ofMinutes(1));
  private final TransferMemory memory = new TransferMemory(1L << 20);
  private final SlabPool pool = new SlabPool(64L << 20);
  private final ExecutorService threads = Executors.newFixedThreadPool(2);
  private final List<AutoCloseable> opened = new ArrayList<>();
  private final List<JobRunner> runners = new ArrayList<>();
  private final Random random = new Random(11);
  private final float[] w = gaussian(OUT * IN);
  private final float[] x = gaussian(N * IN);
  private final float[] b = gaussian(OUT);
  private final Queue<String> reads = new ConcurrentLinkedQueue<>();
  private final List<LongSupplier> inputBytes = new ArrayList<>();
  private ShardStore store;
  private ManifestRepository manifests;
  private ModelPublisher publisher;
  private StoredTensors tensors;
  private RedisJobStore jobs;

  @BeforeEach
  void start() throws IOException, InterruptedException {
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
    publisher = new ModelPublisher(store, manifests, pins, new TransferLoans(memory));
    ShardReader counting = new CountingReader(store, reads);
    ShardLoader loader = new ShardLoader(new ChunkReader(counting, 4, 1), pool, new HeldShards());
    ShardAccess shards = (shard, runs, progress) -> open(loader, shard, runs);
    tensors = new StoredTensors(manifests, shards);
    JobSettings settings =
        new JobSettings(
            Duration.ofMinutes(1),
            4,
            Duration.ofMillis(20),
            Duration.ofMillis(40),
            Duration.ofMinutes(1),
            Duration.ofHours(1),
            Duration.ofHours(1),
            Duration.ofHours(1));
    jobs = new RedisJobStore(redis, prefix, settings);
    RedisWorkerRegistry registry = new RedisWorkerRegistry(redis, prefix, Duration.ofMinutes(1));
    MatrixSource source = new MatrixSource(manifests, registry, shards, tensors);
    for (int i = 1; i <= 3; i++) {
      Parallel parallel = i == 1 ? Parallel.none() : Parallel.away(threads, i);
      MatmulProgram matmul = new MatmulProgram(source, publisher, parallel, N * IN);
      TopkProgram topk = new TopkProgram(source, publisher, parallel);
      inputBytes.add(matmul::inputBytes);
      inputBytes.add(topk::inputBytes);
      ComputeKind kind = new ComputeKind(List.of(matmul, topk));
      registry.register(
          new Worker("w" + i, "1", "http://127.0.0.1:1", Instant.EPOCH, 1 << 26, 1 << 26, 0));
      RedisJobSignals signals = new RedisJobSignals(redis, prefix);
      opened.add(signals);
      Eventually.eventually("signals", signals::connected);
      JobRunner runner =
          new JobRunner(
              jobs,
              signals,
              registry,
              List.of(kind),
              () -> 1L << 26,
              JobRunner.Settings.of("w" + i, 2));
      opened.add(runner);
      runners.add(runner);
    }
  }

  @AfterEach
  void stop() throws Exception {
    for (AutoCloseable resource : opened.reversed()) {
      resource.close();
    }
    threads.shutdownNow();
    store.close();
    memory.close();
    pool.close();
  }

  private static ShardAccess.Open open(
      ShardLoader loader, ShardDescriptor shard, List<ByteRange> runs) throws InterruptedException {
    OpenShard open = loader.open(shard, runs, n -> {});
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

  /** A store that notes which objects are read. */
  private record CountingReader(ShardReader reader, Queue<String> reads) implements ShardReader {
    @Override
    public void read(
        String key,
        Optional<String> etag,
        ByteRange range,
        MemorySegment target,
        ReadObserver observer) {
      reads.add(key);
      reader.read(key, etag, range, target, observer);
    }

    @Override
    public ObjectInfo head(String key) {
      return reader.head(key);
    }
  }

  /** How often the object of a tensor, which is in no other object, was read. */
  private long readsOf(String model, String tensor) {
    StoredTensors.Located located = tensors.locate(new TensorRef(ModelRef.parse(model), tensor));
    String key =
        Keys.shard(located.shards().get(located.tensor().pieces().getFirst().shard()).digest());
    return reads.stream().filter(key::equals).count();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "matmul | {'weight':'w','x':{'model':'rows','tensor':'h'}}",
        "matmul | {'weight':'w','x':{'model':'rows','tensor':'h'},'output':'y'}",
        "topk | {'matrix':'w','queries':{'model':'rows','tensor':'h'}}",
      })
  void a_worker_reads_an_input_once_for_all_tasks_of_a_job(String operation, String arguments)
      throws Exception {
    publish("m", 40, tensor("w", DType.F32, bytes(w), OUT, IN));
    ByteBuffer halves = ByteBuffer.allocate(2 * x.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : x) {
      halves.putShort(Float.floatToFloat16(value));
    }
    publish("rows", 1, tensor("h", DType.F16, halves.array(), N, IN));
    reads.clear();
    JsonNode answer = run(request(operation, "m", arguments)).result().orElseThrow();
    assertThat(answer.get("N").intValue()).isEqualTo(40);
    // 40 tasks on at most three workers, which have a loader in common: of those that read at the
    // same time one does
    long first = readsOf("rows", "h");
    assertThat(first).isBetween(1L, (long) answer.get("workers").size());
    assertThat(inputBytes).allSatisfy(bytes -> assertThat(bytes.getAsLong()).isZero());
    // the next job reads it anew
    run(request(operation, "m", arguments)).result().orElseThrow();
    assertThat(readsOf("rows", "h")).isGreaterThan(first);
  }

  // ---- matmul

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, OUT})
  void a_product_has_the_same_bits_however_the_weight_is_split(int pieces) throws Exception {
    publish("m", pieces, tensor("w", DType.F32, bytes(w), OUT, IN), bias(), inputs());
    JsonNode inline = result("matmul", "m", "{'weight':'w','bias':'b','x':" + json(x, N) + "}");
    assertThat(inline.get("shape")).isEqualTo(read("[5,61]"));
    float[] expected = documented(w, x, N, b);
    assertThat(floats(inline.get("y"))).isEqualTo(expected);
    JsonNode byReference =
        result(
            "matmul",
            "m",
            "{'weight':'w','bias':'b','x':{'model':'m','tensor':'x'},'output':'products:first'}");
    assertThat(byReference.get("tensor").textValue()).isEqualTo("y");
    assertThat(stored("products:first", "y", List.of(5L, 61L))).isEqualTo(expected);
    ModelManifest made =
        manifests.load("products", manifests.resolve(ModelRef.parse("products:first")).version());
    assertThat(made.provenance().orElseThrow().operation()).isEqualTo("matmul");
    assertThat(made.provenance().orElseThrow().parents()).hasSize(2);
  }

  @Test
  void one_row_without_brackets_gives_one_row() throws Exception {
    publish("m", 3, tensor("w", DType.F32, bytes(w), OUT, IN), bias(), inputs());
    float[] row = Arrays.copyOf(x, IN);
    float[] expected = documented(w, row, 1, new float[OUT]);
    JsonNode answer =
        result(
            "matmul",
            "m",
            "{'weight':'w','x':" + json(row, 1).substring(1).replace("]]", "]") + "}");
    assertThat(answer.get("shape")).isEqualTo(read("[61]"));
    assertThat(floats(JsonNodeFactory.instance.arrayNode().add(answer.get("y"))))
        .isEqualTo(expected);
    JsonNode stored =
        result("matmul", "m", "{'weight':'w','x':{'model':'m','tensor':'v'},'output':'p'}");
    assertThat(stored.get("shape")).isEqualTo(read("[61]"));
    assertThat(stored("p", "y", List.of(61L))).isEqualTo(expected);
    JsonNode request = request("matmul", "m", "{'x':" + json(row, 1) + "}");
    ((ObjectNode) request).putArray("tensors").add("w");
    assertThat(floats(run(request).result().orElseThrow().at("/result/y"))).isEqualTo(expected);
  }

  @Test
  void a_transposed_weight_in_one_shard_gives_the_same_bits() throws Exception {
    float[] across = new float[w.length];
    for (int j = 0; j < OUT; j++) {
      for (int k = 0; k < IN; k++) {
        across[k * OUT + j] = w[j * IN + k];
      }
    }
    publish("one", 1, tensor("w", DType.F32, bytes(across), IN, OUT), bias(), inputs());
    String arguments = "{'weight':'w','transposed':true,'bias':'b','x':" + json(x, N) + "}";
    assertThat(floats(result("matmul", "one", arguments).get("y")))
        .isEqualTo(documented(w, x, N, b));
    publish("two", 2, tensor("w", DType.F32, bytes(across), IN, OUT), bias());
    assertRefused("matmul", "two", arguments, "tensor-not-accepted", "lies in 2");
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16", "I8", "Q8_0"})
  void other_types_are_those_of_their_floats(DType dtype) throws Exception {
    int in = 64;
    float[] scales = gaussian(OUT);
    float[] values = new float[OUT * in];
    ByteBuffer data =
        ByteBuffer.allocate((int) dtype.bytes(OUT * in)).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < values.length; i++) {
      byte q = (byte) random.nextInt();
      short bits = Float.floatToFloat16(q / 8f);
      switch (dtype) {
        case F16 -> data.putShort(bits);
        case BF16 -> data.putShort((short) (Float.floatToRawIntBits(q) >> 16));
        case I8 -> data.put(q);
        default -> {
          if (i % 32 == 0) {
            data.putShort(Float.floatToFloat16(0.5f));
          }
          data.put(q);
        }
      }
      values[i] =
          switch (dtype) {
            case F16 -> q / 8f;
            case BF16 -> q;
            case I8 -> q * scales[i / in];
            default -> q * 0.5f;
          };
    }
    float[] input = gaussian(N * in);
    publish(
        "m",
        4,
        tensor("w", dtype, data.array(), OUT, in),
        tensor("s", DType.F32, bytes(scales), OUT, 1));
    String extra = dtype == DType.I8 ? ",'scales':'s'" : "";
    JsonNode y =
        result("matmul", "m", "{'weight':'w','x':" + json(input, N) + extra + "}").get("y");
    float[] expected = documented(values, input, N, new float[OUT]);
    assertThat(floats(y)).isEqualTo(expected);
    JsonNode nearest =
        result(
            "topk",
            "m",
            "{'matrix':'w','metric':'dot','k':1,'queries':" + json(input, N) + extra + "}");
    for (int i = 0; i < N; i++) {
      int best = nearest.get("queries").get(i).get("rows").get(0).intValue();
      float most = Float.NEGATIVE_INFINITY;
      for (int j = 0; j < OUT; j++) {
        most = Math.max(most, expected[i * OUT + j]);
      }
      assertThat(expected[i * OUT + best]).isEqualTo(most);
    }
  }

  @Test
  void what_is_no_number_in_the_answer_is_a_text() throws Exception {
    float[] odd = {Float.NaN, 1, Float.POSITIVE_INFINITY, 1, 1, 1};
    publish("m", 2, tensor("w", DType.F32, bytes(odd), 3, 2));
    JsonNode y = result("matmul", "m", "{'weight':'w','x':[[1,1],[-1,0]]}").get("y");
    assertThat(y).isEqualTo(read("[['NaN','Infinity',2.0],['NaN','-Infinity',-1.0]]"));
  }

  @Test
  void an_output_larger_than_a_shard_of_it_is_put_together() throws Exception {
    // 64 MiB of y would be one shard; the memory for output is 1 MiB, so a slice must fit that.
    int rows = 3000;
    float[] tall = gaussian(rows * 8);
    float[] small = gaussian(20 * 8);
    publish(
        "m",
        4,
        tensor("w", DType.F32, bytes(small), 20, 8),
        tensor("t", DType.F32, bytes(tall), rows, 8));
    result("matmul", "m", "{'weight':'w','x':{'model':'m','tensor':'t'},'output':'tall'}");
    float[] y = stored("tall", "y", List.of(3000L, 20L));
    for (int i = 0; i < rows; i += 271) {
      for (int j = 0; j < 20; j++) {
        double sum = 0;
        for (int k = 0; k < 8; k++) {
          sum += (double) tall[i * 8 + k] * small[j * 8 + k];
        }
        assertThat((double) y[i * 20 + j]).isCloseTo(sum, within(1e-4));
      }
    }
    publish("wide", 1, tensor("w", DType.F32, bytes(gaussian(200 * 8)), 200, 8));
    assertRefused(
        "matmul",
        "wide",
        "{'weight':'w','x':{'model':'m','tensor':'t'},'output':'wide-y'}",
        "output-memory-too-small",
        "1048576 bytes");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{'weight':'nothing','x':[1]} | tensors-unknown | nothing",
        "{'weight':'w','x':[1,2]} | operation-arguments-invalid | 1050 elements",
        "{'weight':'w','x':[[1],[1,2]]} | operation-arguments-invalid | row 1 is a list of 2",
        "{'weight':'w','x':[]} | operation-arguments-invalid | at least one",
        "{'weight':'w','x':['1']} | operation-arguments-invalid | element 0 of row 0",
        "{'weight':'w','x':[1e39]} | operation-arguments-invalid | element 0 of row 0",
        "{'weight':'w'} | operation-arguments-invalid | 'x' is missing",
        "{'x':[1]} | operation-arguments-invalid | 'weight'",
        "{'weight':'b','x':[1]} | tensor-not-accepted | shape [61]",
        "{'weight':'i','x':[1,2]} | tensor-not-accepted | I64",
        "{'weight':'x','x':{'model':'m','tensor':'i'}} | tensor-not-accepted | I64",
        "{'weight':'w','x':{'model':'none','tensor':'x'}} | model-missing | none",
        "{'weight':'w','x':{'model':'m'}} | field-missing | tensor",
        "{'weight':'w','bias':'v','x':{'model':'m','tensor':'x'}} | tensor-not-accepted | [1050]",
        "{'weight':'w','scales':'b','x':{'model':'m','tensor':'x'}} | operation-arguments-invalid |"
            + " I8",
        "{'weight':'w','x':{'model':'m','tensor':'x'},'sum':1} | field-unknown | sum",
        "{'weight':'big','x':{'model':'m','tensor':'tall'}} | batch-too-large | 'output'",
        "{'weight':'w','x':{'model':'m','tensor':'x'},'output':'a b'} | model-name-invalid | a b",
      })
  void wrong_products_are_refused(String arguments, String code, String says) throws Exception {
    publish(
        "m",
        2,
        tensor("w", DType.F32, bytes(w), OUT, IN),
        bias(),
        inputs(),
        tensor("i", DType.I64, new byte[32], 2, 2),
        tensor("big", DType.F32, new byte[4000], 1000, 1),
        tensor("tall", DType.F32, new byte[1200], 300, 1));
    assertRefused("matmul", "m", arguments, code, says);
  }

  // ---- topk

  @ParameterizedTest
  @CsvSource({"cosine, 1", "cosine, 5", "dot, 3", "l2, 4", "l2, 61"})
  void the_nearest_rows_are_found_however_the_matrix_is_split(String metric, int pieces)
      throws Exception {
    publish("m", 1, tensor("w", DType.F32, bytes(w), OUT, IN), inputs());
    publish("split", pieces, tensor("w", DType.F32, bytes(w), OUT, IN));
    String head = "{'matrix':'w','metric':'" + metric + "','k':9,'queries':";
    JsonNode answer = result("topk", "split", head + json(x, N) + "}");
    assertThat(answer).isEqualTo(result("topk", "m", head + "{'model':'m','tensor':'x'}}"));
    for (int i = 0; i < N; i++) {
      double[] scores = new double[OUT];
      for (int j = 0; j < OUT; j++) {
        double dot = 0;
        double a = 0;
        double c = 0;
        double distance = 0;
        for (int k = 0; k < IN; k++) {
          double p = x[i * IN + k];
          double q = w[j * IN + k];
          dot += p * q;
          a += p * p;
          c += q * q;
          distance += (p - q) * (p - q);
        }
        scores[j] =
            metric.equals("dot")
                ? dot
                : metric.equals("l2") ? -Math.sqrt(distance) : dot / Math.sqrt(a * c);
      }
      List<Integer> order = new ArrayList<>();
      for (int j = 0; j < OUT; j++) {
        order.add(j);
      }
      order.sort((p, q) -> Double.compare(scores[q], scores[p]));
      JsonNode query = answer.get("queries").get(i);
      assertThat(query.get("skipped").intValue()).isZero();
      for (int r = 0; r < 9; r++) {
        assertThat(query.get("rows").get(r).intValue()).isEqualTo(order.get(r));
        double score = scores[order.get(r)] * (metric.equals("l2") ? -1 : 1);
        assertThat(query.get("scores").get(r).doubleValue())
            .isCloseTo(score, within(1e-4 * Math.abs(score)));
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{'matrix':'w','queries':[1,2],'k':4} | operation-arguments-invalid | has 3, got 4",
        "{'matrix':'w','queries':[1,2],'k':0} | field-invalid | from 1 to 10000",
        "{'matrix':'w','queries':[1,2],'k':10001} | field-invalid | from 1 to 10000",
        "{'matrix':'w','queries':[1,2],'metric':'l1'} | operation-arguments-invalid | l1",
        "{'matrix':'w','queries':[1,2,3]} | operation-arguments-invalid | got 3",
        "{'matrix':'w'} | operation-arguments-invalid | 'queries' is missing",
        "{'matrix':'w','queries':{'model':'m','tensor':'many'},'k':3} | batch-too-large | 131072",
        "{'matrix':'none','queries':[1,2]} | tensors-unknown | none",
        "{'matrix':'i','queries':[1,2]} | tensor-not-accepted | I64",
      })
  void wrong_searches_are_refused(String arguments, String code, String says) throws Exception {
    publish(
        "m",
        1,
        tensor("w", DType.F32, new byte[24], 3, 2),
        tensor("many", DType.F32, new byte[50_000 * 8], 50_000, 2),
        tensor("i", DType.I64, new byte[32], 2, 2));
    assertRefused("topk", "m", arguments, code, says);
  }

  // ---- helpers

  private record Tensor(TensorInfo info, byte[] data) {}

  private static Tensor tensor(String name, DType dtype, byte[] data, long... shape) {
    return new Tensor(new TensorInfo(name, dtype, Arrays.stream(shape).boxed().toList()), data);
  }

  private Tensor bias() {
    return tensor("b", DType.F32, bytes(b), OUT);
  }

  private Tensor[] inputs() {
    return new Tensor[] {
      tensor("x", DType.F32, bytes(x), N, IN),
      tensor("v", DType.F32, Arrays.copyOf(bytes(x), 4 * IN), IN)
    };
  }

  private void publish(String model, int pieces, Object... content) throws InterruptedException {
    List<Tensor> all = new ArrayList<>();
    for (Object item : content) {
      all.addAll(item instanceof Tensor[] many ? List.of(many) : List.of((Tensor) item));
    }
    ModelDraft draft = ModelDraft.fresh();
    for (Tensor tensor : all) {
      long rows = tensor.info.rows();
      // Only the first tensor is split, at random.
      Set<Long> cuts = new HashSet<>(Set.of(0L));
      while (tensor == all.getFirst() && cuts.size() < pieces) {
        cuts.add(random.nextLong(rows));
      }
      List<Long> sorted = new ArrayList<>(cuts.stream().sorted().toList());
      sorted.add(rows);
      for (int i = 0; i + 1 < sorted.size(); i++) {
        long from = sorted.get(i);
        OutputBlock block = new OutputBlock(tensor.info, from, sorted.get(i + 1) - from);
        int at = (int) (from * tensor.info.rowBytes());
        draft.add(
            publisher.store(
                "setup",
                draft.chunkBytes(),
                List.of(block),
                targets ->
                    MemorySegment.copy(
                        MemorySegment.ofArray(tensor.data),
                        at,
                        targets.getFirst(),
                        0,
                        block.bytes())));
      }
    }
    publisher.publish(
        "setup",
        ModelRef.parse(model),
        Optional.empty(),
        draft,
        new ModelManifest.Provenance("test", "{}", List.of()));
  }

  @Test
  void stored_rows_that_are_missing_are_marked() throws Exception {
    float[] few = {1, 0, Float.NaN, 1, 0, 2};
    publish("m", 3, tensor("w", DType.F32, bytes(few), 3, 2));
    String arguments =
        "{'matrix':'w','metric':'dot','k':3,'queries':[[1,1],[2,0]],'output':'near'}";
    JsonNode answer = result("topk", "m", arguments);
    assertThat(answer.get("shape")).isEqualTo(read("[2,3]"));
    assertThat(answer.has("queries")).isFalse();
    assertThat(stored("near", "scores", List.of(2L, 3L)))
        .isEqualTo(new float[] {2, 1, Float.NaN, 2, 0, Float.NaN});
    StoredTensors.Located located = tensors.locate(new TensorRef(ModelRef.parse("near"), "rows"));
    assertThat(located.info()).isEqualTo(new TensorInfo("rows", DType.I64, List.of(2L, 3L)));
    long[] rows = new long[6];
    tensors.read(located, 0, 2, MemorySegment.ofArray(rows), n -> {});
    assertThat(rows).isEqualTo(new long[] {2, 0, -1, 0, 2, -1});
    assertThat(
            manifests
                .load("near", manifests.resolve(ModelRef.parse("near")).version())
                .provenance()
                .orElseThrow()
                .operation())
        .isEqualTo("topk");
    assertRefused(
        "topk",
        "m",
        arguments.replace("near", "near@sha256:" + "0".repeat(64)),
        "model-ref-invalid",
        "makes a version");
  }

  private float[] stored(String model, String tensor, List<Long> shape)
      throws InterruptedException {
    StoredTensors.Located located = tensors.locate(new TensorRef(ModelRef.parse(model), tensor));
    assertThat(located.info()).isEqualTo(new TensorInfo(tensor, DType.F32, shape));
    float[] values = new float[(int) located.info().elements()];
    tensors.read(located, 0, located.info().rows(), MemorySegment.ofArray(values), n -> {});
    return values;
  }

  private static JsonNode request(String operation, String model, String arguments) {
    ObjectNode request =
        JsonNodeFactory.instance.objectNode().put("model", model).put("operation", operation);
    request.set("arguments", read(arguments));
    return request;
  }

  private JsonNode result(String operation, String model, String arguments) throws Exception {
    Job job = run(request(operation, model, arguments));
    assertThat(job.error()).isEmpty();
    return job.result().orElseThrow().get("result");
  }

  private void assertRefused(
      String operation, String model, String arguments, String code, String says) throws Exception {
    Job job = run(request(operation, model, arguments));
    assertThat(job.state()).isEqualTo(JobState.FAILED);
    assertThat(job.error().orElseThrow().code()).isEqualTo(code);
    assertThat(job.error().orElseThrow().message()).contains(says);
  }

  /** All runners work on the job. */
  private Job run(JsonNode request) throws Exception {
    String id = jobs.create("compute", request, Optional.empty());
    List<CompletableFuture<WorkSummary>> work =
        runners.stream().map(runner -> runner.join(id)).toList();
    Map<String, Job> last = new LinkedHashMap<>();
    for (CompletableFuture<WorkSummary> one : work) {
      last.put(id, one.get(30, TimeUnit.SECONDS).job());
    }
    return last.get(id);
  }

  /** y = x wᵀ + b in the documented order. */
  private static float[] documented(float[] w, float[] x, int n, float[] b) {
    int out = b.length;
    int in = w.length / out;
    float[] y = new float[n * out];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < out; j++) {
        float sum = 0;
        for (int from = 0; from < in; from += 1024) {
          float[] s = new float[8];
          for (int k = from; k < Math.min(in, from + 1024); k++) {
            s[k % 8] = Math.fma(x[i * in + k], w[j * in + k], s[k % 8]);
          }
          sum += ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
        }
        y[i * out + j] = sum + b[j];
      }
    }
    return y;
  }

  private static JsonNode read(String text) {
    try {
      return JSON.readTree(text.replace('\'', '"'));
    } catch (JsonProcessingException e) {
      throw new AssertionError(text, e);
    }
  }

  private static String json(float[] values, int rows) {
    ArrayNode array = JsonNodeFactory.instance.arrayNode();
    int columns = values.length / rows;
    for (int i = 0; i < rows; i++) {
      ArrayNode row = array.addArray();
      for (int k = 0; k < columns; k++) {
        row.add(values[i * columns + k]);
      }
    }
    return array.toString();
  }

  private static float[] floats(JsonNode rows) {
    float[] values = new float[rows.size() * rows.get(0).size()];
    int at = 0;
    for (JsonNode row : rows) {
      for (JsonNode value : row) {
        values[at++] = value.floatValue();
      }
    }
    return values;
  }

  private static byte[] bytes(float[] values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes.array();
  }

  private float[] gaussian(int n) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }
}
