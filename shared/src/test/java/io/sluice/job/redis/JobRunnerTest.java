package io.sluice.job.redis;

import static io.sluice.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.TextNode;
import io.sluice.job.Claim;
import io.sluice.job.CommitOutcome;
import io.sluice.job.Job;
import io.sluice.job.JobContext;
import io.sluice.job.JobError;
import io.sluice.job.JobEvent;
import io.sluice.job.JobException;
import io.sluice.job.JobIds;
import io.sluice.job.JobKind;
import io.sluice.job.JobPlan;
import io.sluice.job.JobRunner;
import io.sluice.job.JobSettings;
import io.sluice.job.JobState;
import io.sluice.job.JobWaiter;
import io.sluice.job.Lease;
import io.sluice.job.TaskResult;
import io.sluice.job.TaskResults;
import io.sluice.job.TaskSpec;
import io.sluice.job.WorkSummary;
import io.sluice.job.Worker;
import io.sluice.model.ErrorKind;
import io.sluice.redis.RedisClient;
import io.sluice.redis.TestRedis;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Runners as separate workers, each with its own connections, over a real Redis. */
@Timeout(180)
class JobRunnerTest {
  /** Leases outlive a test; where they have to end, {@link RedisTime} lets that time pass. */
  private static final JobSettings SETTINGS =
      new JobSettings(
          Duration.ofMinutes(2),
          4,
          Duration.ofMillis(20),
          Duration.ofMillis(40),
          Duration.ofMinutes(1),
          Duration.ofHours(1),
          Duration.ofHours(1),
          Duration.ofHours(1));

  /** Leases that are renewed often and end soon. */
  private static final JobSettings BRIEF = SETTINGS.withLeaseTtl(Duration.ofMillis(600));

  /** Well below the second after which those who wait look for themselves. */
  private static final Duration AT_ONCE = Duration.ofMillis(600);

  private final String prefix = TestRedis.prefix();
  private final List<AutoCloseable> opened = new ArrayList<>();
  private final Sum sum = new Sum();
  private JobSettings settings = SETTINGS;
  private TestRedis redis;
  private RedisClient client;
  private RedisJobStore store;
  private RedisJobSignals signals;

  @BeforeEach
  void open() throws InterruptedException {
    use(TestRedis.shared());
  }

