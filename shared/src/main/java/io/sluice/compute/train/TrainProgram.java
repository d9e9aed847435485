package io.sluice.compute.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.compute.ComputeException;
import io.sluice.compute.ComputeProgram;
import io.sluice.compute.ComputeSpec;
import io.sluice.compute.StoredTensors;
import io.sluice.compute.kernel.LinearKernel;
import io.sluice.compute.publish.ModelPublisher;
import io.sluice.job.CommitOutcome;
import io.sluice.job.Job;
import io.sluice.job.JobContext;
import io.sluice.job.JobPlan;
import io.sluice.job.Lease;
import io.sluice.job.TaskResult;
import io.sluice.job.TaskResults;
import io.sluice.job.WorkerRegistry;
import io.sluice.manifest.ManifestRepository;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.ModelRef;
import io.sluice.model.SluiceException;
import io.sluice.storage.ShardReader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * {@code train}: softmax and linear regression on a dataset that is stored like a model, by
 * synchronous SGD (each round of the job is one step on a batch of all partitions) or by local SGD
 * (each round is some steps of every partition alone, after which the models are averaged).
 *
 * <p>The first round looks at the data: it finds the classes, refuses what is no number, and sums
 * up features for their standardisation. What a round gives comes up a {@link ReductionTree}; the
 * commit makes the step and lays out the next round. The state between two rounds lies in the
 * {@link Exchange} under the number of the round, so every step can be done again, by anybody, with
 * the same result to the bit; how many workers there are changes nothing. Each epoch is published
 * as a version.
 */
public final class TrainProgram implements ComputeProgram {
  /** States of rounds that are kept decoded. */
  private static final int STATES = 4;

