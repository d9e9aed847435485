package io.sluice.job.redis;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.job.Claim;
import io.sluice.job.Job;
import io.sluice.job.JobError;
import io.sluice.job.JobEvent;
import io.sluice.job.JobException;
import io.sluice.job.JobIds;
import io.sluice.job.JobPlan;
import io.sluice.job.JobProgress;
import io.sluice.job.JobSettings;
import io.sluice.job.JobState;
import io.sluice.job.JobStore;
import io.sluice.job.Lease;
import io.sluice.job.TaskResult;
import io.sluice.job.TaskSpec;
import io.sluice.job.Worker;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.redis.RedisClient;
import io.sluice.redis.Script;
import io.vertx.redis.client.Response;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;

/** Jobs in Redis; {@link JobScripts} says which keys. Times are those of Redis' clock. */
public final class RedisJobStore implements JobStore {
  private static final int MAX_EVENTS = 10_000;
  private static final long PROGRESS_EVENT_MS = 250;
  private static final int LIST_PAGE = 100;
  private static final Pattern KIND = Pattern.compile("[a-z][a-z0-9-]{0,31}");
  private static final Pattern EVENT_ID = Pattern.compile("\\d{1,19}-\\d{1,19}");
  private static final List<String> SUMMARY =
      List.of(
          "kind",
          "state",
          "created",
          "updated",
          "tasks_total",
          "tasks_done",
          "bytes_total",
          "bytes_done",
          "error_kind",
          "error_code",
          "error_message");
  private static final Set<String> NUMBERS =
      Set.of("task", "attempt", "round", "tasksDone", "tasksTotal", "bytesDone", "bytesTotal");

  private final JobRedis redis;
  private final JobSettings settings;
  private final ObjectMapper json = new ObjectMapper();

  /**
   * @param prefix of all keys, such as <code>{sluice}:</code>
   */
  public RedisJobStore(RedisClient client, String prefix, JobSettings settings) {
    this.redis = new JobRedis(client, prefix);
    this.settings = Objects.requireNonNull(settings, "settings");
  }

  @Override
  public String create(String kind, JsonNode request, Optional<String> idempotencyKey) {
    if (!KIND.matcher(kind).matches()) {
      throw JobException.invalid(
          "job-kind-invalid",
          "the kind of a job has 1 to 32 lower-case letters, digits and dashes, got '"
              + (kind.length() > 40 ? kind.substring(0, 40) + "…" : kind)
              + "'");
    }
    String text = write("the request of the job", request, MAX_REQUEST_BYTES);
    String idem =
        idempotencyKey
            .map(key -> Digest.sha256((kind + ' ' + key).getBytes(StandardCharsets.UTF_8)).hex())
            .orElse("");
    Response answer = eval(JobScripts.CREATE, JobIds.next(), idem, kind, text);
    String id = answer.get(0).toString();
    if (answer.get(1).toInteger() < 0) {
      throw new JobException(
          ErrorKind.CONFLICT,
          "idempotency-key-reused",
          "job " + id + " is alive under the same idempotency key but has another request");
    }
    return id;
  }

  @Override
  public Job get(String jobId) {
    Map<String, String> fields = JobRedis.fields(redis.call("HGETALL", jobKey(jobId)));
    if (!fields.containsKey("state")) {
      throw JobException.missing(jobId);
    }
    Job.Summary summary = summary(jobId, SUMMARY.stream().map(fields::get).toList());
    return new Job(
        jobId,
        summary.kind(),
        summary.state(),
        summary.createdAt(),
        summary.updatedAt(),
        summary.progress(),
        summary.error(),
        read(fields.get("request")),
        Optional.ofNullable(fields.get("result")).map(this::read));
  }

  @Override
  public List<Job.Summary> list(int limit) {
    checkLimit(limit);
    List<Job.Summary> jobs = new ArrayList<>();
    for (int from = 0; jobs.size() < limit; from += LIST_PAGE) {
      List<String> ids =
          strings(
              redis.call(
                  "ZREVRANGE",
                  redis.key("jobs"),
                  Integer.toString(from),
                  Integer.toString(from + LIST_PAGE - 1)));
      List<RedisClient.Call> calls = new ArrayList<>();
      for (String id : ids) {
        List<String> args = new ArrayList<>();
        args.add(jobKey(id));
        args.addAll(SUMMARY);
        calls.add(new RedisClient.Call("HMGET", args));
      }
      List<Response> answers = redis.batch(calls);
      for (int i = 0; i < ids.size() && jobs.size() < limit; i++) {
        List<String> fields = strings(answers.get(i));
        // what has been forgotten stays in the index for a while
        if (fields.get(0) != null) {
          jobs.add(summary(ids.get(i), fields));
        }
      }
      if (ids.size() < LIST_PAGE) {
        break;
      }
    }
    return jobs;
  }

