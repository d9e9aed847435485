package io.sluice.compute.embed;

import io.sluice.compute.ShardAccess;
import io.sluice.job.Worker;
import io.sluice.job.WorkerRegistry;
import io.sluice.manifest.ManifestRepository;
import io.sluice.model.Digest;
import io.sluice.model.ModelRef;
import io.sluice.model.SluiceException;
import io.sluice.storage.ShardReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;

/**
 * Embeds texts: cuts them into tokens and micro-batches, and sends each batch the way of the
 * workers that hold the layers. Batches are on their way at the same time, so that all workers of a
 * pipeline work at once. A batch that a worker fails starts again from its tokens on a way without
 * that worker; the first answer of a batch is its answer.
 *
 * <p>Batches are cut by the texts alone, never by who is there to work on them.
 */
public final class Embedder implements AutoCloseable {
  /** Tokens of a micro-batch, unless a single text has more. */
  private static final int BATCH_TOKENS = 512;

  private static final int ATTEMPTS = 6;
  private static final long PAUSE_MILLIS = 50;
  private static final int TOKENIZERS = 8;

  /** Micro-batches of this process that are on their way at once. */
  private static final int IN_FLIGHT = 32;

  /** Micro-batches of one request that are on their way at once. */
  private static final int IN_FLIGHT_OF_ONE = 8;

  /** What the files of a version say. */
  private record Files(BertTokenizer tokenizer, EncoderSettings settings) {}

