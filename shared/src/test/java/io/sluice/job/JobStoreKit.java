package io.sluice.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.sluice.model.ErrorKind;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What every {@link JobStore} promises. Leases and pauses outlive a test on any machine: where they
 * have to end, {@link #passes} lets that time pass.
 */
public abstract class JobStoreKit {
  /** Leases that outlive any single test step. */
  protected static final JobSettings LONG =
      new JobSettings(
          Duration.ofMinutes(2),
          4,
          Duration.ofSeconds(40),
          Duration.ofSeconds(80),
          Duration.ofMinutes(1),
          Duration.ofHours(1),
          Duration.ofHours(1),
          Duration.ofHours(1));

  private static final Duration LEASE = LONG.leaseTtl();

  private static final long PLENTY = 1L << 40;

  private JobStore store;

  /** A store over the same jobs for all calls within one test. */
  protected abstract JobStore store(JobSettings settings);

  /** The registry that the store asks who is alive; its workers die after the time to live. */
  protected abstract WorkerRegistry workers(Duration ttl);

  /** As if so much time had passed for all that the store and the registry know. */
  protected abstract void passes(Duration time);

  @BeforeEach
  void open() {
    store = store(LONG);
  }

  @Test
  void aJobFromItsCreationToItsResult() {
    Instant before = Instant.now().minusSeconds(2);
    String id = store.create("load", json("model", "m"), Optional.empty());
    Job created = store.get(id);
    assertThat(created.kind()).isEqualTo("load");
    assertThat(created.state()).isEqualTo(JobState.PLANNING);
    assertThat(created.request()).isEqualTo(json("model", "m"));
    assertThat(created.result()).isEmpty();
    assertThat(created.error()).isEmpty();
    assertThat(created.createdAt()).isBetween(before, Instant.now().plusSeconds(2));
    assertThat(store.active()).containsExactly(id);

    Lease.PlanLease plan = (Lease.PlanLease) store.claim(id, "w1", PLENTY);
    assertThat(plan.attempt()).isEqualTo(1);
    assertThat(store.claim(id, "w2", PLENTY)).isInstanceOf(Claim.Wait.class);
    assertThat(store.planned(plan, plan(false, task("a", 10), task("b", 20), task("c", 5))))
        .isTrue();
    assertThat(store.get(id).state()).isEqualTo(JobState.RUNNING);
    assertThat(store.get(id).progress()).isEqualTo(new JobProgress(3, 0, 35, 0));
    assertThat(store.shared(id, 0)).isEqualTo(json("shared", "x"));

    Lease.TaskLease first = take(id, "w1");
    Lease.TaskLease second = take(id, "w2");
    assertThat(first.task()).isEqualTo(task("b", 20));
    assertThat(first.number()).isEqualTo(1);
    assertThat(second.task().name()).isEqualTo("a");
    assertThat(second.grant().fence()).isGreaterThan(first.grant().fence());
    assertThat(store.progress(first, 7)).isTrue();
    assertThat(store.get(id).progress()).isEqualTo(new JobProgress(3, 0, 35, 7));
    assertThat(store.progress(first, 999)).isTrue();
    assertThat(store.get(id).progress().bytesDone()).isEqualTo(20);
    assertThat(store.complete(first, json("r", "b"))).isTrue();
    assertThat(store.complete(second, json("r", "a"))).isTrue();
    assertThat(store.get(id).progress()).isEqualTo(new JobProgress(3, 2, 35, 30));
    assertThat(store.complete(take(id, "w1"), json("r", "c"))).isTrue();

    assertThat(store.get(id).state()).isEqualTo(JobState.COMMITTING);
    assertThat(store.results(id, 0, 10))
        .containsExactly(
            new TaskResult(0, "a", "w2", json("r", "a")),
            new TaskResult(1, "b", "w1", json("r", "b")),
            new TaskResult(2, "c", "w1", json("r", "c")));
    assertThat(store.results(id, 2, 1)).extracting(TaskResult::name).containsExactly("c");

    Lease.CommitLease commit = (Lease.CommitLease) store.claim(id, "w2", PLENTY);
    assertThat(store.claim(id, "w1", PLENTY)).isInstanceOf(Claim.Wait.class);
    assertThat(store.commit(commit, json("all", "done"))).isTrue();
    assertThat(store.commit(commit, json("all", "again"))).isTrue();
    Job ended = store.get(id);
    assertThat(ended.state()).isEqualTo(JobState.SUCCEEDED);
    assertThat(ended.result()).contains(json("all", "done"));
    assertThat(store.claim(id, "w1", PLENTY)).isEqualTo(new Claim.Finished(JobState.SUCCEEDED));
    assertThat(store.active()).isEmpty();
    assertThat(store.cancel(id)).isFalse();
  }

  @Test
  void eventsTellTheStoryInOrder() {
    String id = running(false, task("a", 10), task("b", 5));
    Lease.TaskLease a = take(id, "w1");
    store.progress(a, 4);
    store.fail(a, error("storm"), true);
    complete(id, "w2");
    complete(id, "w2");
    store.commit((Lease.CommitLease) store.claim(id, "w2", PLENTY), json("x", "y"));

    List<JobEvent> events = store.events(id, JobEvent.START, 1_000);
    assertThat(events)
        .extracting(e -> e.type().text() + " " + first(e.data(), "state", "name", "tasksDone"))
        .containsExactly(
            "state planning",
            "state running",
            "progress 0",
            "retry a",
            "task b",
            "task a",
            "state committing",
            "state succeeded");
    assertThat(events).extracting(JobEvent::id).isSorted().doesNotHaveDuplicates();
    JsonNode retry = events.get(3).data();
    assertThat(retry.get("code").textValue()).isEqualTo("storm");
    assertThat(retry.get("attempt").intValue()).isEqualTo(1);
    JsonNode done = events.get(5).data();
    assertThat(done.get("task").intValue()).isZero();
    assertThat(done.get("attempt").intValue()).isEqualTo(2);
    assertThat(done.get("worker").textValue()).isEqualTo("w2");
    assertThat(done.get("bytesDone").longValue()).isEqualTo(15);

    assertThat(store.events(id, events.get(4).id(), 2)).isEqualTo(events.subList(5, 7));
    assertThat(store.events(id, events.getLast().id(), 10)).isEmpty();
    assertThatThrownBy(() -> store.events(id, "x", 10)).hasMessageContaining("'x'");
  }

  @Test
  void progressEventsAreRare() {
    String id = running(false, task("a", 1_000));
    Lease.TaskLease a = take(id, "w1");
    for (int i = 1; i <= 50; i++) {
      store.progress(a, i);
    }
    assertThat(store.get(id).progress().bytesDone()).isEqualTo(50);
    List<Long> told =
        store.events(id, JobEvent.START, 1_000).stream()
            .filter(e -> e.type() == JobEvent.Type.PROGRESS)
            .map(e -> Long.parseLong(e.id().substring(0, e.id().indexOf('-'))))
            .toList();
    assertThat(told).isNotEmpty();
    for (int i = 1; i < told.size(); i++) {
      assertThat(told.get(i) - told.get(i - 1)).as("ms between two").isGreaterThanOrEqualTo(200);
    }
  }

  @Test
  void aJobWithoutTasksGoesStraightToItsCommit() {
    String id = running(false);
    assertThat(store.get(id).state()).isEqualTo(JobState.COMMITTING);
    assertThat(store.commit((Lease.CommitLease) store.claim(id, "w", 0), json("a", "b"))).isTrue();
    assertThat(store.get(id).state()).isEqualTo(JobState.SUCCEEDED);
  }

  @Test
  void anExpiredLeaseIsTakenOverAndItsFenceCountsNoMore() {
    String id = running(true, task("a", 10));
    Lease.TaskLease dead = take(id, "w1");
    store.progress(dead, 6);
    Duration last = Duration.ofSeconds(4);
    passes(LEASE.minus(last));
    Claim.Wait wait = (Claim.Wait) store.claim(id, "w2", PLENTY);
    assertThat(wait.atMost()).isLessThanOrEqualTo(last);
    passes(last);
    Lease.TaskLease next = (Lease.TaskLease) store.claim(id, "w2", PLENTY);
    assertThat(next.attempt()).isEqualTo(2);
    assertThat(store.get(id).progress().bytesDone()).isZero();

    assertThat(store.renew(dead)).isFalse();
    assertThat(store.progress(dead, 9)).isFalse();
    assertThat(store.fail(dead, error("late"), false)).isFalse();
    assertThat(store.release(dead)).isFalse();
    assertThat(store.complete(dead, json("r", "stale"))).isFalse();
    assertThat(store.get(id).state()).isEqualTo(JobState.RUNNING);

    assertThat(store.complete(next, json("r", "good"))).isTrue();
    assertThat(store.complete(next, json("r", "again"))).isTrue();
    assertThat(store.complete(dead, json("r", "stale"))).isFalse();
    assertThat(store.results(id, 0, 1).getFirst().result()).isEqualTo(json("r", "good"));
    assertThat(store.get(id).progress()).isEqualTo(new JobProgress(1, 1, 10, 10));
  }

  @Test
  void aRenewedLeaseLives() {
    String id = running(false, task("a", 1));
    Lease.TaskLease lease = take(id, "w1");
    for (int i = 0; i < 3; i++) {
      passes(LEASE.dividedBy(2));
      assertThat(store.renew(lease)).isTrue();
      assertThat(store.claim(id, "w2", PLENTY)).isInstanceOf(Claim.Wait.class);
    }
    assertThat(store.complete(lease, json("r", "r"))).isTrue();
  }

  @Test
  void planAndCommitAreTakenOverToo() {
    String id = store.create("load", json("a", "b"), Optional.empty());
    Lease.PlanLease dead = (Lease.PlanLease) store.claim(id, "w1", 0);
    passes(LEASE);
    Lease.PlanLease plan = (Lease.PlanLease) store.claim(id, "w2", 0);
    assertThat(plan.attempt()).isEqualTo(2);
    assertThat(store.planned(dead, plan(false, task("wrong", 1)))).isFalse();
    assertThat(store.planned(plan, plan(false))).isTrue();
    Lease.CommitLease gone = (Lease.CommitLease) store.claim(id, "w1", 0);
    passes(LEASE);
    Lease.CommitLease commit = (Lease.CommitLease) store.claim(id, "w2", 0);
    assertThat(store.commit(gone, json("r", "stale"))).isFalse();
    assertThat(store.reopen(gone, Map.of(0, Optional.empty()))).isFalse();
    assertThat(store.commit(commit, json("r", "good"))).isTrue();
    assertThat(store.get(id).result()).contains(json("r", "good"));
  }

  @Test
  void aRetryableFailurePausesTheTask() {
    String id = running(false, task("a", 1));
    Lease.TaskLease lease = take(id, "w1");
    assertThat(store.fail(lease, error("storm"), true)).isTrue();
    assertThat(store.fail(lease, error("storm"), true)).isFalse();
    assertThat(store.claim(id, "w1", PLENTY)).isInstanceOf(Claim.Wait.class);
    // spread by up to a half
    passes(LONG.backoffMin().multipliedBy(3).dividedBy(2));
    assertThat(take(id, "w1").attempt()).isEqualTo(2);
  }

  @Test
  void tooManyFailuresFailTheJobAndNameTheTask() {
    String id = running(false, task("shard-7", 1), task("other", 0));
    for (int attempt = 1; attempt <= LONG.maxAttempts(); attempt++) {
      Lease.TaskLease lease = (Lease.TaskLease) await(id, "w1", PLENTY);
      while (!lease.task().name().equals("shard-7")) {
        store.complete(lease, json("r", "r"));
        lease = (Lease.TaskLease) await(id, "w1", PLENTY);
      }
      assertThat(lease.attempt()).isEqualTo(attempt);
      assertThat(store.fail(lease, error("storm"), true)).isTrue();
    }
    Job job = store.get(id);
    assertThat(job.state()).isEqualTo(JobState.FAILED);
    JobError error = job.error().orElseThrow();
    assertThat(error.code()).isEqualTo("task-attempts-exhausted");
    assertThat(error.kind()).isEqualTo(ErrorKind.TRANSIENT);
    assertThat(error.message()).contains("task 0 ('shard-7')", "4 times", "storm: it blew");
    assertThat(store.claim(id, "w1", PLENTY)).isEqualTo(new Claim.Finished(JobState.FAILED));
  }

  @Test
  void aTaskThatKillsItsWorkersFailsTheJob() {
    String id = running(false, task("poison", 1));
    for (int attempt = 1; attempt <= LONG.maxAttempts(); attempt++) {
      assertThat(await(id, "w" + attempt, PLENTY)).isInstanceOf(Lease.TaskLease.class);
    }
    assertThat(await(id, "w9", PLENTY)).isEqualTo(new Claim.Finished(JobState.FAILED));
    JobError error = store.get(id).error().orElseThrow();
    assertThat(error.code()).isEqualTo("task-attempts-exhausted");
    assertThat(error.kind()).isEqualTo(ErrorKind.FATAL);
    assertThat(error.message()).contains("'poison'", "lease-expired", "'w4'");
  }

  @Test
  void anotherFailureFailsTheJobAsItIs() {
    String id = running(false, task("a", 1), task("b", 1));
    Lease.TaskLease a = take(id, "w1");
    Lease.TaskLease b = take(id, "w2");
    JobError corrupt = new JobError(ErrorKind.CORRUPT, "shard-corrupt", "chunk 3 of shard \"x\"");
    assertThat(store.fail(a, corrupt, false)).isTrue();
    assertThat(store.get(id).error()).contains(corrupt);
    assertThat(store.renew(b)).isFalse();
    assertThat(store.complete(b, json("r", "r"))).isFalse();
    assertThat(store.abandoned("w3", Set.of("load"), 10)).isEmpty();
  }

  @Test
  void cancelEndsAJobAtOnce() {
    String id = running(false, task("a", 1));
    Lease.TaskLease lease = take(id, "w1");
    assertThat(store.cancel(id)).isTrue();
    assertThat(store.cancel(id)).isFalse();
    assertThat(store.renew(lease)).isFalse();
    assertThat(store.complete(lease, json("r", "r"))).isFalse();
    assertThat(store.claim(id, "w1", PLENTY)).isEqualTo(new Claim.Finished(JobState.CANCELLED));
    assertThat(store.events(id, JobEvent.START, 100).getLast().data())
        .isEqualTo(json("state", "cancelled"));
  }

  @Test
  void aWorkerTakesItsOwnTasksThenThoseOfNobody() {
    register("w1", "w2");
    String id =
        running(
            true,
            task("free-heavy", 900),
            task("w2-task", 800, "w2"),
            task("w1-light", 1, "w1"),
            task("w1-heavy", 50, "w1"),
            task("free-light", 10));
    // its own count as placed: they are not held against its free memory
    assertThat(take(id, "w1", 20).task().name()).isEqualTo("w1-heavy");
    assertThat(take(id, "w1", 20).task().name()).isEqualTo("w1-light");
    assertThat(take(id, "w1", 20).task().name()).isEqualTo("free-light");
    assertThat(store.claim(id, "w1", 20)).isInstanceOf(Claim.Wait.class);
    assertThat(take(id, "w1", 900).task().name()).isEqualTo("free-heavy");
    assertThat(store.claim(id, "w1", PLENTY)).isInstanceOf(Claim.Wait.class);
    assertThat(take(id, "w2", 0).task().name()).isEqualTo("w2-task");
  }

  @Test
  void orphansGoToThoseWhoHaveRoom() {
    register("w1", "w2");
    WorkerRegistry registry = workers(Duration.ofMinutes(1));
    String id = running(true, task("big", 100, "w2"), task("small", 10, "w2"));
    assertThat(store.claim(id, "w1", PLENTY)).isInstanceOf(Claim.Wait.class);
    registry.deregister(worker("w2", "1"));
    assertThat(store.claim(id, "w1", 9)).isInstanceOf(Claim.Wait.class);
    assertThat(take(id, "w1", 99).task().name()).isEqualTo("small");
    assertThat(store.claim(id, "w1", 99)).isInstanceOf(Claim.Wait.class);
    assertThat(take(id, "w1", 100).task().name()).isEqualTo("big");
  }

  @Test
  void weightDoesNotCountInAnUnboundedJob() {
    String id = running(false, task("orphan", 100, "gone"), task("free", 10));
    assertThat(take(id, "w1", 0).task().name()).isEqualTo("free");
    assertThat(take(id, "w1", 0).task().name()).isEqualTo("orphan");
  }

  @Test
  void aJobThatFitsNobodyFailsAfterAGrace() {
    register("w1");
    String id = running(true, task("big", 100, "gone"), task("bigger", 200, "gone"));
    assertThat(store.claim(id, "w1", 50)).isInstanceOf(Claim.Wait.class);
    assertThat(store.claim(id, "w1", 50)).isInstanceOf(Claim.Wait.class);
    // somebody with room resets the clock
    Lease.TaskLease bigger = take(id, "w2", 200);
    passes(LONG.noRoomGrace());
    assertThat(store.claim(id, "w1", 50)).isInstanceOf(Claim.Wait.class);
    store.complete(bigger, json("r", "r"));
    assertThat(store.claim(id, "w1", 50)).isInstanceOf(Claim.Wait.class);
    passes(LONG.noRoomGrace());
    assertThat(store.claim(id, "w1", 50)).isEqualTo(new Claim.Finished(JobState.FAILED));
    JobError error = store.get(id).error().orElseThrow();
    assertThat(error.kind()).isEqualTo(ErrorKind.CAPACITY);
    assertThat(error.code()).isEqualTo("job-no-room");
    assertThat(error.message()).contains("100 bytes", "'w1'", "50 free");
  }

  @Test
  void aCommitCanReopenTasks() {
    register("w1", "w2");
    String id = running(true, task("a", 10, "w1"), task("b", 20, "w1"), task("c", 30, "w2"));
    complete(id, "w1");
    complete(id, "w1");
    complete(id, "w2");
    Lease.CommitLease commit = (Lease.CommitLease) store.claim(id, "w2", 0);
    assertThatThrownBy(() -> store.reopen(commit, Map.of(7, Optional.empty())))
        .hasMessageContaining("7");
    assertThatThrownBy(() -> store.reopen(commit, Map.of()))
        .isInstanceOfSatisfying(
            JobException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID));
    assertThat(store.reopen(commit, Map.of(0, Optional.of("w2"), 1, Optional.empty()))).isTrue();
    assertThat(store.get(id).state()).isEqualTo(JobState.RUNNING);
    assertThat(store.get(id).progress()).isEqualTo(new JobProgress(3, 1, 60, 30));
    assertThat(store.results(id, 0, 10)).extracting(TaskResult::number).containsExactly(2);
    assertThat(store.commit(commit, json("r", "stale"))).isFalse();
    assertThat(store.reopen(commit, Map.of(2, Optional.empty()))).isFalse();

    Lease.TaskLease a = take(id, "w2");
    assertThat(a.task().name()).isEqualTo("a");
    assertThat(a.attempt()).isEqualTo(2);
    store.complete(a, json("r", "new a"));
    store.complete(take(id, "w2"), json("r", "new b"));
    assertThat(store.results(id, 0, 10))
        .extracting(TaskResult::result)
        .containsExactly(json("r", "new a"), json("r", "new b"), json("r", "c"));
    Lease.CommitLease second = (Lease.CommitLease) store.claim(id, "w2", 0);
    assertThat(store.commit(second, json("r", "good"))).isTrue();
  }

  @Test
  void reopeningForEverIsNotPossible() {
    String id = running(false, task("a", 10));
    for (int i = 1; i <= LONG.maxAttempts(); i++) {
      complete(id, "w1");
      Lease.CommitLease commit = (Lease.CommitLease) store.claim(id, "w1", 0);
      assertThat(store.reopen(commit, Map.of(0, Optional.empty()))).isTrue();
    }
    assertThat(store.get(id).error().orElseThrow().code()).isEqualTo("task-attempts-exhausted");
  }

  @Test
  void aReleasedStepIsNoAttempt() {
    String id = store.create("load", json("a", "b"), Optional.empty());
    for (int i = 0; i < 10; i++) {
      Lease.PlanLease plan = (Lease.PlanLease) store.claim(id, "w1", 0);
      assertThat(plan.attempt()).isEqualTo(1);
      assertThat(store.release(plan)).isTrue();
      assertThat(store.release(plan)).isFalse();
    }
  }

  @Test
  void sameKeyGivesTheLiveJob() {
    Optional<String> key = Optional.of("upload of \u00fc");
    String id = store.create("load", json("a", "b"), key);
    assertThat(store.create("load", json("a", "b"), key)).isEqualTo(id);
    assertThat(store.create("upload", json("a", "b"), key)).isNotEqualTo(id);
    assertThat(store.create("load", json("a", "b"), Optional.of("other"))).isNotEqualTo(id);
    assertThat(store.create("load", json("a", "b"), Optional.empty())).isNotEqualTo(id);
    assertThatThrownBy(() -> store.create("load", json("a", "c"), key))
        .isInstanceOfSatisfying(
            JobException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(ErrorKind.CONFLICT);
              assertThat(e.code()).isEqualTo("idempotency-key-reused");
              assertThat(e).hasMessageContaining(id);
            });
    assertThat(store.events(id, JobEvent.START, 10)).hasSize(1);
    store.cancel(id);
    assertThat(store.create("load", json("a", "c"), key)).isNotEqualTo(id);
  }

  @Test
  void sameKeyAtTheSameTimeGivesOneJob() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    Set<String> ids = new HashSet<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<String>> calls =
          IntStream.range(0, 20)
              .mapToObj(
                  i ->
                      threads.submit(
                          () -> {
                            go.await();
                            return store.create("load", json("a", "b"), Optional.of("k"));
                          }))
              .toList();
      go.countDown();
      for (Future<String> call : calls) {
        ids.add(call.get());
      }
    }
    assertThat(ids).hasSize(1);
    assertThat(store.active()).hasSize(1);
  }

  @Test
  void listsTheNewestFirst() throws InterruptedException {
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      ids.addFirst(store.create("load", json("n", "" + i), Optional.empty()));
      Thread.sleep(2);
    }
    store.cancel(ids.get(1));
    assertThat(ids).isSortedAccordingTo(java.util.Comparator.reverseOrder());
    assertThat(store.list(3)).extracting(Job.Summary::id).isEqualTo(ids.subList(0, 3));
    assertThat(store.list(100)).extracting(Job.Summary::id).isEqualTo(ids);
    assertThat(store.list(5).get(1)).isEqualTo(store.get(ids.get(1)).summary());
    assertThat(store.active()).hasSize(4).doesNotContain(ids.get(1));
  }

  @Test
  void abandonedJobsAreFound() {
    String id = store.create("load", json("a", "b"), Optional.empty());
    assertThat(store.abandoned("w1", Set.of("load", "x"), 10)).containsExactly(id);
    assertThat(store.abandoned("w1", Set.of("x"), 10)).isEmpty();
    Lease.PlanLease plan = (Lease.PlanLease) store.claim(id, "w1", 0);
    assertThat(store.abandoned("w2", Set.of("load"), 10)).isEmpty();
    store.planned(plan, plan(false, task("a", 1), task("b", 1, "w2")));
    take(id, "w1");
    assertThat(store.abandoned("w3", Set.of("load"), 10)).isEmpty();
    assertThat(store.abandoned("w2", Set.of("load"), 10)).containsExactly(id);
    passes(LEASE);
    assertThat(store.abandoned("w3", Set.of("load"), 10)).containsExactly(id);
  }

  @Test
  void whatIsNotThereIsMissing() {
    String unknown = JobIds.next();
    for (String id : List.of(unknown, "", "x:y", "*".repeat(1_000))) {
      for (org.assertj.core.api.ThrowableAssert.ThrowingCallable call :
          List.<org.assertj.core.api.ThrowableAssert.ThrowingCallable>of(
              () -> store.get(id), () -> store.cancel(id), () -> store.claim(id, "w", 0))) {
        assertThatThrownBy(call)
            .isInstanceOfSatisfying(
                JobException.class,
                e -> {
                  assertThat(e.kind()).isEqualTo(ErrorKind.MISSING);
                  assertThat(e.code()).isEqualTo("job-missing");
                  assertThat(e.getMessage().length()).isLessThan(100);
                });
      }
    }
    assertThat(store.events(unknown, JobEvent.START, 10)).isEmpty();
    assertThat(store.results(unknown, 0, 10)).isEmpty();
    assertThatThrownBy(() -> store.shared(unknown, 0))
        .isInstanceOfSatisfying(
            JobException.class, e -> assertThat(e.code()).isEqualTo("job-plan-missing"));
  }

  @Test
  void boundsAreNamed() {
    JsonNode big = json("x", "y".repeat(JobStore.MAX_REQUEST_BYTES));
    assertThatThrownBy(() -> store.create("load", big, Optional.empty()))
        .isInstanceOfSatisfying(
            JobException.class, e -> assertThat(e.code()).isEqualTo("job-too-large"))
        .hasMessageContaining("1048576")
        .hasMessageContaining("got 1048584");
    assertThatThrownBy(() -> store.create("Load!", json("a", "b"), Optional.empty()))
        .hasMessageContaining("'Load!'");
    assertThatThrownBy(() -> store.list(0)).hasMessageContaining("got 0");
    assertThatThrownBy(() -> plan(false, task("a", 1), task("a", 2))).hasMessageContaining("'a'");
    assertThatThrownBy(() -> task("a", -1)).hasMessageContaining("-1");
    assertThatThrownBy(() -> task("a", 1, "w 1")).hasMessageContaining("'w 1'");
  }

  @Test
  void manyTasksAreNoProblem() {
    int n = 20_000;
    List<TaskSpec> tasks =
        IntStream.range(0, n).mapToObj(i -> task("t" + i, i, "w" + i % 50)).toList();
    String id = store.create("load", json("a", "b"), Optional.empty());
    Lease.PlanLease plan = (Lease.PlanLease) store.claim(id, "w1", 0);
    assertThat(store.planned(plan, new JobPlan(tasks, true, json("s", "s")))).isTrue();
    assertThat(store.get(id).progress().bytesTotal()).isEqualTo(n * (n - 1L) / 2);
    assertThat(take(id, "w7").number()).isEqualTo(19_957);
  }

  @Test
  void weightsKeepEveryByte() {
    long heavy = (1L << 53) - 1;
    String id = running(true, task("a", heavy), task("b", 1L << 50));
    assertThat(take(id, "w1", heavy - 1).task().name()).isEqualTo("b");
    assertThat(store.claim(id, "w1", heavy - 1)).isInstanceOf(Claim.Wait.class);
    assertThat(take(id, "w1", heavy).task().weightBytes()).isEqualTo(heavy);
  }

  @Test
  void roundsFollowEachOther() {
    String id = running(false, task("a", 10), task("b", 5));
    Lease.TaskLease a = take(id, "w1");
    store.fail(a, error("storm"), true);
    complete(id, "w1");
    Lease.TaskLease retried = (Lease.TaskLease) await(id, "w2", PLENTY);
    assertThat(retried.attempt()).isEqualTo(2);
    assertThat(store.complete(retried, json("r", "a"))).isTrue();
    Lease.CommitLease commit = (Lease.CommitLease) store.claim(id, "w1", PLENTY);
    assertThat(commit.round()).isZero();

    JobPlan second = new JobPlan(List.of(task("c", 7), task("d", 2, "w2")), true, json("s", "2"));
    assertThat(store.next(commit, second, json("loss", "0.5"))).isTrue();
    assertThat(store.next(commit, plan(false, task("x", 1)), json("loss", "9")))
        .as("repeated")
        .isTrue();
    assertThat(store.commit(commit, json("r", "late"))).isFalse();
    assertThat(store.reopen(commit, Map.of(0, Optional.empty()))).isFalse();
    Job job = store.get(id);
    assertThat(job.state()).isEqualTo(JobState.RUNNING);
    assertThat(job.progress()).isEqualTo(new JobProgress(2, 0, 9, 0));
    assertThat(store.results(id, 0, 10)).isEmpty();
    assertThat(store.shared(id, 1)).isEqualTo(json("s", "2"));
    assertThatThrownBy(() -> store.shared(id, 0)).hasMessageContaining("round 0");

    // what was done in the round before counts no more, whoever tells it
    assertThat(store.complete(retried, json("r", "stale"))).isFalse();
    assertThat(store.renew(retried)).isFalse();
    assertThat(store.progress(retried, 3)).isFalse();
    assertThat(store.fail(retried, error("stale"), false)).isFalse();
    Lease.TaskLease c = take(id, "w1");
    assertThat(c.round()).isEqualTo(1);
    assertThat(c.attempt()).isEqualTo(1);
    assertThat(c.bounded()).isTrue();
    assertThat(c.task().name()).isEqualTo("c");
    assertThat(c.grant().fence()).isGreaterThan(commit.grant().fence());
    Lease.TaskLease d = take(id, "w2", 0);
    assertThat(store.complete(d, json("r", "d"))).isTrue();
    assertThat(store.complete(c, json("r", "c"))).isTrue();
    assertThat(store.results(id, 0, 10))
        .containsExactly(
            new TaskResult(0, "c", "w1", json("r", "c")),
            new TaskResult(1, "d", "w2", json("r", "d")));
    Lease.CommitLease last = (Lease.CommitLease) store.claim(id, "w2", PLENTY);
    assertThat(last.attempt()).isEqualTo(1);
    assertThat(last.round()).isEqualTo(1);
    assertThat(store.commit(last, json("all", "done"), Optional.of(json("loss", "0.1")))).isTrue();

    assertThat(store.events(id, JobEvent.START, 100))
        .filteredOn(e -> e.type() == JobEvent.Type.ROUND)
        .satisfiesExactly(
            e -> {
              assertThat(e.data().get("round").intValue()).isZero();
              assertThat(e.data().get("tasksTotal").intValue()).isEqualTo(2);
              assertThat(e.data().get("note")).isEqualTo(json("loss", "0.5"));
            },
            e -> {
              assertThat(e.data().get("round").intValue()).isEqualTo(1);
              assertThat(e.data().get("tasksTotal").intValue()).isZero();
              assertThat(e.data().get("note")).isEqualTo(json("loss", "0.1"));
            });
  }

  @Test
  void anotherCommitterEndsTheRoundOfADeadOne() {
    String id = running(false, task("a", 1));
    complete(id, "w1");
    Lease.CommitLease dead = (Lease.CommitLease) store.claim(id, "w1", PLENTY);
    passes(LEASE);
    Lease.CommitLease alive = (Lease.CommitLease) store.claim(id, "w2", PLENTY);
    assertThat(store.next(dead, plan(false, task("stale", 1)), json("n", "n"))).isFalse();
    assertThat(store.get(id).state()).isEqualTo(JobState.COMMITTING);
    assertThat(store.next(alive, plan(false, task("b", 1)), json("n", "n"))).isTrue();
    assertThat(store.next(dead, plan(false, task("stale", 1)), json("n", "n"))).isFalse();
    assertThat(take(id, "w1").task().name()).isEqualTo("b");
  }

  @Test
  void aRoundNeedsTasksAndASmallNote() {
    String id = running(false);
    Lease.CommitLease commit = (Lease.CommitLease) store.claim(id, "w1", PLENTY);
    assertThatThrownBy(() -> store.next(commit, plan(false), json("n", "n")))
        .hasMessageContaining("at least one task");
    assertThatThrownBy(() -> CommitOutcome.next(plan(false), json("n", "n")))
        .hasMessageContaining("at least one task");
    JsonNode big = json("n", "x".repeat(JobStore.MAX_NOTE_BYTES));
    assertThatThrownBy(() -> store.next(commit, plan(false, task("a", 1)), big))
        .hasMessageContaining("65536");
    assertThat(store.get(id).state()).isEqualTo(JobState.COMMITTING);
  }

  /** As below, in rounds: each round has every result once, whoever dies, fails or comes late. */
  @Test
  void noTaskOfARoundIsLostAndNoneCountsTwice() throws Exception {
    JobSettings patient =
        new JobSettings(
            Duration.ofMillis(40),
            1_000,
            Duration.ofMillis(1),
            Duration.ofMillis(5),
            LONG.noRoomGrace(),
            LONG.retention(),
            LONG.detailRetention(),
            LONG.maxAge());
    store = store(patient);
    int rounds = 12;
    String id = store.create("load", json("a", "b"), Optional.empty());
    Map<Integer, Long> sums = new ConcurrentHashMap<>();
    List<Future<Integer>> ended = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int w = 0; w < 5; w++) {
        Random random = new Random(7_000 + w);
        String worker = "w" + w;
        ended.add(threads.submit(() -> liveInRounds(id, worker, random, rounds, sums)));
      }
      for (Future<Integer> worker : ended) {
        worker.get();
      }
    }
    assertThat(store.get(id).state()).isEqualTo(JobState.SUCCEEDED);
    assertThat(sums).hasSize(rounds);
    sums.forEach((round, sum) -> assertThat(sum).isEqualTo(expectedSum(round)));
    assertThat(store.get(id).result().orElseThrow().get("rounds").asText())
        .isEqualTo(Integer.toString(rounds));
    assertThat(store.events(id, JobEvent.START, 1_000))
        .filteredOn(e -> e.type() == JobEvent.Type.ROUND)
        .extracting(e -> e.data().get("round").intValue())
        .isEqualTo(IntStream.range(0, rounds - 1).boxed().toList());
  }

  private static long expectedSum(int round) {
    return IntStream.range(0, 5 + round).mapToLong(i -> 1000L * round + i).sum();
  }

  private static JobPlan roundPlan(int round) {
    return plan(
        false,
        IntStream.range(0, 5 + round)
            .mapToObj(i -> task("t" + i, 1000L * round + i, i % 2 == 0 ? "w" + i % 5 : "gone"))
            .toArray(TaskSpec[]::new));
  }

  private int liveInRounds(
      String id, String worker, Random random, int rounds, Map<Integer, Long> sums)
      throws InterruptedException {
    int deaths = 0;
    List<Lease> dead = new ArrayList<>();
    while (true) {
      Claim claim = store.claim(id, worker, PLENTY);
      int fate = random.nextInt(10);
      switch (claim) {
        case Claim.Finished finished -> {
          return deaths;
        }
        case Claim.Wait wait -> Thread.sleep(Math.min(5, wait.atMost().toMillis()));
        case Lease lease when fate == 0 -> {
          deaths++;
          dead.add(lease);
        }
        case Lease lease when fate == 1 -> store.fail(lease, error("storm"), true);
        case Lease lease -> act(lease, rounds, sums);
      }
      if (!dead.isEmpty() && random.nextInt(3) == 0) {
        act(dead.removeFirst(), rounds, sums);
      }
    }
  }

  private void act(Lease lease, int rounds, Map<Integer, Long> sums) {
    switch (lease) {
      case Lease.PlanLease plan -> store.planned(plan, roundPlan(0));
      case Lease.TaskLease task ->
          store.complete(task, json("r", Long.toString(task.task().weightBytes())));
      case Lease.CommitLease commit -> {
        long sum = 0;
        try {
          for (TaskResult r : new TaskResults(store, lease.jobId(), 5 + lease.round())) {
            sum += Long.parseLong(r.result().get("r").textValue());
          }
        } catch (JobException e) {
          // a late one finds the results of another round
          assertThat(e.code()).isEqualTo("task-result-missing");
        }
        boolean counted =
            lease.round() == rounds - 1
                ? store.commit(commit, json("rounds", Integer.toString(rounds)))
                : store.next(commit, roundPlan(lease.round() + 1), json("n", "n"));
        if (counted) {
          sums.merge(lease.round(), sum, (x, y) -> -1L);
        }
      }
    }
  }

  /**
   * Workers race and, by a seed, die with a lease, fail, or give it back; one at a time survives.
   * Whatever happens: every task has exactly one result that counts, and the job ends.
   */
  @Test
  void noTaskIsLostAndNoneCountsTwice() throws Exception {
    JobSettings patient =
        new JobSettings(
            Duration.ofMillis(40),
            1_000,
            Duration.ofMillis(1),
            Duration.ofMillis(5),
            LONG.noRoomGrace(),
            LONG.retention(),
            LONG.detailRetention(),
            LONG.maxAge());
    store = store(patient);
    for (int seed = 1; seed <= 3; seed++) {
      int n = 60;
      TaskSpec[] tasks = new TaskSpec[n];
      for (int i = 0; i < n; i++) {
        tasks[i] = i % 3 == 0 ? task("t" + i, i) : task("t" + i, i, "w" + i % 8);
      }
      String id = store.create("load", json("seed", "" + seed), Optional.empty());
      Map<Integer, List<String>> counted = new ConcurrentHashMap<>();
      List<Future<Integer>> ended = new ArrayList<>();
      try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        for (int w = 0; w < 8; w++) {
          Random random = new Random(100L * seed + w);
          String worker = "w" + w;
          ended.add(threads.submit(() -> live(id, worker, random, plan(false, tasks), counted)));
        }
        for (Future<Integer> worker : ended) {
          worker.get();
        }
      }
      Job job = store.get(id);
      assertThat(job.state()).isEqualTo(JobState.SUCCEEDED);
      assertThat(job.progress().tasksDone()).isEqualTo(n);
      assertThat(job.progress().bytesDone()).isEqualTo(job.progress().bytesTotal());
      assertThat(counted).hasSize(n).allSatisfy((task, by) -> assertThat(by).hasSize(1));
      Map<Integer, String> stored = new HashMap<>();
      new TaskResults(store, id, n)
          .forEach(r -> stored.put(r.number(), r.result().get("r").textValue()));
      assertThat(stored).hasSize(n);
      stored.forEach((task, by) -> assertThat(counted.get(task)).containsExactly(by));
      assertThat(store.events(id, JobEvent.START, 1_000))
          .filteredOn(e -> e.type() == JobEvent.Type.TASK)
          .extracting(e -> e.data().get("tasksDone").intValue())
          .isEqualTo(IntStream.rangeClosed(1, n).boxed().toList());
    }
  }

  private int live(
      String id, String worker, Random random, JobPlan plan, Map<Integer, List<String>> counted)
      throws InterruptedException {
    int deaths = 0;
    List<Lease.TaskLease> dead = new ArrayList<>();
    while (true) {
      Claim claim = store.claim(id, worker, PLENTY);
      int fate = random.nextInt(10);
      switch (claim) {
        case Claim.Finished finished -> {
          return deaths;
        }
        case Claim.Wait wait -> Thread.sleep(Math.min(10, wait.atMost().toMillis()));
        case Lease lease when fate == 0 -> {
          deaths++;
          if (lease instanceof Lease.TaskLease task) {
            dead.add(task);
          }
        }
        case Lease lease when fate == 1 -> store.fail(lease, error("storm"), true);
        case Lease lease when fate == 2 -> store.release(lease);
        case Lease.PlanLease lease -> store.planned(lease, plan);
        case Lease.TaskLease lease -> finish(lease, worker + "/" + lease.grant().fence(), counted);
        case Lease.CommitLease lease -> store.commit(lease, json("by", worker));
      }
      if (!dead.isEmpty() && random.nextInt(4) == 0) {
        // one that was thought dead comes back with its result
        Lease.TaskLease late = dead.removeFirst();
        finish(late, worker + "/" + late.grant().fence(), counted);
      }
    }
  }

  private void finish(Lease.TaskLease lease, String by, Map<Integer, List<String>> counted) {
    if (store.complete(lease, json("r", by))) {
      counted.merge(
          lease.number(),
          List.of(by),
          (a, b) -> {
            List<String> both = new ArrayList<>(a);
            both.addAll(b);
            return both;
          });
    }
  }

  // ---------------------------------------------------------------------------------------------

  protected final String running(boolean bounded, TaskSpec... tasks) {
    String id = store.create("load", json("a", "b"), Optional.empty());
    Lease.PlanLease plan = (Lease.PlanLease) store.claim(id, "planner", 0);
    assertThat(store.planned(plan, plan(bounded, tasks))).isTrue();
    return id;
  }

  private void register(String... ids) {
    for (String id : ids) {
      workers(Duration.ofMinutes(1)).register(worker(id, "1"));
    }
  }

  protected static Worker worker(String id, String incarnation) {
    return new Worker(
        id, incarnation, "http://127.0.0.1:1", Instant.ofEpochMilli(1_700_000_000_000L), 10, 5, 0);
  }

  private Lease.TaskLease take(String id, String worker) {
    return take(id, worker, PLENTY);
  }

  private Lease.TaskLease take(String id, String worker, long free) {
    Claim claim = store.claim(id, worker, free);
    assertThat(claim).isInstanceOf(Lease.TaskLease.class);
    return (Lease.TaskLease) claim;
  }

  private void complete(String id, String worker) {
    Lease.TaskLease lease = (Lease.TaskLease) await(id, worker, PLENTY);
    assertThat(store.complete(lease, json("r", lease.task().name()))).isTrue();
  }

  /** Claims until there is something else to do than wait; the time to wait passes at once. */
  private Claim await(String id, String worker, long free) {
    for (int i = 0; i < 100; i++) {
      Claim claim = store.claim(id, worker, free);
      if (!(claim instanceof Claim.Wait wait)) {
        return claim;
      }
      passes(wait.atMost());
    }
    throw new AssertionError("waited a hundred times in vain for a step of job " + id);
  }

  private static JobPlan plan(boolean bounded, TaskSpec... tasks) {
    return new JobPlan(List.of(tasks), bounded, json("shared", "x"));
  }

  private static TaskSpec task(String name, long weight) {
    return new TaskSpec(name, json("payload", name), weight, Optional.empty());
  }

  private static TaskSpec task(String name, long weight, String worker) {
    return new TaskSpec(name, json("payload", name), weight, Optional.of(worker));
  }

  private static JobError error(String code) {
    return new JobError(ErrorKind.TRANSIENT, code, "it blew");
  }

  protected static JsonNode json(String name, String value) {
    return JsonNodeFactory.instance.objectNode().put(name, value);
  }

  private static String first(JsonNode data, String... names) {
    for (String name : names) {
      if (data.has(name)) {
        return data.get(name).asText();
      }
    }
    return "";
  }
}