  @Override
  public List<String> active() {
    return strings(redis.call("ZRANGE", redis.key("jobs:active"), "0", "-1"));
  }

  @Override
  public List<String> abandoned(String workerId, Collection<String> kinds, int limit) {
    Worker.checkId(workerId);
    checkLimit(limit);
    List<String> args = new ArrayList<>(List.of(workerId, Integer.toString(limit)));
    args.addAll(kinds);
    return strings(eval(JobScripts.ABANDONED, "", args.toArray(String[]::new)));
  }

  @Override
  public boolean cancel(String jobId) {
    int answer = eval(JobScripts.CANCEL, checkId(jobId)).toInteger();
    if (answer < 0) {
      throw JobException.missing(jobId);
    }
    return answer == 1;
  }

  @Override
  public List<JobEvent> events(String jobId, String afterId, int limit) {
    checkLimit(limit);
    if (!EVENT_ID.matcher(afterId).matches()) {
      throw JobException.invalid(
          "event-id-invalid",
          "the id of an event is <ms>-<number>, got '"
              + (afterId.length() > 50 ? afterId.substring(0, 50) + "…" : afterId)
              + "'");
    }
    Response entries =
        redis.call(
            "XRANGE",
            jobKey(jobId) + ":events",
            "(" + afterId,
            "+",
            "COUNT",
            Integer.toString(limit));
    List<JobEvent> events = new ArrayList<>(entries.size());
    for (Response entry : entries) {
      events.add(event(entry.get(0).toString(), strings(entry.get(1))));
    }
    return events;
  }

  @Override
  public Claim claim(String jobId, String workerId, long freeBytes) {
    Worker.checkId(workerId);
    Response answer =
        eval(
            JobScripts.CLAIM,
            checkId(jobId),
            workerId,
            Long.toString(Math.max(0, freeBytes)),
            millis(settings.leaseTtl()),
            millis(settings.noRoomGrace()));
    return switch (answer.get(0).toString()) {
      case "missing" -> throw JobException.missing(jobId);
      case "finished" -> new Claim.Finished(JobState.of(answer.get(1).toString()));
      case "wait" -> new Claim.Wait(Duration.ofMillis(Math.max(1, answer.get(1).toLong())));
      case "lease" -> lease(jobId, workerId, answer);
      default -> throw new IllegalStateException("unexpected answer to a claim: " + answer);
    };
  }

  private Lease lease(String jobId, String workerId, Response answer) {
    Lease.Grant grant =
        new Lease.Grant(
            jobId,
            workerId,
            answer.get(3).toInteger(),
            answer.get(2).toLong(),
            answer.get(6).toInteger(),
            settings.leaseTtl());
    String step = answer.get(1).toString();
    return switch (step) {
      case "plan" -> new Lease.PlanLease(grant);
      case "commit" -> new Lease.CommitLease(grant);
      default ->
          new Lease.TaskLease(
              grant,
              Integer.parseInt(step),
              task(read(answer.get(4).toString())),
              answer.get(5).toString().equals("1"));
    };
  }

  @Override
  public boolean planned(Lease.PlanLease lease, JobPlan plan) {
    List<String> args = new ArrayList<>(3 + 4 * plan.tasks().size());
    args.add(fence(lease));
    add(plan, args);
    return counted(eval(JobScripts.PLANNED, lease.jobId(), args.toArray(String[]::new)));
  }

  @Override
  public boolean next(Lease.CommitLease lease, JobPlan plan, JsonNode note) {
    if (plan.tasks().isEmpty()) {
      throw JobException.invalid("job-round-invalid", "a round has at least one task");
    }
    List<String> args = new ArrayList<>(4 + 4 * plan.tasks().size());
    args.add(fence(lease));
    args.add(note(lease, note));
    add(plan, args);
    return counted(eval(JobScripts.NEXT, lease.jobId(), args.toArray(String[]::new)));
  }

  private static String note(Lease lease, JsonNode note) {
    return write("the note about a round of job " + lease.jobId(), note, MAX_NOTE_BYTES);
  }

  private void add(JobPlan plan, List<String> args) {
    args.add(plan.bounded() ? "1" : "0");
    args.add(write("what the plan of the job shares", plan.shared(), MAX_PLAN_BYTES));
    long size = 0;
    for (TaskSpec task : plan.tasks()) {
      String text = text(task);
      size += text.length();
      if (size > MAX_PLAN_BYTES) {
        throw tooLarge("the tasks of the job", MAX_PLAN_BYTES, "more");
      }
      args.add(text);
      args.add(task.name());
      args.add(Long.toString(task.weightBytes()));
      args.add(task.preferredWorker().orElse(""));
    }
  }