  private final ManifestRepository manifests;
  private final ModelFiles files;
  private final WorkerView view;
  private final StageRouter router;
  private final StageLink link;
  private final Supplier<String> self;
  private final Stages stages;
  private final Semaphore inFlight = new Semaphore(IN_FLIGHT, true);
  private final Map<Digest, Files> known =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Digest, Files> eldest) {
          return size() > TOKENIZERS;
        }
      };

  /**
   * @param store where the files of models lie
   * @param link to other workers
   * @param self id of this worker
   * @param memory bytes of heap for prepared weights
   * @param threads that compute here
   */
  public Embedder(
      ManifestRepository manifests,
      ShardReader store,
      ShardAccess shards,
      WorkerRegistry registry,
      StageLink link,
      Supplier<String> self,
      long memory,
      int threads) {
    this.manifests = manifests;
    this.files = new ModelFiles(store);
    this.view = new WorkerView(registry);
    this.router = new StageRouter(view);
    this.link = link;
    this.self = self;
    this.stages = new Stages(manifests, shards, view, link, self, memory, threads);
  }

  /** The worker's side. */
  public Stages stages() {
    return stages;
  }

  /**
   * Embeds the texts of a request.
   *
   * @throws EmbedException if the model is no encoder, the arguments do not fit it, or no worker
   *     could do it
   */
  public Embeddings embed(ModelRef ref, EmbedRequest request) throws InterruptedException {
    return embed(ref.name(), manifests.resolve(ref).version(), request);
  }

  /**
   * What is known of an encoder before anything is computed.
   *
   * @param version of the model
   * @param hidden floats of a vector
   * @param settings with which texts will be embedded
   */
  record Known(Digest version, int hidden, EncoderSettings settings) {}

  /** Checks that the model is an encoder and that the arguments fit it. */
  Known known(ModelRef ref, EmbedRequest request) {
    Digest version = manifests.resolve(ref).version();
    EncoderModel model = stages.model(ref.name(), version);
    Files of = files(model);
    EncoderSettings settings = request.settings(of.settings());
    limit(of.tokenizer(), model.shape(settings), request);
    return new Known(version, model.layout().hidden(), settings);
  }

  Embeddings embed(String name, Digest version, EmbedRequest request) throws InterruptedException {
    EncoderModel model = stages.model(name, version);
    Files of = files(model);
    EncoderSettings settings = request.settings(of.settings());
    EncoderShape shape = model.shape(settings);
    int limit = limit(of.tokenizer(), shape, request);
    List<int[]> ids = new ArrayList<>();
    long tokens = 0;
    int truncated = 0;
    for (String text : request.texts()) {
      // one more than the limit, to see whether something was cut off
      int[] whole = of.tokenizer().encode(text, limit + 1);
      truncated += whole.length > limit ? 1 : 0;
      ids.add(whole.length > limit ? of.tokenizer().encode(text, limit) : whole);
      tokens += ids.getLast().length;
    }
    float[][] vectors = new float[ids.size()][];
    Map<String, SortedSet<Integer>> parts = new TreeMap<>();
    byte[] trace = new byte[16];
    ThreadLocalRandom.current().nextBytes(trace);
    List<List<Integer>> batches = batches(ids);
    Semaphore mine = new Semaphore(IN_FLIGHT_OF_ONE);
    List<FutureTask<Void>> tasks = new ArrayList<>();
    try {
      for (int b = 0; b < batches.size(); b++) {
        int number = b;
        List<Integer> batch = batches.get(b);
        FutureTask<Void> task =
            new FutureTask<>(
                () -> {
                  inFlight.acquire();
                  try {
                    Travelled done = travel(model, settings, trace, number, batch, ids);
                    for (int i = 0; i < batch.size(); i++) {
                      int h = shape.hidden();
                      vectors[batch.get(i)] =
                          Arrays.copyOfRange(done.vectors(), i * h, (i + 1) * h);
                    }
                    note(parts, done.hops());
                  } finally {
                    inFlight.release();
                    mine.release();
                  }
                  return null;
                });
        mine.acquire();
        tasks.add(task);
        if (batches.size() == 1) {
          task.run();
        } else {
          Thread.ofVirtual().name("sluice-embed-" + b).start(task);
        }
      }
      for (FutureTask<Void> task : tasks) {
        task.get();
      }
    } catch (ExecutionException e) {
      if (e.getCause() instanceof SluiceException failure) {
        throw failure;
      }
      throw new IllegalStateException("a micro-batch failed", e.getCause());
    } finally {
      tasks.forEach(task -> task.cancel(true));
    }
    return new Embeddings(
        name, version, settings, Arrays.asList(vectors), tokens, truncated, parts);
  }

  private record Travelled(float[] vectors, List<StageRequest.Hop> hops) {}

  /** Sends a batch on its way until an answer comes. */
  private Travelled travel(
      EncoderModel model,
      EncoderSettings settings,
      byte[] trace,
      int number,
      List<Integer> batch,
      List<int[]> ids)
      throws InterruptedException {
    int[] lengths = batch.stream().mapToInt(i -> ids.get(i).length).toArray();
    int[] all = new int[Arrays.stream(lengths).sum()];
    int at = 0;
    for (int i : batch) {
      System.arraycopy(ids.get(i), 0, all, at, ids.get(i).length);
      at += ids.get(i).length;
    }
    Set<String> excluded = new HashSet<>();
    SluiceException last = null;
    for (int attempt = 1; ; attempt++) {
      List<StageRequest.Hop> hops;
      try {
        hops = router.route(model, excluded, number);
      } catch (EmbedException e) {
        // What the last worker said tells more than that there is no other.
        throw last == null ? e : last.getCause() instanceof SluiceException cause ? cause : last;
      }
      try {
        StageRequest request =
            new StageRequest(
                model.name(),
                model.version(),
                trace,
                number,
                settings,
                0,
                hops,
                lengths,
                all,
                null);
        return new Travelled(send(request, model.layout().hidden()), hops);
      } catch (SluiceException e) {
        if (!e.retryable() || attempt == ATTEMPTS) {
          throw e;
        }
        view.forget();
        last = e;
        if (e instanceof EmbedException failure && failure.worker() != null) {
          excluded.add(failure.worker());
        } else {
          excluded.clear();
        }
        Thread.sleep(PAUSE_MILLIS << (attempt - 1));
      }
    }
  }

  private float[] send(StageRequest request, int hidden) throws InterruptedException {
    String id = request.hops().getFirst().worker();
    if (id.equals(self.get())) {
      return stages.execute(request);
    }
    Worker worker =
        view.worker(id)
            .orElseThrow(() -> EmbedException.worker(id, "worker '" + id + "' is not alive", null));
    byte[] answer = link.send(worker, request.encode());
    if (answer.length != 4 * request.lengths().length * hidden) {
      throw EmbedException.worker(
          id, "worker '" + id + "' answered with " + answer.length + " bytes", null);
    }
    float[] vectors = new float[answer.length / 4];
    ByteBuffer.wrap(answer).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(vectors);
    return vectors;
  }

  /** Texts of like length together, up to so many tokens: nothing is padded, and work is even. */
  private static List<List<Integer>> batches(List<int[]> ids) {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < ids.size(); i++) {
      order.add(i);
    }
    order.sort(Comparator.comparingInt(i -> ids.get(i).length));
    List<List<Integer>> batches = new ArrayList<>();
    int room = 0;
    for (int i : order) {
      int length = ids.get(i).length;
      if (length > room) {
        batches.add(new ArrayList<>());
        room = BATCH_TOKENS;
      }
      batches.getLast().add(i);
      room -= length;
    }
    return batches;
  }

  private static void note(Map<String, SortedSet<Integer>> parts, List<StageRequest.Hop> hops) {
    synchronized (parts) {
      int part = 0;
      for (StageRequest.Hop hop : hops) {
        SortedSet<Integer> of = parts.computeIfAbsent(hop.worker(), id -> new TreeSet<>());
        for (; part < hop.end(); part++) {
          of.add(part);
        }
      }
    }
  }

  private static int limit(BertTokenizer tokenizer, EncoderShape shape, EmbedRequest request) {
    int most = Math.min(shape.positions(), StageRequest.MAX_TOKENS);
    if (request.maxTokens().isPresent()) {
      int wanted = request.maxTokens().getAsInt();
      if (wanted < tokenizer.specialTokens() || wanted > most) {
        throw EmbedException.arguments(
            "'maxTokens' is from "
                + tokenizer.specialTokens()
                + " to "
                + most
                + " for this model, got "
                + wanted);
      }
      return wanted;
    }
    return tokenizer.maxLength() > 0 ? Math.min(tokenizer.maxLength(), most) : most;
  }

  private Files files(EncoderModel model) {
    synchronized (known) {
      Files of = known.get(model.version());
      if (of != null) {
        return of;
      }
    }
    byte[] document =
        files
            .read(model.manifest(), "tokenizer.json")
            .orElseThrow(
                () ->
                    EmbedException.tokenizer(
                        "model '" + model.name() + "' has no file 'tokenizer.json'"));
    BertTokenizer tokenizer = BertTokenizer.parse(document);
    if (tokenizer.size() > model.layout().vocabulary()) {
      throw EmbedException.tokenizer(
          "the tokenizer has "
              + tokenizer.size()
              + " tokens, the embeddings have "
              + model.layout().vocabulary());
    }
    Files of = new Files(tokenizer, model.settings(files));
    synchronized (known) {
      known.put(model.version(), of);
    }
    return of;
  }

  @Override
  public void close() {
    stages.close();
  }
}
