package io.sluice.copy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.copy.ModelStores.ModelStore;
import io.sluice.job.CommitOutcome;
import io.sluice.job.FanOut;
import io.sluice.job.Job;
import io.sluice.job.JobContext;
import io.sluice.job.JobKind;
import io.sluice.job.JobPlan;
import io.sluice.job.Lease;
import io.sluice.job.ShardPins;
import io.sluice.job.TaskResult;
import io.sluice.job.TaskResults;
import io.sluice.job.TaskSpec;
import io.sluice.manifest.ModelManifest;
import io.sluice.manifest.ModelSummary;
import io.sluice.manifest.VersionSummary;
import io.sluice.model.ByteRange;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.InvalidValueException;
import io.sluice.model.ShardDescriptor;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ShardReader;
import io.sluice.storage.StorageException;
import io.sluice.storage.StoredBytes;
import io.sluice.upload.ReadAhead;
import io.sluice.upload.TransferMemory;
import java.lang.foreign.MemorySegment;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * The copy of a model from one store to another as a job: each task carries one shard or skeleton
 * over and verifies its SHA-256 on the way, and the commit publishes the manifests in the other
 * store.
 *
 * <p>A manifest does not say which store it is in, and keys are made of content: a version is the
 * same version in every store. So what is there already is not sent again, whoever brought it
 * there, and a copy that was cut off goes on when it is started again.
 */
public final class CopyKind implements JobKind {
  /** The kind of these jobs. */
  public static final String COPY = "copy";

  /** How long to wait for an object that is just being collected as garbage. */
  private static final Duration PIN = Duration.ofSeconds(30);

  /** Bytes that are read by one request. */
  private static final long RANGE = 16L << 20;

  /** How often an object with a wrong digest is read before it counts as corrupt. */
  private static final int ATTEMPTS = 3;

  /** What became of an object, in the words of the answer. */
  private enum Outcome {
    SENT("sent"),
    REUSED("reused"),
    REPLACED("replaced");

    private final String text;

    Outcome(String text) {
      this.text = text;
    }
  }

  /** A version to be published and the tags that are to name it. */
  private record Wanted(Digest version, List<String> tags) {}

  private final ModelStores stores;
  private final ShardPins pins;
  private final TransferMemory memory;
  private final int reads;

  /**
   * @param stores the stores by name
   * @param pins keeps what is copied from being collected as garbage before a manifest reaches it
   * @param memory bounds the objects in flight
   * @param reads ranges of an object that are read at once
   */
  public CopyKind(ModelStores stores, ShardPins pins, TransferMemory memory, int reads) {
    if (reads < 1) {
      throw new InvalidValueException(
          "copy-settings-invalid", "a copy needs 1 <= reads, got " + reads);
    }
    this.stores = stores;
    this.pins = pins;
    this.memory = memory;
    this.reads = reads;
  }

  @Override
  public String kind() {
    return COPY;
  }

  @Override
  public JobPlan plan(Job job, JobContext context) {
    CopySpec spec = CopySpec.read(job.request());
    ModelStore from = stores.open(spec.from());
    stores.open(spec.to()); // what it lacks is said before anything is read
    Map<String, ShardDescriptor> objects = new LinkedHashMap<>();
    ObjectNode shared = JsonNodeFactory.instance.objectNode();
    ArrayNode versions = shared.putArray("versions");
    for (Wanted wanted : wanted(spec, from)) {
      objects.putAll(from.manifests().load(spec.model().name(), wanted.version()).objects());
      ObjectNode version = versions.addObject().put("version", wanted.version().toString());
      wanted.tags().forEach(version.putArray("tags")::add);
    }
    List<TaskSpec> tasks = new ArrayList<>();
    objects.forEach((key, object) -> tasks.add(task(key, object)));
    return new JobPlan(tasks, false, shared);
  }

  private static List<Wanted> wanted(CopySpec spec, ModelStore from) {
    String name = spec.model().name();
    if (spec.mirror()) {
      ModelSummary model = from.manifests().model(name);
      return model.versions().stream()
          .map(VersionSummary::version)
          .map(version -> new Wanted(version, model.tagsOf(version)))
          .toList();
    }
    Digest version = from.manifests().resolve(spec.model()).version();
    return List.of(
        new Wanted(
            version,
            spec.model().version().isPresent() ? List.of() : List.of(spec.model().tagOrDefault())));
  }

  private TaskSpec task(String key, ShardDescriptor object) {
    if (object.size() > memory.bytes()) {
      throw new CopyException(
          ErrorKind.CAPACITY,
          "copy-memory-too-small",
          "object '"
              + key
              + "' has "
              + object.size()
              + " bytes, the memory of uploads and copies is "
              + memory.bytes()
              + " bytes");
    }
    ObjectNode payload =
        JsonNodeFactory.instance
            .objectNode()
            .put("digest", object.digest().toString())
            .put("size", object.size());
    return new TaskSpec(key, payload, object.size(), Optional.empty());
  }