  @Override
  public boolean renew(Lease lease) {
    return counted(
        eval(JobScripts.RENEW, lease.jobId(), step(lease), fence(lease), millis(lease.ttl())));
  }

  @Override
  public boolean progress(Lease.TaskLease lease, long bytes) {
    return counted(
        eval(
            JobScripts.PROGRESS,
            lease.jobId(),
            step(lease),
            fence(lease),
            Long.toString(Math.max(0, bytes)),
            Long.toString(PROGRESS_EVENT_MS)));
  }

  @Override
  public boolean complete(Lease.TaskLease lease, JsonNode result) {
    String text = write("the result of " + lease.describe(), result, MAX_RESULT_BYTES);
    return counted(eval(JobScripts.COMPLETE, lease.jobId(), step(lease), fence(lease), text));
  }

  @Override
  public boolean fail(Lease lease, JobError error, boolean retryable) {
    return counted(
        eval(
            JobScripts.FAIL,
            lease.jobId(),
            step(lease),
            fence(lease),
            error.kind().name(),
            error.code(),
            error.message(),
            retryable ? "1" : "0",
            Long.toString(pause(lease.attempt()))));
  }

  @Override
  public boolean release(Lease lease) {
    return counted(eval(JobScripts.RELEASE, lease.jobId(), step(lease), fence(lease)));
  }

  @Override
  public boolean commit(Lease.CommitLease lease, JsonNode result, Optional<JsonNode> note) {
    String text = write("the result of job " + lease.jobId(), result, MAX_RESULT_BYTES);
    String told = note.map(n -> note(lease, n)).orElse("");
    return counted(eval(JobScripts.COMMIT, lease.jobId(), fence(lease), text, told));
  }

  @Override
  public boolean reopen(Lease.CommitLease lease, Map<Integer, Optional<String>> tasks) {
    if (tasks.isEmpty()) {
      throw JobException.invalid("job-reopen-invalid", "there is no task to reopen");
    }
    List<String> args = new ArrayList<>(1 + 2 * tasks.size());
    args.add(fence(lease));
    tasks.forEach(
        (number, worker) -> {
          worker.ifPresent(Worker::checkId);
          args.add(step(number));
          args.add(worker.orElse(""));
        });
    int answer = eval(JobScripts.REOPEN, lease.jobId(), args.toArray(String[]::new)).toInteger();
    if (answer < 0) {
      throw JobException.invalid(
          "job-reopen-invalid",
          "not all of the tasks " + tasks.keySet() + " of job " + lease.jobId() + " are done");
    }
    return answer == 1;
  }

  @Override
  public List<TaskResult> results(String jobId, int from, int limit) {
    checkLimit(limit);
    String key = jobKey(jobId);
    List<String> steps = new ArrayList<>(limit);
    List<String> details = new ArrayList<>(2 * limit);
    for (int number = from; number < from + limit; number++) {
      steps.add(step(number));
      details.add(step(number) + ".n");
      details.add(step(number) + ".o");
    }
    List<Response> answers =
        redis.batch(List.of(hmget(key + ":results", steps), hmget(key + ":tasks", details)));
    List<String> texts = strings(answers.get(0));
    List<String> names = strings(answers.get(1));
    List<TaskResult> results = new ArrayList<>();
    for (int i = 0; i < limit; i++) {
      if (texts.get(i) != null && names.get(2 * i) != null) {
        results.add(
            new TaskResult(from + i, names.get(2 * i), names.get(2 * i + 1), read(texts.get(i))));
      }
    }
    return results;
  }

  @Override
  public JsonNode shared(String jobId, int round) {
    Response plan = redis.call("GET", jobKey(jobId) + ":plan:" + round);
    if (plan == null) {
      throw new JobException(
          ErrorKind.MISSING,
          "job-plan-missing",
          "job '" + jobId + "' has no plan of round " + round);
    }
    return read(plan.toString());
  }

  private Response eval(Script script, String jobId, String... args) {
    List<String> all = new ArrayList<>(7 + args.length);
    all.add(redis.prefix());
    all.add(jobId);
    all.add(Integer.toString(settings.maxAttempts()));
    all.add(millis(settings.retention()));
    all.add(millis(settings.detailRetention()));
    all.add(millis(settings.maxAge()));
    all.add(Integer.toString(MAX_EVENTS));
    all.addAll(Arrays.asList(args));
    return redis.eval(script, redis.key("job:" + jobId), all);
  }

