package io.sluice.compute.embed;

import io.sluice.compute.ShardAccess;
import io.sluice.job.Worker;
import io.sluice.manifest.ManifestRepository;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * The worker's side of a pipeline: executes the parts that a request has for it and hands the
 * activations on to the next worker. Micro-batches of many requests run at the same time; what they
 * may take of memory together is bounded.
 */
public final class Stages implements AutoCloseable {
  /** Most bytes of a request. */
  public static final int MAX_BYTES = 32 << 20;

  /** Most bytes of all requests that are executed or wait here. */
  private static final long MAX_IN_FLIGHT = 256L << 20;

  private static final int MODELS = 16;

  /** Fewest tokens for which it is worth to wake up another thread. */
  private static final int WORTH_A_THREAD = 32;

  private final ManifestRepository manifests;
  private final ShardAccess shards;
  private final WorkerView view;
  private final StageLink link;
  private final Supplier<String> self;
  private final PreparedParts prepared;
  private final EncoderKernels kernels = EncoderKernels.best();
  private final AtomicLong inFlight = new AtomicLong();
  private final int threads;
  private final ExecutorService pool;
  private final Map<Digest, EncoderModel> models =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Digest, EncoderModel> eldest) {
          return size() > MODELS;
        }
      };

  /**
   * @param self id of this worker
   * @param memory bytes of heap for prepared weights
   * @param threads that compute, at least 1
   */
  Stages(
      ManifestRepository manifests,
      ShardAccess shards,
      WorkerView view,
      StageLink link,
      Supplier<String> self,
      long memory,
      int threads) {
    this.manifests = manifests;
    this.shards = shards;
    this.view = view;
    this.link = link;
    this.self = self;
    this.prepared = new PreparedParts(memory);
    this.threads = threads;
    this.pool =
        Executors.newFixedThreadPool(
            threads, Thread.ofPlatform().daemon().name("sluice-encoder-", 0).factory());
  }

  /**
   * Executes a request of another worker.
   *
   * @param request bytes of at most {@link #MAX_BYTES}
   * @return the vectors that come out at the end of the way: [sequences, H], little-endian F32
   * @throws EmbedException {@code activations-invalid}; {@code embed-busy}; one that names a worker
   *     if one failed
   */
  public byte[] execute(byte[] request) throws InterruptedException {
    float[] vectors = execute(StageRequest.decode(request));
    ByteBuffer out = ByteBuffer.allocate(4 * vectors.length).order(ByteOrder.LITTLE_ENDIAN);
    out.asFloatBuffer().put(vectors);
    return out.array();
  }

  /** The shard is not in memory any more. */
  public void dropped(Digest shard) {
    prepared.drop(shard);
  }

  /** Bytes of heap that prepared weights take. */
  public long preparedBytes() {
    return prepared.used();
  }

  float[] execute(StageRequest request) throws InterruptedException {
    EncoderModel model = model(request.model(), request.version());
    EncoderShape shape = model.shape(request.settings());
    check(request, shape);
    StageRequest.Hop hop = request.hops().getFirst();
    if (!hop.worker().equals(self.get())) {
      throw EmbedException.activations(
          "they are for worker '" + hop.worker() + "', this is '" + self.get() + "'");
    }
    long bytes = 4L * request.tokens() * shape.hidden();
    if (inFlight.addAndGet(bytes) > MAX_IN_FLIGHT) {
      inFlight.addAndGet(-bytes);
      throw EmbedException.busy(
          "worker '"
              + self.get()
              + "' has activations of "
              + MAX_IN_FLIGHT
              + " bytes to work on and takes no "
              + bytes
              + " more");
    }
    try {
      float[] output = run(model, shape, request, hop.end());
      return request.hops().size() == 1 ? output : handOn(request.next(output), shape);
    } finally {
      inFlight.addAndGet(-bytes);
    }
  }

  private float[] handOn(StageRequest next, EncoderShape shape) throws InterruptedException {
    String id = next.hops().getFirst().worker();
    Worker worker =
        view.worker(id)
            .orElseThrow(() -> EmbedException.worker(id, "worker '" + id + "' is not alive", null));
    byte[] answer = link.send(worker, next.encode());
    long expected = 4L * next.lengths().length * shape.hidden();
    if (answer.length != expected) {
      throw EmbedException.worker(
          id,
          "worker '" + id + "' answered with " + answer.length + " bytes, not with " + expected,
          null);
    }
    float[] vectors = new float[answer.length / 4];
    ByteBuffer.wrap(answer).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(vectors);
    return vectors;
  }

  /** Executes the parts from the first one of a request to an end; at the last one, pools too. */
  private float[] run(EncoderModel model, EncoderShape shape, StageRequest request, int end)
      throws InterruptedException {
    List<PartWeights> weights = new ArrayList<>();
    try {
      for (int part = request.first(); part < end; part++) {
        weights.add(weights(model, shape, part));
      }
    } catch (SluiceException e) {
      if (e.kind() == ErrorKind.CAPACITY) {
        // Another worker may have room.
        throw EmbedException.worker(self.get(), e.getMessage(), e);
      }
      throw e;
    }
    Encoder encoder = new Encoder(shape, kernels);
    boolean last = end == shape.parts();
    List<int[]> groups = groups(request.lengths());
    int h = shape.hidden();
    float[] result = new float[(last ? request.lengths().length : request.tokens()) * h];
    List<Callable<Void>> tasks = new ArrayList<>();
    for (int[] group : groups) {
      tasks.add(
          () -> {
            int[] lengths = Arrays.copyOfRange(request.lengths(), group[0], group[1]);
            float[] x = input(encoder, weights, request, lengths, group, h);
            for (PartWeights layer : weights) {
              if (layer instanceof LayerWeights w) {
                encoder.layer(w, x, lengths);
              }
            }
            if (last) {
              x =
                  encoder.pool(
                      x, lengths, request.settings().pooling(), request.settings().normalize());
            }
            System.arraycopy(x, 0, result, (last ? group[0] : group[2]) * h, x.length);
            return null;
          });
    }
    for (Future<Void> done : pool.invokeAll(tasks)) {
      try {
        done.get();
      } catch (ExecutionException e) {
        throw new IllegalStateException("a part of an encoder failed", e.getCause());
      }
    }
    return result;
  }

  private static float[] input(
      Encoder encoder,
      List<PartWeights> weights,
      StageRequest request,
      int[] lengths,
      int[] group,
      int h) {
    if (weights.getFirst() instanceof EmbeddingWeights w) {
      return encoder.embed(w, Arrays.copyOfRange(request.ids(), group[2], group[3]), lengths);
    }
    return Arrays.copyOfRange(request.activations(), group[2] * h, group[3] * h);
  }

  /**
   * Cuts sequences into groups of about equally many tokens, one a thread: first sequence, end,
   * first token, end.
   */
  private List<int[]> groups(int[] lengths) {
    int tokens = Arrays.stream(lengths).sum();
    int count = Math.min(threads, Math.max(1, tokens / WORTH_A_THREAD));
    List<int[]> groups = new ArrayList<>();
    int sequence = 0;
    int token = 0;
    for (int i = 0; i < count && sequence < lengths.length; i++) {
      int from = sequence;
      int at = token;
      long goal = (long) tokens * (i + 1) / count;
      while (sequence < lengths.length && (token < goal || i == count - 1)) {
        token += lengths[sequence++];
      }
      if (sequence > from) {
        groups.add(new int[] {from, sequence, at, token});
      }
    }
    return groups;
  }

  private PartWeights weights(EncoderModel model, EncoderShape shape, int part)
      throws InterruptedException {
    Set<Digest> sources = new HashSet<>();
    model
        .layout()
        .runs(part)
        .keySet()
        .forEach(shard -> sources.add(model.manifest().shards().get(shard).digest()));
    return prepared.get(
        new PreparedParts.Key(model.version(), part, shape.heads()),
        4 * WeightLoader.floats(shape, part),
        sources,
        () -> {
          WeightLoader loader =
              WeightLoader.read(model.layout(), shape, model.manifest(), part, shards);
          return part == 0 ? loader.embeddings() : loader.layer(part - 1);
        });
  }

  private static void check(StageRequest request, EncoderShape shape) {
    if (request.hops().getLast().end() != shape.parts()) {
      throw EmbedException.activations(
          "the way ends after part "
              + request.hops().getLast().end()
              + ", the encoder has "
              + shape.parts());
    }
    for (int length : request.lengths()) {
      if (length > shape.positions()) {
        throw EmbedException.activations(
            "a sequence has at most " + shape.positions() + " tokens, got " + length);
      }
    }
    if (request.ids() != null) {
      for (int id : request.ids()) {
        if (id < 0 || id >= shape.vocabulary()) {
          throw EmbedException.activations(
              "the id of a token is from 0 to " + (shape.vocabulary() - 1) + ", got " + id);
        }
      }
    } else if (request.activations().length != request.tokens() * shape.hidden()) {
      throw EmbedException.activations(
          request.tokens()
              + " tokens have "
              + shape.hidden()
              + " floats each, got "
              + request.activations().length
              + " in all");
    }
  }

  EncoderModel model(String name, Digest version) {
    synchronized (models) {
      EncoderModel known = models.get(version);
      if (known != null && known.name().equals(name)) {
        return known;
      }
    }
    EncoderModel model = EncoderModel.load(manifests, name, version);
    synchronized (models) {
      models.put(version, model);
    }
    return model;
  }

  @Override
  public void close() {
    pool.shutdownNow();
  }
}
