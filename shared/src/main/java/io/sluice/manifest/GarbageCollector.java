package io.sluice.manifest;

import io.sluice.manifest.ManifestIndex.Change;
import io.sluice.manifest.StoreCatalog.Model;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.InvalidValueException;
import io.sluice.model.Keys;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ShardStore;
import io.sluice.storage.UnfinishedWrite;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * Deletes what no version reaches: mark and sweep over the store.
 *
 * <p>A version that was removed loses its manifest first, then the shards and skeletons that no
 * other version has; so at no moment is there a manifest without its shards. The rules that keep it
 * safe beside uploads that are running:
 *
 * <ul>
 *   <li>If any manifest of a version that exists cannot be read, nothing is deleted.
 *   <li>An object younger than the grace period stays.
 *   <li>An object is claimed before it is deleted; what is pinned cannot be claimed. After the
 *       claims the store is asked for new versions once more: who published before the claim is
 *       seen, who wants to publish after it cannot pin.
 *   <li>What is not named like an object of Sluice stays.
 *   <li>Parts of an object whose writer was killed go when they are older than the grace period.
 * </ul>
 */
public final class GarbageCollector {
  private static final Pattern SHARD = Pattern.compile("shards/[0-9a-f]{64}\\.safetensors");
  private static final Pattern SKELETON = Pattern.compile("skeletons/[0-9a-f]{64}\\.bin");
  private static final Pattern SCRATCH = Pattern.compile("scratch/[0-9a-z/-]{1,256}\\.bin");
  private static final int BATCH = 200;

  /**
   * How to collect.
   *
   * @param grace objects younger than this stay, by the store's clock
   * @param keptMoves number of moves of each tag that stay as its history, at least the last
   * @param dryRun whether to tell only
   */
  public record Options(Duration grace, int keptMoves, boolean dryRun) {
    public Options {
      Objects.requireNonNull(grace, "grace");
      if (grace.isNegative() || keptMoves < 1) {
        throw new InvalidValueException(
            "gc-options-invalid",
            "the grace period is not negative and at least one move of a tag is kept, got "
                + grace
                + " and "
                + keptMoves);
      }
    }
  }

  /**
   * What was done, or would be.
   *
   * @param dryRun whether nothing was deleted
   * @param deletedObjects number of objects deleted, of all kinds
   * @param deletedBytes their bytes
   * @param keptObjects number of shards and skeletons that stay
   * @param keptBytes their bytes
   * @param pinned number of objects that stay only because somebody pinned them
   * @param young number of objects that stay only because of their age
   * @param unfinished number of writes that were given up: their writers were killed
   * @param versions the versions that are gone for good, as {@code name@sha256:…}
   */
  public record Report(
      boolean dryRun,
      long deletedObjects,
      long deletedBytes,
      long keptObjects,
      long keptBytes,
      long pinned,
      long young,
      long unfinished,
      List<String> versions) {
    public Report {
      versions = List.copyOf(versions);
    }
  }

  private final ShardStore store;
  private final ManifestIndex index;
  private final ObjectPins pins;
  private final StoreCatalog catalog;
  private final InstantSource clock;

  public GarbageCollector(
      ShardStore store,
      ManifestIndex index,
      ObjectPins pins,
      ManifestCodec codec,
      InstantSource clock) {
    this.store = Objects.requireNonNull(store, "store");
    this.index = Objects.requireNonNull(index, "index");
    this.pins = Objects.requireNonNull(pins, "pins");
    this.catalog = new StoreCatalog(store, codec);
    this.clock = Objects.requireNonNull(clock, "clock");
  }

  /**
   * Collects.
   *
   * @param deleted called with every object that is, or would be, deleted
   * @throws ManifestException CORRUPT {@code manifest-corrupt} if a version cannot be read; nothing
   *     is deleted then
   */
  public Report collect(Options options, Consumer<ObjectInfo> deleted) {
    return new Run(options, deleted).collect();
  }

  /** One collection. */
  private final class Run {
    private final Options options;
    private final Consumer<ObjectInfo> onDeleted;
    private final Instant youngest;

    /** Keys that a version reaches. */
    private final Set<String> live = new HashSet<>();

    /** Keys of the manifests that were followed. */
    private final Set<String> followed = new HashSet<>();

    private final List<String> versions = new ArrayList<>();
    private long unfinished;
    private long deletedObjects;
    private long deletedBytes;
    private long keptObjects;
    private long keptBytes;
    private long pinned;
    private long young;

    Run(Options options, Consumer<ObjectInfo> onDeleted) {
      this.options = options;
      this.onDeleted = onDeleted;
      this.youngest = clock.instant().minus(options.grace());
    }

    Report collect() {
      Collection<Model> models = mark();
      models.forEach(this::collectVersions);
      sweep(Keys.SHARDS, SHARD);
      sweep(Keys.SKELETONS, SKELETON);
      sweep(Keys.SCRATCH, SCRATCH);
      abandon(Keys.SHARDS, SHARD);
      abandon(Keys.SKELETONS, SKELETON);
      models.forEach(this::pruneMoves);
      return new Report(
          options.dryRun(),
          deletedObjects,
          deletedBytes,
          keptObjects,
          keptBytes,
          pinned,
          young,
          unfinished,
          versions);
    }