  /** Exponential, spread by half of it either way so that tasks that failed together part. */
  private long pause(int attempt) {
    long min = settings.backoffMin().toMillis();
    long max = settings.backoffMax().toMillis();
    long base = attempt > 30 ? max : Math.min(max, min * (1L << (attempt - 1)));
    return Math.max(1, base / 2 + ThreadLocalRandom.current().nextLong(base + 1));
  }

  private static Job.Summary summary(String id, List<String> f) {
    Optional<JobError> error =
        f.get(9) == null
            ? Optional.empty()
            : Optional.of(new JobError(ErrorKind.valueOf(f.get(8)), f.get(9), f.get(10)));
    return new Job.Summary(
        id,
        f.get(0),
        JobState.of(f.get(1)),
        Instant.ofEpochMilli(Long.parseLong(f.get(2))),
        Instant.ofEpochMilli(Long.parseLong(f.get(3))),
        new JobProgress(
            Integer.parseInt(f.get(4)),
            Integer.parseInt(f.get(5)),
            Long.parseLong(f.get(6)),
            Long.parseLong(f.get(7))),
        error);
  }

  private JobEvent event(String id, List<String> pairs) {
    ObjectNode data = JsonNodeFactory.instance.objectNode();
    JobEvent.Type type = null;
    for (int i = 0; i + 1 < pairs.size(); i += 2) {
      String name = pairs.get(i);
      String value = pairs.get(i + 1);
      if (name.equals("type")) {
        type = JobEvent.Type.valueOf(value.toUpperCase(Locale.ROOT));
      } else if (NUMBERS.contains(name)) {
        data.put(name, Long.parseLong(value));
      } else if (name.equals("note")) {
        data.set(name, read(value));
      } else {
        data.put(name, value);
      }
    }
    Instant at = Instant.ofEpochMilli(Long.parseLong(id.substring(0, id.indexOf('-'))));
    return new JobEvent(id, at, type, data);
  }

  private static String text(TaskSpec task) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("name", task.name());
    node.put("weight", task.weightBytes());
    task.preferredWorker().ifPresent(worker -> node.put("worker", worker));
    node.set("payload", task.payload());
    return node.toString();
  }

  private static TaskSpec task(JsonNode node) {
    return new TaskSpec(
        node.get("name").textValue(),
        node.get("payload"),
        node.get("weight").longValue(),
        Optional.ofNullable(node.get("worker")).map(JsonNode::textValue));
  }

  private static String write(String what, JsonNode node, int limit) {
    String text = node.toString();
    // in UTF-8 a char takes one to three bytes: count only when it matters
    if (text.length() > limit / 3) {
      int bytes = text.getBytes(StandardCharsets.UTF_8).length;
      if (bytes > limit) {
        throw tooLarge(what, limit, Integer.toString(bytes));
      }
    }
    return text;
  }

  private static JobException tooLarge(String what, int limit, String got) {
    return JobException.invalid(
        "job-too-large", what + " may take " + limit + " bytes of JSON, got " + got);
  }

  private JsonNode read(String text) {
    try {
      return json.readTree(text);
    } catch (JsonProcessingException e) {
      throw new JobException(
          ErrorKind.CORRUPT, "job-corrupt", "Redis holds a broken document: " + e.getMessage(), e);
    }
  }

  private String jobKey(String jobId) {
    return redis.key("job:" + checkId(jobId));
  }

  private static String checkId(String jobId) {
    if (!JobIds.valid(jobId)) {
      throw JobException.missing(jobId);
    }
    return jobId;
  }

  private static void checkLimit(int limit) {
    if (limit < 1 || limit > MAX_PAGE) {
      throw JobException.invalid(
          "limit-invalid", "a limit lies between 1 and " + MAX_PAGE + ", got " + limit);
    }
  }

  private static RedisClient.Call hmget(String key, List<String> fields) {
    List<String> args = new ArrayList<>(1 + fields.size());
    args.add(key);
    args.addAll(fields);
    return new RedisClient.Call("HMGET", args);
  }

  private static String step(Lease lease) {
    return switch (lease) {
      case Lease.PlanLease plan -> "plan";
      case Lease.CommitLease commit -> "commit";
      case Lease.TaskLease task -> step(task.number());
    };
  }

  private static String step(int number) {
    return String.format(Locale.ROOT, "%07d", number);
  }

  private static String fence(Lease lease) {
    return Long.toString(lease.grant().fence());
  }

  private static String millis(Duration duration) {
    return Long.toString(duration.toMillis());
  }

  private static boolean counted(Response answer) {
    return answer.toInteger() == 1;
  }

  private static List<String> strings(Response answer) {
    List<String> strings = new ArrayList<>(answer.size());
    for (Response part : answer) {
      strings.add(part == null ? null : part.toString());
    }
    return strings;
  }
}