  private final ManifestRepository manifests;
  private final WorkerRegistry registry;
  private final StoredTensors tensors;
  private final ModelPublisher publisher;
  private final Checkpoints checkpoints;
  private final Exchange exchange;
  private final PartitionCache cache;
  private final LinearKernel kernel = LinearKernel.best();
  private final Map<String, LinearState> states =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, LinearState> eldest) {
          return size() > STATES;
        }
      };

  public TrainProgram(
      ManifestRepository manifests,
      WorkerRegistry registry,
      StoredTensors tensors,
      ModelPublisher publisher,
      ShardReader store,
      Exchange exchange,
      PartitionCache cache) {
    this.manifests = manifests;
    this.registry = registry;
    this.tensors = tensors;
    this.publisher = publisher;
    this.checkpoints = new Checkpoints(manifests, tensors, publisher, store);
    this.exchange = exchange;
    this.cache = cache;
  }

  @Override
  public String name() {
    return "train";
  }

  /** Where the training is: what the tasks of a round share. */
  private record Round(
      DataPlan data,
      boolean scan,
      int epoch,
      int step,
      List<String> places,
      Optional<Checkpointed> from) {
    /** A version to go on from. */
    record Checkpointed(String model, Digest version) {}

    Round at(int epoch, int step, List<String> places) {
      return new Round(data, false, epoch, step, places, from);
    }

    ObjectNode toJson() {
      ObjectNode json = JsonNodeFactory.instance.objectNode();
      data.write(json.putObject("data"));
      json.put("scan", scan).put("epoch", epoch).put("step", step);
      ArrayNode array = json.putArray("places");
      places.forEach(array::add);
      from.ifPresent(
          f ->
              json.putObject("from")
                  .put("model", f.model())
                  .put("version", f.version().toString()));
      return json;
    }

    static Round read(JsonNode json) {
      List<String> places = new ArrayList<>();
      json.get("places").forEach(place -> places.add(place.textValue()));
      return new Round(
          DataPlan.read(json.get("data")),
          json.get("scan").booleanValue(),
          json.get("epoch").intValue(),
          json.get("step").intValue(),
          places,
          Optional.ofNullable(json.get("from"))
              .map(
                  f ->
                      new Checkpointed(
                          f.get("model").textValue(), Digest.parse(f.get("version").textValue()))));
    }
  }

  // ---- plan

  @Override
  public JobPlan plan(ComputeSpec spec, Job job, JobContext context) throws InterruptedException {
    TrainSpec train = TrainSpec.read(spec.arguments());
    Partitions.requireNoTensors(spec);
    Digest version = manifests.resolve(spec.model()).version();
    Dataset dataset =
        Dataset.open(tensors, spec.model().name(), version, train.data(), train.objective(), true);
    DataPlan data = plan(train, spec.model().name(), version, dataset);
    Optional<Round.Checkpointed> from = Optional.empty();
    if (train.resume().isPresent()) {
      ModelRef resume = train.resume().get();
      Digest checkpoint = manifests.resolve(resume).version();
      from = Optional.of(new Round.Checkpointed(resume.name(), checkpoint));
      requireResumable(train, data, checkpoints.read(resume.name(), checkpoint));
    }
    List<String> places =
        Placing.place(
            data,
            manifests.load(spec.model().name(), version),
            registry,
            context.workers(),
            spec.tasksPerWorker());
    return layOut(new Round(data, true, 0, 0, places, from), dataset);
  }

  private static DataPlan plan(TrainSpec train, String model, Digest version, Dataset dataset) {
    long rows = dataset.rows();
    int partitions = DataPlan.partitions(train.partitions(), dataset);
    long batch =
        train.batch().isPresent()
            ? train.batch().getAsInt()
            : train.local() ? 32 : Math.max(256, Math.ceilDiv(rows, 100));
    long most = train.local() ? Math.ceilDiv(rows, partitions) : rows;
    new Layout(dataset.features(), 1);
    return new DataPlan(
        model,
        version,
        train.data(),
        rows,
        dataset.features(),
        dataset.targets(),
        partitions,
        Math.toIntExact(Math.min(batch, most)));
  }

  private static void requireResumable(TrainSpec train, DataPlan data, Checkpoint checkpoint) {
    Layout layout = checkpoint.state().layout();
    boolean linear = train.objective() == Objective.LINEAR;
    if (checkpoint.objective() != train.objective()
        || layout.features() != data.features()
        || linear && layout.outputs() != data.targets()) {
      throw ComputeException.invalidArguments(
          "'resume' names a model of "
              + checkpoint.objective().text()
              + " with "
              + layout.features()
              + " features and "
              + layout.outputs()
              + " outputs, asked for is "
              + train.objective().text()
              + " with "
              + data.features()
              + " features"
              + (linear ? " and " + data.targets() + " outputs" : ""));
    }
    if (checkpoint.scaling().isNone() == train.standardize()) {
      throw ComputeException.invalidArguments(
          "'resume' names a model trained with standardize "
              + !checkpoint.scaling().isNone()
              + ", asked for is "
              + train.standardize());
    }
    if (checkpoint.state().epochs() >= train.epochs()) {
      throw ComputeException.invalidArguments(
          "'resume' names a model of epoch "
              + checkpoint.state().epochs()
              + ", 'epochs' has to be more, got "
              + train.epochs());
    }
  }

  private static JobPlan layOut(Round round, Dataset dataset) {
    return new JobPlan(
        Partitions.tasks(round.data(), dataset, round.places()), true, round.toJson());
  }

  // ---- tasks

  @Override
  public JsonNode execute(ComputeSpec spec, Lease.TaskLease lease, JobContext context)
      throws InterruptedException {
    TrainSpec train = TrainSpec.read(spec.arguments());
    Round round = Round.read(context.shared());
    DataPlan data = round.data();
    int partition = Partitions.partition(lease);
    Dataset dataset = dataset(train, data);
    String job = context.job().id();
    try (PartitionCache.Loan loan =
        cache.borrow(
            job + "/" + partition,
            dataset.memory(data.count(partition)),
            () ->
                dataset.read(
                    data.first(partition),
                    data.count(partition),
                    train.objective(),
                    context::addBytes))) {
      byte[] part =
          round.scan()
              ? scan(loan.rows(), data, Breath.of(context)).toBytes()
              : Sums.toBytes(step(train, round, partition, loan.rows(), context));
      tree(job, context.round(), data, round.scan()).put(partition, part);
    }
    return JsonNodeFactory.instance.objectNode().put("rows", data.count(partition));
  }

  private static ColumnSums scan(Rows rows, DataPlan data, Runnable breath) {
    ColumnSums sums = new ColumnSums(data.features());
    for (int r = 0; r < rows.count(); r++) {
      if (r % LinearTrainer.BLOCK == 0) {
        breath.run();
      }
      sums.add(rows.x(), r * rows.stride());
    }
    for (int label : rows.labels()) {
      sums.label(label);
    }
    return sums;
  }

  private double[] step(
      TrainSpec train, Round round, int partition, Rows rows, JobContext context) {
    String job = context.job().id();
    DataPlan data = round.data();
    LinearState state = state(job, context.round());
    rows.standardize(
        train.standardize() ? Scaling.read(need(job + "/scaling", job)) : Scaling.NONE);
    LinearTrainer trainer =
        new LinearTrainer(train.objective(), state.layout(), kernel, Breath.of(context));
    if (train.local()) {
      return trainer.local(
          rows,
          localOrder(train, round, partition),
          data.batch(),
          state,
          train.rate(round.epoch()),
          train.l2(),
          train.momentum());
    }
    int[] picked = batch(train, round, partition);
    return trainer.gradient(rows, picked, picked.length, state.parameters());
  }

  /** Rows of this partition in the batch of the round, counted from the partition's first. */
  private static int[] batch(TrainSpec train, Round round, int partition) {
    DataPlan data = round.data();
    long first = data.first(partition);
    int count = data.count(partition);
    if (data.batch() == data.rows()) {
      return range(count);
    }
    RowPermutation order =
        new RowPermutation(data.rows(), RowPermutation.seed(train.seed(), round.epoch()));
    long from = (long) round.step() * data.batch();
    long to = Math.min(data.rows(), from + data.batch());
    int[] picked = new int[(int) Math.min(to - from, count)];
    int n = 0;
    for (long position = from; position < to; position++) {
      long row = order.at(position) - first;
      if (row >= 0 && row < count) {
        picked[n++] = (int) row;
      }
    }
    return Arrays.copyOf(picked, n);
  }

  /** Rows of the steps of this round that a partition makes alone. */
  private static int[] localOrder(TrainSpec train, Round round, int partition) {
    int count = round.data().count(partition);
    long steps = train.localSteps().orElse(Integer.MAX_VALUE);
    long size = Math.min(count, steps * round.data().batch());
    int from = (int) Math.min(count, round.step() * size);
    int to = (int) Math.min(count, from + size);
    RowPermutation order =
        new RowPermutation(count, RowPermutation.seed(train.seed(), round.epoch(), partition + 1L));
    int[] picked = new int[to - from];
    for (int i = from; i < to; i++) {
      picked[i - from] = (int) order.at(i);
    }
    return picked;
  }

  private static int[] range(int count) {
    int[] range = new int[count];
    for (int i = 0; i < count; i++) {
      range[i] = i;
    }
    return range;
  }

  /** Rounds of an epoch. */
  private static int steps(TrainSpec train, DataPlan data) {
    if (!train.local()) {
      return Math.toIntExact(Math.ceilDiv(data.rows(), data.batch()));
    }
    long size =
        Math.min(
            Math.ceilDiv(data.rows(), data.partitions()),
            (long) train.localSteps().orElse(Integer.MAX_VALUE) * data.batch());
    return Math.toIntExact(Math.ceilDiv(Math.ceilDiv(data.rows(), (long) data.partitions()), size));
  }

  // ---- commit

  @Override
  public CommitOutcome commit(ComputeSpec spec, Job job, TaskResults results, JobContext context)
      throws InterruptedException {
    TrainSpec train = TrainSpec.read(spec.arguments());
    Round round = Round.read(context.shared());
    DataPlan data = round.data();
    Optional<byte[]> root = tree(job.id(), context.round(), data, round.scan()).root();
    if (root.isEmpty()) {
      // forgotten in between: all that made it are asked again, and give the same
      Map<Integer, Optional<String>> all = new HashMap<>();
      for (int p = 0; p < data.partitions(); p++) {
        all.put(p, Optional.of(round.places().get(p)));
      }
      return CommitOutcome.reopen(all);
    }
    Dataset dataset = dataset(train, data);
    List<String> places = Placing.mend(round.places(), context.workers());
    if (round.scan()) {
      LinearState start = begin(train, round, job.id(), ColumnSums.read(root.get()));
      keep(job.id(), context.round() + 1, start);
      ObjectNode note = JsonNodeFactory.instance.objectNode().put("phase", "scan");
      note.put("rows", data.rows()).put("features", data.features());
      note.put("outputs", start.layout().outputs());
      return CommitOutcome.next(layOut(round.at(start.epochs(), 0, places), dataset), note);
    }
    LinearState state = advance(train, round, root.get(), state(job.id(), context.round()));
    int steps = steps(train, data);
    ObjectNode note = JsonNodeFactory.instance.objectNode();
    int epoch = round.epoch();
    int step = round.step() + 1;
    boolean over = false;
    if (step == steps) {
      state = state.endEpoch(train.objective());
      Checkpoint checkpoint = checkpoint(train, data, job.id(), state);
      checkpoint.metrics(note.put("phase", "epoch"), epoch).put("epochs", train.epochs());
      over = epoch + 1 == train.epochs();
      if (over || (epoch + 1) % train.checkpointEvery() == 0) {
        Digest version = publish(train, checkpoint, epoch + 1, job.id());
        note.put("version", version.toString());
      }
      epoch++;
      step = 0;
    } else {
      note.put("phase", "step").put("epoch", epoch + 1).put("step", step).put("steps", steps);
      note.put("loss", state.running()[LinearState.LOSS] / state.running()[LinearState.ROWS]);
    }
    clear(job.id(), context.round() - 1, data);
    if (over) {
      publisher.release(job.id());
      return CommitOutcome.done(
          answer(spec, train, data, state, Digest.parse(note.get("version").textValue()), results),
          note);
    }
    keep(job.id(), context.round() + 1, state);
    return CommitOutcome.next(layOut(round.at(epoch, step, places), dataset), note);
  }

  @Override
  public void left(String job) {
    cache.forget(job + "/");
    synchronized (states) {
      states.keySet().removeIf(key -> key.startsWith(job + "/"));
    }
  }

  /** Scaling and state before the first step. */
  private LinearState begin(TrainSpec train, Round round, String job, ColumnSums sums)
      throws InterruptedException {
    boolean momentum = train.momentum() > 0;
    Scaling scaling = Scaling.NONE;
    LinearState state;
    if (round.from().isPresent()) {
      Checkpoint checkpoint =
          checkpoints.read(round.from().get().model(), round.from().get().version());
      int classes = checkpoint.state().layout().outputs();
      if (sums.largestLabel() >= classes) {
        throw ComputeException.invalidArguments(
            "'resume' names a model of "
                + classes
                + " classes, the data has the label "
                + sums.largestLabel());
      }
      scaling = checkpoint.scaling();
      LinearState old = checkpoint.state();
      Layout layout = old.layout();
      float[] velocity = old.velocity();
      if (momentum != velocity.length > 0) {
        velocity = new float[momentum ? layout.parameters() : 0];
      }
      state = new LinearState(layout, old.parameters(), velocity, new double[3], old.history());
    } else {
      if (train.standardize()) {
        scaling = sums.scaling();
      }
      long outputs =
          train.objective() == Objective.SOFTMAX ? sums.largestLabel() + 1 : round.data().targets();
      if (train.objective() == Objective.SOFTMAX && outputs < 2) {
        throw ComputeException.refused(
            "softmax needs two classes at least, all labels in '"
                + round.data().spec().y()
                + "' are 0");
      }
      state =
          LinearState.zero(new Layout(round.data().features(), Math.toIntExact(outputs)), momentum);
    }
    exchange.put(job + "/scaling", scaling.toBytes());
    return state;
  }

  private LinearState advance(TrainSpec train, Round round, byte[] root, LinearState before) {
    LinearState state = before.copy();
    LinearTrainer trainer = new LinearTrainer(train.objective(), state.layout(), kernel, () -> {});
    double[] sum = Sums.read(root);
    if (train.local()) {
      trainer.average(state, sum);
    } else {
      trainer.step(state, sum, train.rate(round.epoch()), train.l2(), train.momentum());
    }
    if (!state.isFinite()) {
      throw ComputeException.diverged(
          "the weights are no finite numbers any more after step "
              + (round.step() + 1)
              + " of epoch "
              + (round.epoch() + 1)
              + " at the learning rate "
              + train.rate(round.epoch())
              + "; make it smaller");
    }
    return state;
  }

  private Checkpoint checkpoint(TrainSpec train, DataPlan data, String job, LinearState state) {
    return new Checkpoint(
        train.objective(),
        data.model(),
        data.version(),
        data.spec(),
        train.hyperparameters(data),
        train.standardize() ? Scaling.read(need(job + "/scaling", job)) : Scaling.NONE,
        state);
  }

  private Digest publish(TrainSpec train, Checkpoint checkpoint, int epoch, String job)
      throws InterruptedException {
    return checkpoints.publish(
        job, train.output(), List.of("epoch-" + epoch, train.output().tagOrDefault()), checkpoint);
  }

  private static ObjectNode answer(
      ComputeSpec spec,
      TrainSpec train,
      DataPlan data,
      LinearState state,
      Digest version,
      TaskResults results) {
    Set<String> workers = new TreeSet<>();
    for (TaskResult result : results) {
      workers.add(result.workerId());
    }
    ObjectNode answer = Partitions.answer(spec, data.version(), data.partitions(), workers);
    ObjectNode result =
        answer
            .putObject("result")
            .put("model", train.output().name())
            .put("tag", train.output().tagOrDefault())
            .put("version", version.toString())
            .put("task", train.objective().text())
            .put("rows", data.rows())
            .put("features", data.features())
            .put("outputs", state.layout().outputs())
            .put("steps", steps(train, data));
    result.set("hyperparameters", train.hyperparameters(data));
    ArrayNode history = result.putArray("epochs");
    Checkpoint metrics =
        new Checkpoint(
            train.objective(),
            data.model(),
            data.version(),
            data.spec(),
            JsonNodeFactory.instance.objectNode(),
            Scaling.NONE,
            state);
    for (int e = 0; e < state.epochs(); e++) {
      metrics.metrics(history.addObject(), e);
    }
    return answer;
  }

  // ---- what rounds leave for each other

  private Dataset dataset(TrainSpec train, DataPlan data) {
    return Dataset.open(
        tensors, data.model(), data.version(), data.spec(), train.objective(), true);
  }

  private ReductionTree tree(String job, int round, DataPlan data, boolean scan) {
    return new ReductionTree(
        exchange, job + "/" + round, data.partitions(), scan ? Sums::addColumns : Sums::add);
  }

  private static String stateKey(String job, int round) {
    return job + "/state-" + round;
  }

  private void keep(String job, int round, LinearState state) {
    exchange.put(stateKey(job, round), state.toBytes());
    synchronized (states) {
      states.put(stateKey(job, round), state);
    }
  }

  /** The state before a round; not to be changed. */
  private LinearState state(String job, int round) {
    String key = stateKey(job, round);
    synchronized (states) {
      LinearState known = states.get(key);
      if (known != null) {
        return known;
      }
    }
    LinearState state = LinearState.read(need(key, job));
    synchronized (states) {
      states.put(key, state);
    }
    return state;
  }

  private byte[] need(String key, String job) {
    return exchange
        .get(key)
        .orElseThrow(
            () ->
                new SluiceException(
                    ErrorKind.MISSING,
                    "training-lost",
                    "the state of job "
                        + job
                        + " is forgotten; train again with 'resume' from its last epoch"));
  }

  /** Forgets a round before the last one: nobody reads it any more. */
  private void clear(String job, int round, DataPlan data) {
    tree(job, round, data, false).clear();
    exchange.remove(List.of(stateKey(job, round)));
  }
}