    /** Lists the models and follows the manifests of all versions that exist now. */
    private Collection<Model> mark() {
      Collection<Model> models = catalog.all(() -> {}).values();
      for (Model model : models) {
        model.versions(catalog.tags(model)).forEach(version -> follow(model.name, version));
      }
      return models;
    }

    private void follow(String name, Digest version) {
      String key = Keys.manifest(name, version);
      if (followed.contains(key)) {
        return;
      }
      try {
        live.addAll(catalog.readManifest(name, version).manifest().objects().keySet());
        followed.add(key);
      } catch (ManifestException e) {
        // MISSING: removed and collected by somebody else since it was listed.
        if (e.kind() != ErrorKind.MISSING) {
          throw e;
        }
      }
    }

    /** Deletes the manifests and marks of the removed versions of a model. */
    private void collectVersions(Model model) {
      List<Digest> removed = List.copyOf(model.removed(catalog.tags(model)));
      for (int from = 0; from < removed.size(); from += BATCH) {
        List<Digest> batch = removed.subList(from, Math.min(removed.size(), from + BATCH));
        List<Digest> claimed = new ArrayList<>();
        try {
          for (Digest version : batch) {
            if (pins.beginDelete(Keys.manifest(model.name, version))) {
              claimed.add(version);
            } else {
              pinned++;
              follow(model.name, version);
            }
          }
          Model now = catalog.one(model.name);
          Set<Digest> stillRemoved = now.removed(catalog.tags(now));
          claimed.stream()
              .filter(stillRemoved::contains)
              .forEach(version -> collectVersion(now, version));
        } finally {
          claimed.forEach(version -> pins.endDelete(Keys.manifest(model.name, version)));
        }
      }
    }

    private void collectVersion(Model model, Digest version) {
      ObjectInfo manifest = model.manifests.get(version);
      if (manifest != null) {
        delete(manifest);
        versions.add(model.name + "@" + version);
      }
      delete(model.marks.get(version));
      if (!options.dryRun()) {
        index.apply(model.name, List.of(new Change.NoVersion(version)));
      }
    }

    /** Deletes the objects under a prefix that nothing reaches. */
    private void sweep(String prefix, Pattern known) {
      Deque<ObjectInfo> candidates = new ArrayDeque<>();
      store.list(
          prefix,
          object -> {
            if (!known.matcher(object.key()).matches()) {
              return;
            }
            if (live.contains(object.key())) {
              keep(object);
            } else if (object.lastModified().isAfter(youngest)) {
              young++;
              keep(object);
            } else {
              candidates.add(object);
            }
          });
      while (!candidates.isEmpty()) {
        List<ObjectInfo> batch = new ArrayList<>();
        while (batch.size() < BATCH && !candidates.isEmpty()) {
          batch.add(candidates.poll());
        }
        List<ObjectInfo> late = sweep(batch);
        if (late.size() == batch.size()) {
          throw new ManifestException(
              ErrorKind.TRANSIENT,
              "gc-too-slow",
              "listing all models takes longer than half of the "
                  + pins.deleteTtl()
                  + " for which objects can be claimed");
        }
        candidates.addAll(late);
      }
    }

    /** Deletes what of the batch can be claimed; returns what there was no time for. */
    private List<ObjectInfo> sweep(List<ObjectInfo> batch) {
      long deadline = System.nanoTime() + pins.deleteTtl().toNanos() / 2;
      List<ObjectInfo> claimed = new ArrayList<>();
      List<ObjectInfo> late = new ArrayList<>();
      try {
        for (ObjectInfo object : batch) {
          if (pins.beginDelete(object.key())) {
            claimed.add(object);
          } else {
            pinned++;
            keep(object);
          }
        }
        mark();
        for (ObjectInfo object : claimed) {
          if (live.contains(object.key())) {
            keep(object);
          } else if (System.nanoTime() - deadline > 0) {
            late.add(object);
          } else {
            delete(object);
          }
        }
      } finally {
        claimed.forEach(object -> pins.endDelete(object.key()));
      }
      return late;
    }

    /** Gives up old writes of objects that nobody has pinned: their writer is gone. */
    private void abandon(String prefix, Pattern known) {
      List<UnfinishedWrite> old = new ArrayList<>();
      store.unfinished(
          prefix,
          write -> {
            if (known.matcher(write.key()).matches() && !write.begun().isAfter(youngest)) {
              old.add(write);
            }
          });
      for (UnfinishedWrite write : old) {
        if (!pins.beginDelete(write.key())) {
          pinned++;
          continue;
        }
        try {
          if (!options.dryRun()) {
            store.abandon(write);
          }
          unfinished++;
        } finally {
          pins.endDelete(write.key());
        }
      }
    }

    /** Deletes old moves of tags, never the last. */
    private void pruneMoves(Model model) {
      for (NavigableMap<Long, ObjectInfo> moves : model.moves.values()) {
        moves.values().stream()
            .limit(Math.max(0, moves.size() - options.keptMoves()))
            .filter(move -> !move.lastModified().isAfter(youngest))
            .forEach(this::delete);
      }
    }

    private void keep(ObjectInfo object) {
      keptObjects++;
      keptBytes += object.size();
    }

    private void delete(ObjectInfo object) {
      if (!options.dryRun()) {
        store.delete(object.key());
      }
      deletedObjects++;
      deletedBytes += object.size();
      onDeleted.accept(object);
    }
  }
}