  @Override
  public JsonNode execute(Lease.TaskLease lease, JobContext context) throws InterruptedException {
    CopySpec spec = CopySpec.read(context.job().request());
    ModelStore from = stores.open(spec.from());
    ModelStore to = stores.open(spec.to());
    String key = lease.task().name();
    Digest digest = Digest.parse(lease.task().payload().get("digest").textValue());
    long size = lease.task().payload().get("size").longValue();
    pins.pin(context.job().id(), List.of(key), PIN);
    Outcome outcome = Outcome.SENT;
    if (spec.check()) {
      Optional<Boolean> right = right(to.objects(), key, digest, size, context);
      outcome = right.map(is -> is ? Outcome.REUSED : Outcome.REPLACED).orElse(Outcome.SENT);
    } else if (StoredBytes.present(to.objects(), key, size)) {
      outcome = Outcome.REUSED;
    }
    if (outcome == Outcome.REUSED) {
      context.addBytes(size);
    } else {
      outcome = send(spec, from, to, key, digest, size, outcome, context);
    }
    return JsonNodeFactory.instance.objectNode().put("size", size).put("outcome", outcome.text);
  }

  private Outcome send(
      CopySpec spec,
      ModelStore from,
      ModelStore to,
      String key,
      Digest digest,
      long size,
      Outcome outcome,
      JobContext context)
      throws InterruptedException {
    try (TransferMemory.Buffer buffer = memory.acquire(size)) {
      MemorySegment bytes = buffer.segment();
      ObjectInfo info = from.objects().head(key);
      Optional<Digest> actual =
          info.size() == size
              ? read(from.objects(), info, bytes, digest, context)
              : Optional.empty();
      if (!actual.equals(Optional.of(digest))) {
        throw new CopyException(
            ErrorKind.CORRUPT,
            "object-corrupt",
            "object '%s' of the store '%s' is not what the manifest says: %s, not %s"
                .formatted(
                    key,
                    spec.from(),
                    actual.map(Digest::toString).orElse(info.size() + " bytes"),
                    actual.isPresent() ? digest : size + " bytes"));
      }
      context.check();
      if (outcome == Outcome.REPLACED) {
        to.objects().delete(key);
      }
      boolean stored = to.objects().putIfAbsent(key, bytes);
      context.addBytes(size);
      return stored || outcome == Outcome.REPLACED ? outcome : Outcome.REUSED;
    }
  }

  /** Whether an object is what it should be; empty if it is not there. */
  private Optional<Boolean> right(
      ShardReader store, String key, Digest digest, long size, JobContext context)
      throws InterruptedException {
    ObjectInfo info;
    try {
      info = store.head(key);
    } catch (StorageException e) {
      if (e.kind() == ErrorKind.MISSING) {
        return Optional.empty();
      }
      throw e;
    }
    if (info.size() != size) {
      return Optional.of(false);
    }
    try (TransferMemory.Buffer buffer = memory.acquire(size)) {
      return Optional.of(
          read(store, info, buffer.segment(), digest, context).equals(Optional.of(digest)));
    }
  }

  /** Reads an object until it has the digest, a few times; the digest that it had at last. */
  private Optional<Digest> read(
      ShardReader store, ObjectInfo info, MemorySegment target, Digest digest, JobContext context)
      throws InterruptedException {
    List<ReadAhead.Part> parts = new ArrayList<>();
    for (long at = 0; at < info.size(); at += RANGE) {
      ByteRange range = new ByteRange(at, Math.min(RANGE, info.size() - at));
      parts.add(
          new ReadAhead.Part(info.key(), info.etag(), range, target.asSlice(at, range.length())));
    }
    Digest actual = null;
    for (int attempt = 0; attempt < ATTEMPTS && !digest.equals(actual); attempt++) {
      MessageDigest sha256 = Digest.hasher();
      new ReadAhead(store, reads)
          .run(
              parts,
              (index, part) -> {
                context.check();
                sha256.update(part.target().asByteBuffer());
              });
      actual = Digest.of(sha256.digest());
    }
    return Optional.of(actual);
  }

  @Override
  public CommitOutcome commit(Job job, TaskResults results, JobContext context) {
    CopySpec spec = CopySpec.read(job.request());
    ModelStore from = stores.open(spec.from());
    ModelStore to = stores.open(spec.to());
    String name = spec.model().name();
    ObjectNode answer =
        JsonNodeFactory.instance
            .objectNode()
            .put("model", name)
            .put("from", spec.from())
            .put("to", spec.to());
    ArrayNode versions = answer.putArray("versions");
    for (JsonNode wanted : context.shared().get("versions")) {
      Digest version = Digest.parse(wanted.get("version").textValue());
      ModelManifest manifest = from.manifests().load(name, version);
      List<String> tags = new ArrayList<>();
      wanted.get("tags").forEach(tag -> tags.add(tag.textValue()));
      to.manifests().publish(name, manifest, tags.stream().findFirst(), spec.expected());
      tags.stream()
          .skip(1)
          .forEach(tag -> to.manifests().tag(name, tag, version, Optional.empty()));
      versions.add(wanted);
    }
    pins.unpin(job.id());
    count(results, spec, answer);
    return CommitOutcome.done(answer);
  }

  private static void count(TaskResults results, CopySpec spec, ObjectNode answer) {
    Map<String, long[]> counts = new LinkedHashMap<>();
    for (Outcome outcome : Outcome.values()) {
      counts.put(outcome.text, new long[2]);
    }
    Set<String> workers = new HashSet<>();
    long bytes = 0;
    for (TaskResult result : results) {
      long size = result.result().get("size").longValue();
      long[] count = counts.get(result.result().get("outcome").textValue());
      count[0]++;
      count[1] += size;
      bytes += size;
      workers.add(result.workerId());
    }
    answer.put("objects", results.size()).put("bytes", bytes).put("checked", spec.check());
    counts.forEach(
        (outcome, count) ->
            answer.putObject(outcome).put("objects", count[0]).put("bytes", count[1]));
    FanOut.write(answer, results.size(), workers.size(), OptionalInt.empty());
  }
}
