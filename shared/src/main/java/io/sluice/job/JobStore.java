package io.sluice.job;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Where jobs live: the one thing that all workers share. Every method is atomic.
 *
 * <p>Methods that take a {@link Lease} return whether it still counted. False means that the step
 * belongs to somebody else or that the job is over; then nothing was changed. Repeating a call that
 * succeeded changes nothing.
 */
public interface JobStore {
  /** Largest request in bytes of JSON. */
  int MAX_REQUEST_BYTES = 1 << 20;

  /** Largest result of a task or a job in bytes of JSON. */
  int MAX_RESULT_BYTES = 16 << 20;

  /** Largest plan in bytes of JSON: what is shared, and the sum of its tasks. */
  int MAX_PLAN_BYTES = 64 << 20;

  /** Largest note about a round in bytes of JSON. */
  int MAX_NOTE_BYTES = 64 << 10;

  /** Most lines of one answer. */
  int MAX_PAGE = 1_000;

  /**
   * Creates a job, or returns the id of the one that is alive under the same key.
   *
   * @param kind lower-case letters, digits and dashes
   * @param idempotencyKey names the intent: while a job of this kind and key is alive, it is
   *     returned instead
   * @throws JobException {@code idempotency-key-reused} (CONFLICT) if that job has another request;
   *     {@code job-too-large}, {@code job-kind-invalid}
   */
  String create(String kind, JsonNode request, Optional<String> idempotencyKey);

  /** The job as it is now; {@code job-missing} if there is none. */
  Job get(String jobId);

  /** The newest jobs first. */
  List<Job.Summary> list(int limit);

  /** Ids of the jobs that are not over, oldest first. */
  List<String> active();

  /**
   * Jobs that need a hand, oldest first: of one of these kinds, not over, and either nobody holds a
   * lease of them or a task waits that prefers this worker.
   */
  List<String> abandoned(String workerId, Collection<String> kinds, int limit);

  /** Stops a job; false if it was over already. Its leases end. */
  boolean cancel(String jobId);

  /**
   * Events after {@code afterId} ({@link JobEvent#START} for all), oldest first. About the last
   * 10,000 of a job are kept.
   */
  List<JobEvent> events(String jobId, String afterId, int limit);

  /**
   * Looks for a step to do. A worker gets its own tasks first, then tasks without preference, then
   * tasks of workers that are not alive; within each the heaviest first. In a bounded job it gets
   * tasks that are not its own only if their weight is at most {@code freeBytes}.
   *
   * <p>Leases that have expired make their steps free again. If a step was begun too often, the job
   * fails with {@code task-attempts-exhausted}. If what is left fits nobody who asks for {@link
   * JobSettings#noRoomGrace}, it fails with {@code job-no-room}.
   */
  Claim claim(String jobId, String workerId, long freeBytes);

  /** Stores the plan; the job is running then, or committing if there is no task. */
  boolean planned(Lease.PlanLease lease, JobPlan plan);

  /** Keeps the lease for another {@link Lease#ttl}. */
  boolean renew(Lease lease);

  /** Reports how many bytes of a task this attempt has done, in total. */
  boolean progress(Lease.TaskLease lease, long bytes);

  /** The task is done. The first result counts. After the last task the job is committing. */
  boolean complete(Lease.TaskLease lease, JsonNode result);

  /** The step failed: it is tried again after a pause, or the job fails with this error. */
  boolean fail(Lease lease, JobError error, boolean retryable);

  /** Gives the step back untouched, as a worker does that stops; it is no attempt then. */
  boolean release(Lease lease);

  /**
   * The job has succeeded.
   *
   * @param note if present, there is an event of the round that is over, as of {@link #next}
   */
  boolean commit(Lease.CommitLease lease, JsonNode result, Optional<JsonNode> note);

  /** The job has succeeded, and had no rounds. */
  default boolean commit(Lease.CommitLease lease, JsonNode result) {
    return commit(lease, result, Optional.empty());
  }

  /**
   * Undoes tasks that are done, because what they made is gone: the job is running again. They keep
   * their count of attempts.
   *
   * @param tasks number of each task and which worker should do it now; not empty
   */
  boolean reopen(Lease.CommitLease lease, Map<Integer, Optional<String>> tasks);

  /**
   * Ends a round and begins the next one: the tasks, their results and what the plan shared give
   * way to those of the new plan, whose tasks start with no attempts. The job is running then, in
   * the round that follows; progress counts the tasks of that round.
   *
   * @param plan at least one task
   * @param note what the event of the round tells besides its number; at most {@value
   *     #MAX_NOTE_BYTES} bytes of JSON
   */
  boolean next(Lease.CommitLease lease, JobPlan plan, JsonNode note);

  /**
   * Results of tasks in order of their numbers, starting at number {@code from}; tasks that are not
   * done are left out.
   *
   * @param limit how many numbers to look at, at most {@link #MAX_PAGE}
   */
  List<TaskResult> results(String jobId, int from, int limit);

  /**
   * {@link JobPlan#shared} of a round of a planned job; {@code job-plan-missing} if it has none
   * (any more).
   *
   * @param round {@link Lease#round} of the step that asks
   */
  JsonNode shared(String jobId, int round);
}