  private void use(TestRedis server) throws InterruptedException {
    redis = server;
    client = open(server.client());
    store = new RedisJobStore(client, prefix, SETTINGS);
    signals = open(new RedisJobSignals(client, prefix));
    eventually("signals", signals::connected);
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable resource : opened.reversed()) {
      resource.close();
    }
  }

  @Test
  void oneWorkerDoesItAll() throws Exception {
    String id = create(10);
    sum.gate = new CountDownLatch(1);
    CompletableFuture<WorkSummary> worker = runner("w1", 4).join(id);
    eventually("four tasks at once", () -> sum.atOnce.get() == 4);
    sum.gate.countDown();
    WorkSummary summary = worker.get();
    assertThat(summary.done()).isEqualTo(12);
    assertThat(summary.failed()).isZero();
    assertThat(summary.discarded()).isZero();
    Job job = summary.job();
    assertThat(job.state()).isEqualTo(JobState.SUCCEEDED);
    assertThat(job.result()).contains(IntNode.valueOf(55));
    assertThat(job.progress().bytesDone()).isEqualTo(1_000);
    assertThat(sum.mostAtOnce).hasValue(4);
    assertThat(sum.left).containsExactly(id + " with 0 steps");
  }

  @Test
  void manyWorkersRaceAndNothingIsDoneTwice() throws Exception {
    String id = create(200);
    List<CompletableFuture<WorkSummary>> all = new ArrayList<>();
    for (int w = 0; w < 6; w++) {
      all.add(runner("w" + w, 3).join(id));
    }
    int done = 0;
    for (CompletableFuture<WorkSummary> worker : all) {
      WorkSummary summary = worker.get();
      assertThat(summary.job().result()).contains(IntNode.valueOf(20_100));
      done += summary.done();
    }
    assertThat(done).isEqualTo(202);
    assertThat(sum.executed).hasSize(200).doesNotHaveDuplicates();
  }

  @Test
  void aJoinedJobIsRunOnce() throws Exception {
    String id = create(5);
    JobRunner runner = runner("w1", 2);
    CompletableFuture<WorkSummary> first = runner.join(id);
    CompletableFuture<WorkSummary> second = runner.join(id);
    assertThat(first.get()).isSameAs(second.get());
    assertThat(runner.work(id).done()).as("over already").isZero();
    assertThat(runner.running()).isEmpty();
  }

  /** A machine may be slow now and then; without signals, it takes a second each time. */
  @Test
  void waitingCostsNoPollingInterval() throws Exception {
    Duration least = Duration.ofDays(1);
    for (int i = 0; i < 10 && least.compareTo(AT_ONCE) >= 0; i++) {
      Duration taken = wakingAWaiter();
      least = taken.compareTo(least) < 0 ? taken : least;
    }
    assertThat(least).isLessThan(AT_ONCE);
  }

  private Duration wakingAWaiter() throws Exception {
    String id = create(1);
    sum.gate = new CountDownLatch(1);
    CompletableFuture<WorkSummary> worker = runner("w1", 1).join(id);
    CompletableFuture<WorkSummary> idle = runner("w2", 1).join(id);
    JobWaiter waiter = new JobWaiter(store, signals);
    eventually("a running task", () -> store.get(id).state() == JobState.RUNNING);
    assertThat(waiter.await(id, Duration.ofMillis(20)).state()).isEqualTo(JobState.RUNNING);
    CompletableFuture<Long> woken = new CompletableFuture<>();
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                waiter.await(id, Duration.ofMinutes(1));
                woken.complete(System.nanoTime());
              } catch (InterruptedException e) {
                woken.completeExceptionally(e);
              }
            });
    // so that the regular look is far away
    Thread.sleep(150);
    long released = System.nanoTime();
    sum.gate.countDown();
    Duration taken = Duration.ofNanos(woken.get() - released);
    idle.get();
    worker.get();
    return taken;
  }

  @Test
  void eventsArriveAsTheyHappen() throws Exception {
    String id = create(3);
    CompletableFuture<WorkSummary> worker = runner("w1", 1).join(id);
    JobWaiter waiter = new JobWaiter(store, signals);
    List<JobEvent> heard = new ArrayList<>();
    String after = JobEvent.START;
    while (heard.isEmpty() || !terminal(heard.getLast())) {
      for (JobEvent event : waiter.awaitEvents(id, after, 2, Duration.ofMinutes(1))) {
        heard.add(event);
        after = event.id();
      }
    }
    worker.get();
    assertThat(heard).isEqualTo(store.events(id, JobEvent.START, 100));
    assertThat(waiter.awaitEvents(id, after, 2, Duration.ofMillis(50))).isEmpty();
  }

  @Test
  void progressIsReportedWhileATaskRuns() throws Exception {
    String id = create(1);
    sum.reported = 40;
    sum.gate = new CountDownLatch(1);
    CompletableFuture<WorkSummary> worker = runner("w1", 1).join(id);
    eventually("progress", () -> store.get(id).progress().bytesDone() == 40);
    sum.gate.countDown();
    assertThat(worker.get().job().progress().bytesDone()).isEqualTo(100);
  }

  @Test
  void aDeadPlannerIsReplaced() throws InterruptedException {
    String id = create(3);
    assertThat(store.claim(id, "dead", 0)).isInstanceOf(Lease.PlanLease.class);
    leasesEnd();
    WorkSummary summary = runner("w1", 2).work(id);
    assertThat(summary.job().result()).contains(IntNode.valueOf(6));
  }

  @Test
  void aDeadExecutorAndADeadCommitterAreReplaced() throws InterruptedException {
    String id = create(3);
    Lease.PlanLease plan = (Lease.PlanLease) store.claim(id, "dead", 0);
    store.planned(plan, sum.plan(store.get(id), null));
    assertThat(store.claim(id, "dead", 0)).isInstanceOf(Lease.TaskLease.class);
    for (int i = 0; i < 2; i++) {
      Lease.TaskLease task = (Lease.TaskLease) store.claim(id, "dead", 0);
      store.complete(task, task.task().payload());
    }
    leasesEnd();
    WorkSummary summary = runner("w1", 1).work(id);
    assertThat(summary.job().result()).contains(IntNode.valueOf(6));
    assertThat(summary.done()).isEqualTo(2);

    String other = create(0);
    store.planned(
        (Lease.PlanLease) store.claim(other, "dead", 0), sum.plan(store.get(other), null));
    assertThat(store.claim(other, "dead", 0)).isInstanceOf(Lease.CommitLease.class);
    leasesEnd();
    assertThat(runner("w2", 1).work(other).job().result()).contains(IntNode.valueOf(0));
  }

  @Test
  void aLongTaskKeepsItsLease() throws Exception {
    settings = BRIEF;
    String id = create(1);
    sum.gate = new CountDownLatch(1);
    CompletableFuture<WorkSummary> worker = runner("w1", 1).join(id);
    eventually("the task", () -> sum.executed.size() == 1);
    long first = endOfLease(id);
    // nobody else asks for it meanwhile, so a renewal that is late does no harm to this test
    eventually(
        "a renewal for longer than a lease lives",
        () -> endOfLease(id) > first + BRIEF.leaseTtl().toMillis());
    sum.gate.countDown();
    assertThat(worker.get().done()).isEqualTo(3);
    assertThat(sum.executed).hasSize(1);
  }

  private long endOfLease(String id) {
    return client.call("ZSCORE", prefix + "job:" + id + ":leases", "0000000").toLong();
  }

  /** Now and then later on a busy machine; without signals, a second later each time. */
  @Test
  void cancellingInterruptsTheWorkSoon() throws Exception {
    Duration least = Duration.ofDays(1);
    for (int i = 0; i < 10 && least.compareTo(AT_ONCE) >= 0; i++) {
      Duration taken = cancelling();
      least = taken.compareTo(least) < 0 ? taken : least;
    }
    assertThat(least).isLessThan(AT_ONCE);
  }

  private Duration cancelling() throws Exception {
    sum.executed.clear();
    sum.interrupted.set(0);
    String id = create(2);
    sum.gate = new CountDownLatch(1);
    CompletableFuture<WorkSummary> worker = runner("w1", 2).join(id);
    eventually("both tasks", () -> sum.executed.size() == 2);
    long start = System.nanoTime();
    store.cancel(id);
    WorkSummary summary = worker.get();
    Duration taken = Duration.ofNanos(System.nanoTime() - start);
    assertThat(summary.job().state()).isEqualTo(JobState.CANCELLED);
    assertThat(summary.discarded()).isEqualTo(2);
    assertThat(sum.interrupted).hasValue(2);
    assertThat(sum.left).contains(id + " with 0 steps");
    return taken;
  }

  @Test
  void aLostLeaseInterruptsTheTaskAndItsResultIsDiscarded() throws Exception {
    settings = BRIEF;
    String id = create(1);
    sum.gate = new CountDownLatch(1);
    sum.deafness = 1;
    JobRunner runner = runner("w1", 1);
    CompletableFuture<WorkSummary> worker = runner.join(id);
    eventually("the task", () -> sum.executed.size() == 1);
    // as if this worker had been stopped for longer than its lease lives; it may renew in between
    AtomicReference<Claim> claimed = new AtomicReference<>();
    eventually(
        "the task of another worker",
        () -> {
          RedisTime.passes(client, prefix, BRIEF.leaseTtl());
          claimed.set(store.claim(id, "thief", 0));
          return claimed.get() instanceof Lease;
        });
    Lease.TaskLease thief = (Lease.TaskLease) claimed.get();
    assertThat(thief.attempt()).isEqualTo(2);
    eventually("an interrupt", () -> sum.interrupted.get() == 1);
    assertThat(store.complete(thief, IntNode.valueOf(7))).isTrue();
    WorkSummary summary = worker.get();
    assertThat(summary.discarded()).isEqualTo(1);
    assertThat(summary.job().result()).contains(IntNode.valueOf(7));
  }

  @Test
  void passingErrorsAreTriedAgain() throws InterruptedException {
    sum.error =
        attempt -> attempt <= 3 ? new JobException(ErrorKind.TRANSIENT, "storm", "x") : null;
    WorkSummary summary = runner("w1", 2).work(create(2));
    assertThat(summary.job().state()).isEqualTo(JobState.SUCCEEDED);
    assertThat(summary.failed()).isEqualTo(6);
    assertThat(summary.done()).isEqualTo(4);
  }

  @Test
  void otherErrorsFailTheJobAsTheyAre() throws InterruptedException {
    sum.error = attempt -> new JobException(ErrorKind.CORRUPT, "shard-corrupt", "chunk 3");
    Job job = runner("w1", 2).work(create(2)).job();
    assertThat(job.error()).contains(new JobError(ErrorKind.CORRUPT, "shard-corrupt", "chunk 3"));
  }

  @Test
  void surprisesFailTheJobAsInternal() throws InterruptedException {
    sum.error = attempt -> new ArithmeticException("2 + 2");
    JobError error = runner("w1", 2).work(create(2)).job().error().orElseThrow();
    assertThat(error.kind()).isEqualTo(ErrorKind.FATAL);
    assertThat(error.code()).isEqualTo("internal");
    assertThat(error.message()).contains("ArithmeticException: 2 + 2");
  }

  @Test
  void aResultThatIsTooLargeFailsTheJob() throws InterruptedException {
    sum.result = TextNode.valueOf("x".repeat(16 << 20));
    JobError error = runner("w1", 1).work(create(1)).job().error().orElseThrow();
    assertThat(error.code()).isEqualTo("job-too-large");
    assertThat(error.message()).contains("task 0 ('t0')", "16777216");
  }

  @Test
  void aCommitThatReopensIsFollowedByAnother() throws InterruptedException {
    AtomicInteger commits = new AtomicInteger();
    sum.onCommit =
        results ->
            commits.incrementAndGet() == 1
                ? CommitOutcome.reopen(Map.of(1, Optional.empty(), 2, Optional.of("w1")))
                : null;
    WorkSummary summary = runner("w1", 2).work(create(4));
    assertThat(summary.job().result()).contains(IntNode.valueOf(10));
    assertThat(commits).hasValue(2);
    assertThat(sum.executed).hasSize(6).containsOnlyOnce("t0", "t3");
  }

  @Test
  void roundsGoOnUntilTheCommitIsDone() throws Exception {
    AtomicInteger commits = new AtomicInteger();
    String id = create(4);
    Job job = store.get(id);
    sum.onCommit =
        results ->
            commits.incrementAndGet() < 5
                ? CommitOutcome.next(sum.plan(job, null), IntNode.valueOf(commits.get()))
                : null;
    CompletableFuture<WorkSummary> first = runner("w1", 2).join(id);
    CompletableFuture<WorkSummary> second = runner("w2", 2).join(id);
    assertThat(first.get().job().state()).isEqualTo(JobState.SUCCEEDED);
    assertThat(first.get().done() + second.get().done()).isEqualTo(1 + 5 * 4 + 5);
    assertThat(first.get().discarded() + second.get().discarded()).isZero();
    assertThat(commits).hasValue(5);
    assertThat(store.events(id, JobEvent.START, 1_000))
        .filteredOn(e -> e.type() == JobEvent.Type.ROUND)
        .extracting(e -> e.data().get("note").intValue())
        .containsExactly(1, 2, 3, 4);
  }

  @Test
  void orphansAreTakenWhenThereIsRoom() throws Exception {
    RedisWorkerRegistry registry = new RedisWorkerRegistry(client, prefix, Duration.ofMillis(400));
    registry.register(worker("dead"));
    sum.bounded = true;
    sum.preferred = Optional.of("dead");
    String id = create(3);
    sum.pause = Duration.ofMillis(30);
    // room for one task at a time, although two threads are free
    WorkSummary summary = runner("w1", 2, 150).work(id);
    assertThat(summary.job().state()).isEqualTo(JobState.SUCCEEDED);
    assertThat(sum.mostAtOnce).hasValue(1);
  }

  @Test
  void sweepsJoinJobsThatNobodyWorksOn() throws Exception {
    JobRunner runner = runner("w1", 2);
    assertThat(runner.sweep()).isEmpty();
    String id = create(3);
    String foreign = store.create("unknown", IntNode.valueOf(1), Optional.empty());
    assertThat(runner.sweep()).containsExactly(id);
    assertThat(new JobWaiter(store, signals).await(id, Duration.ofMinutes(1)).state())
        .isEqualTo(JobState.SUCCEEDED);
    eventually("nothing to run", () -> runner.running().isEmpty());
    assertThat(runner.sweep()).isEmpty();
    assertThat(store.get(foreign).state()).isEqualTo(JobState.PLANNING);
    assertThatThrownBy(() -> runner.work(foreign))
        .isInstanceOfSatisfying(
            JobException.class, e -> assertThat(e.code()).isEqualTo("job-kind-unknown"));
  }

  @Test
  void aJobWhoseCoordinatorDiedIsSweptUp() throws Exception {
    String id = create(4);
    Lease.PlanLease plan = (Lease.PlanLease) store.claim(id, "dead", 0);
    store.planned(plan, sum.plan(store.get(id), null));
    store.claim(id, "dead", 0);
    JobRunner runner = runner("w1", 2);
    assertThat(runner.sweep()).as("somebody is at it").isEmpty();
    leasesEnd();
    assertThat(runner.sweep()).containsExactly(id);
    assertThat(runner.work(id).job().result()).contains(IntNode.valueOf(10));
  }

  @Test
  void closingGivesTheWorkBack() throws Exception {
    String id = create(2);
    sum.gate = new CountDownLatch(1);
    JobRunner leaving = runner("w1", 2);
    CompletableFuture<WorkSummary> worker = leaving.join(id);
    eventually("both tasks", () -> sum.executed.size() == 2);
    leaving.close();
    assertThatThrownBy(worker::get)
        .isInstanceOf(ExecutionException.class)
        .cause()
        .isInstanceOfSatisfying(
            JobException.class, e -> assertThat(e.code()).isEqualTo("worker-stopping"));
    assertThatThrownBy(() -> leaving.work(id)).hasMessageContaining("stopping");
    Claim claim = store.claim(id, "w2", 0);
    assertThat(claim)
        .isInstanceOfSatisfying(
            Lease.TaskLease.class, lease -> assertThat(lease.attempt()).isEqualTo(1));
    store.release((Lease) claim);
    sum.gate = null;
    assertThat(runner("w2", 2).work(id).job().state()).isEqualTo(JobState.SUCCEEDED);
  }

  @Test
  void aMissingJobIsReported() {
    assertThatThrownBy(() -> runner("w1", 1).work(JobIds.next()))
        .isInstanceOfSatisfying(
            JobException.class, e -> assertThat(e.code()).isEqualTo("job-missing"));
  }

  @Test
  void redisRestartsInTheMiddle() throws Exception {
    // what was claimed when it died is free again soon
    settings = BRIEF;
    use(open(new TestRedis()));
    String id = create(60);
    sum.pause = Duration.ofMillis(20);
    List<CompletableFuture<WorkSummary>> all = new ArrayList<>();
    for (int w = 0; w < 3; w++) {
      all.add(runner("w" + w, 2).join(id));
    }
    eventually("some tasks", () -> sum.executed.size() > 15);
    redis.kill();
    Thread.sleep(300);
    redis.start();
    int done = 0;
    for (CompletableFuture<WorkSummary> worker : all) {
      WorkSummary summary = worker.get();
      assertThat(summary.job().result()).contains(IntNode.valueOf(1_830));
      done += summary.done();
    }
    assertThat(done).isGreaterThanOrEqualTo(62);
    assertThat(sum.executed.size()).isGreaterThanOrEqualTo(60);
  }

  @Test
  void aRedisThatLosesItsDataIsToldAsAMissingJob() throws Exception {
    use(open(new TestRedis()));
    String id = create(2);
    sum.gate = new CountDownLatch(1);
    CompletableFuture<WorkSummary> worker = runner("w1", 1).join(id);
    eventually("the task", () -> sum.executed.size() == 1);
    client.call("FLUSHALL");
    sum.gate.countDown();
    assertThatThrownBy(worker::get)
        .cause()
        .isInstanceOfSatisfying(
            JobException.class, e -> assertThat(e.code()).isEqualTo("job-missing"));
  }

  // ---------------------------------------------------------------------------------------------

  /** As if all who hold leases had been silent for longer than those live. */
  private void leasesEnd() {
    RedisTime.passes(client, prefix, SETTINGS.leaseTtl());
  }

  private String create(int tasks) {
    return store.create("sum", IntNode.valueOf(tasks), Optional.empty());
  }

  private JobRunner runner(String worker, int parallelism) throws InterruptedException {
    return runner(worker, parallelism, Long.MAX_VALUE);
  }

  private JobRunner runner(String worker, int parallelism, long freeBytes)
      throws InterruptedException {
    RedisClient own = open(redis.client());
    RedisJobSignals ownSignals = open(new RedisJobSignals(own, prefix));
    eventually("signals", ownSignals::connected);
    return open(
        new JobRunner(
            new RedisJobStore(own, prefix, settings),
            ownSignals,
            new RedisWorkerRegistry(own, prefix, Duration.ofMinutes(1)),
            List.of(sum),
            () -> freeBytes,
            JobRunner.Settings.of(worker, parallelism)));
  }

  private <T extends AutoCloseable> T open(T resource) {
    opened.add(resource);
    return resource;
  }

  private static Worker worker(String id) {
    return new Worker(id, "1", "http://127.0.0.1:1", Instant.EPOCH, 10, 5, 0);
  }

  private static boolean terminal(JobEvent event) {
    return event.type() == JobEvent.Type.STATE
        && JobState.of(event.data().get("state").textValue()).terminal();
  }

  /** Adds 1 to n, a task a number, of 100 bytes each. */
  private static final class Sum implements JobKind {
    interface Errors {
      RuntimeException at(int attempt);
    }

    interface Commits {
      CommitOutcome of(TaskResults results);
    }

    final Queue<String> executed = new ConcurrentLinkedQueue<>();
    final Queue<String> left = new ConcurrentLinkedQueue<>();
    final AtomicInteger interrupted = new AtomicInteger();
    final AtomicInteger atOnce = new AtomicInteger();
    final AtomicInteger mostAtOnce = new AtomicInteger();
    volatile CountDownLatch gate;
    volatile int deafness;
    volatile long reported = 100;
    volatile Duration pause = Duration.ofMillis(3);
    volatile Errors error = attempt -> null;
    volatile Commits onCommit = results -> null;
    volatile JsonNode result;
    volatile boolean bounded;
    volatile Optional<String> preferred = Optional.empty();

    @Override
    public String kind() {
      return "sum";
    }

    @Override
    public JobPlan plan(Job job, JobContext context) {
      List<TaskSpec> tasks =
          IntStream.range(0, job.request().intValue())
              .mapToObj(i -> new TaskSpec("t" + i, IntNode.valueOf(i + 1), 100, preferred))
              .toList();
      return new JobPlan(
          tasks, bounded, JsonNodeFactory.instance.objectNode().put("tasks", tasks.size()));
    }

    @Override
    public JsonNode execute(Lease.TaskLease task, JobContext context) throws InterruptedException {
      mostAtOnce.accumulateAndGet(atOnce.incrementAndGet(), Math::max);
      try {
        executed.add(task.task().name());
        assertThat(context.shared().get("tasks")).isEqualTo(context.job().request());
        context.addBytes(reported);
        RuntimeException thrown = error.at(task.attempt());
        if (thrown != null) {
          throw thrown;
        }
        Thread.sleep(pause);
        CountDownLatch latch = gate;
        if (latch != null) {
          latch.await();
        }
        return result != null ? result : task.task().payload();
      } catch (InterruptedException e) {
        assertThat(context.cancelled()).isTrue();
        interrupted.incrementAndGet();
        if (deafness > 0) {
          // code that does not care: its result must not count
          return IntNode.valueOf(1_000);
        }
        throw e;
      } finally {
        atOnce.decrementAndGet();
      }
    }

    @Override
    public void left(String job) {
      left.add(job + " with " + atOnce + " steps");
    }

    @Override
    public CommitOutcome commit(Job job, TaskResults results, JobContext context) {
      CommitOutcome outcome = onCommit.of(results);
      if (outcome != null) {
        return outcome;
      }
      Map<Integer, Integer> numbers = new HashMap<>();
      for (TaskResult one : results) {
        numbers.put(one.number(), one.result().intValue());
      }
      assertThat(numbers).hasSize(results.size());
      return CommitOutcome.done(
          IntNode.valueOf(numbers.values().stream().mapToInt(Integer::intValue).sum()));
    }
  }
}
