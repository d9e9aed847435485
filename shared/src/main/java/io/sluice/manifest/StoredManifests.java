package io.sluice.manifest;

import io.sluice.manifest.ManifestIndex.Change;
import io.sluice.manifest.ManifestIndex.Rebuild;
import io.sluice.manifest.StoreCatalog.Model;
import io.sluice.manifest.StoreCatalog.Stored;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.InvalidValueException;
import io.sluice.model.Keys;
import io.sluice.model.ModelRef;
import io.sluice.model.ShardDescriptor;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ShardStore;
import io.sluice.storage.StorageException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/**
 * Manifests in the store, found through an index. The store is the truth: it is written first, a
 * tag is always looked up there, and the index is brought up to date whenever it is found behind.
 */
public final class StoredManifests implements ManifestRepository {
  private static final Logger LOG = Logger.getLogger(StoredManifests.class);
  private static final int MAX_TAG_ATTEMPTS = 100;
  private static final int MAX_FINISH_ATTEMPTS = 100;
  private static final Duration REBUILD_POLL = Duration.ofMillis(50);
  private static final Duration REBUILD_PATIENCE = Duration.ofMinutes(10);
  private static final int REBUILD_PARALLELISM = 4;

  private final ShardStore store;
  private final ManifestIndex index;
  private final ObjectPins pins;
  private final ManifestCodec codec;
  private final InstantSource clock;
  private final int parallelism;
  private final StoreCatalog catalog;
  private final ManifestCache cache;

  /**
   * @param parallelism largest number of objects that are looked at together
   * @param cacheBytes bytes of manifests that are kept in memory, as documents
   */
  public StoredManifests(
      ShardStore store,
      ManifestIndex index,
      ObjectPins pins,
      ManifestCodec codec,
      InstantSource clock,
      int parallelism,
      long cacheBytes) {
    this.store = Objects.requireNonNull(store, "store");
    this.index = Objects.requireNonNull(index, "index");
    this.pins = Objects.requireNonNull(pins, "pins");
    this.codec = Objects.requireNonNull(codec, "codec");
    this.clock = Objects.requireNonNull(clock, "clock");
    if (parallelism <= 0 || cacheBytes < 0) {
      throw new InvalidValueException(
          "manifest-config-invalid",
          "parallelism is positive and the cache has no negative size, got "
              + parallelism
              + " and "
              + cacheBytes);
    }
    this.parallelism = parallelism;
    this.catalog = new StoreCatalog(store, codec);
    this.cache = new ManifestCache(cacheBytes);
  }

  @Override
  public Published publish(
      String name, ModelManifest manifest, Optional<String> tag, Optional<Digest> expected) {
    ModelRef.checkName(name);
    tag.ifPresent(ModelRef::checkTag);
    byte[] document = codec.encode(manifest);
    Digest version = Digest.sha256(document);
    Map<String, ShardDescriptor> objects = manifest.objects();
    List<String> keys = new ArrayList<>(objects.keySet());
    keys.add(Keys.manifest(name, version));
    try (ObjectPins.Pin pin = pins.pin(keys)) {
      if (tag.isPresent() && expected.isPresent()) {
        // Fails early; the move itself decides.
        checkExpected(name, tag.get(), current(name, tag.get()), Optional.of(version), expected);
      }
      Parallel.forEach(List.copyOf(objects.entrySet()), parallelism, this::checkObject);
      if (!pin.renew()) {
        throw new ManifestException(
            ErrorKind.TRANSIENT,
            "pin-lapsed",
            "checking the shards of '" + name + "' took longer than their pins last");
      }
      boolean created = catalog.putManifest(name, version, document);
      VersionSummary summary = catalog.readManifest(name, version).summary(version);
      catalog.deleteMark(name, version);
      cache.put(Keys.manifest(name, version), manifest, document.length);
      Optional<TagMove> move = tag.map(t -> move(name, t, Optional.of(version), expected));
      List<Change> changes = new ArrayList<>(List.of(new Change.Version(summary)));
      move.ifPresent(moved -> changes.add(new Change.Tag(moved)));
      index.apply(name, changes);
      return new Published(name, version, created, move);
    }
  }

  @Override
  public Resolved resolve(ModelRef ref) {
    if (ref.version().isPresent()) {
      Digest version = ref.version().get();
      if (indexed(() -> index.find(ref.name())).version(version).isEmpty()) {
        heal(storedVersion(ref.name(), version));
      }
      return new Resolved(ref.name(), version);
    }
    String tag = ref.tagOrDefault();
    Optional<Digest> version = current(ref.name(), tag).flatMap(TagMove::target);
    if (version.isEmpty()) {
      model(ref.name());
      throw ManifestException.noTag(ref.name(), tag);
    }
    return new Resolved(ref.name(), version.get());
  }

  @Override
  public ModelManifest load(String name, Digest version) {
    ModelRef.checkName(name);
    String key = Keys.manifest(name, version);
    Optional<ModelManifest> cached = cache.get(key);
    if (cached.isPresent()) {
      return cached.get();
    }
    Stored stored = catalog.readManifest(name, version);
    cache.put(key, stored.manifest(), stored.object().size());
    return stored.manifest();
  }

  @Override
  public List<ModelSummary> list() {
    return indexed(index::list).stream().filter(model -> !model.versions().isEmpty()).toList();
  }

  @Override
  public ModelSummary model(String name) {
    ModelRef.checkName(name);
    ModelSummary known = indexed(() -> index.find(name));
    if (!known.versions().isEmpty()) {
      return known;
    }
    ModelSummary stored = summarize(catalog.one(name), new ArrayList<>(), () -> {});
    if (stored.versions().isEmpty()) {
      throw ManifestException.noModel(name);
    }
    heal(stored);
    return stored;
  }

  @Override
  public List<TagMove> history(String name, String tag) {
    ModelRef.checkName(name);
    ModelRef.checkTag(tag);
    return catalog.moves(name, tag).descendingMap().entrySet().stream()
        .map(move -> catalog.readMove(tag, move))
        .toList();
  }

  @Override
  public TagMove tag(String name, String tag, Digest version, Optional<Digest> expected) {
    ModelRef.checkName(name);
    ModelRef.checkTag(tag);
    try (ObjectPins.Pin pin = pins.pin(List.of(Keys.manifest(name, version)))) {
      ModelSummary stored = storedVersion(name, version);
      if (!pin.renew()) {
        throw new ManifestException(
            ErrorKind.TRANSIENT, "pin-lapsed", "reading " + version + " took longer than its pin");
      }
      TagMove move = move(name, tag, Optional.of(version), expected);
      heal(new ModelSummary(name, stored.versions(), List.of(move)));
      return move;
    }
  }

  @Override
  public Removed remove(ModelRef ref, boolean force) {
    String name = ref.name();
    if (ref.tag().isPresent()) {
      String tag = ref.tag().get();
      NavigableMap<Long, ObjectInfo> moves = catalog.moves(name, tag);
      if (moves.isEmpty() || isOff(tag, moves)) {
        throw ManifestException.noTag(name, tag);
      }
      untag(name, tag, Optional.empty());
      return new Removed(List.of(tag), List.of());
    }
    Model model = catalog.one(name);
    List<TagMove> tags = catalog.tags(model);
    Set<Digest> existing = model.versions(tags);
    if (existing.isEmpty()) {
      throw ManifestException.noModel(name);
    }
    List<Digest> versions = ref.version().map(List::of).orElseGet(() -> List.copyOf(existing));
    if (!existing.containsAll(versions)) {
      throw ManifestException.noVersion(name, versions.getFirst());
    }
    List<TagMove> naming =
        tags.stream().filter(t -> t.target().filter(versions::contains).isPresent()).toList();
    List<String> names = naming.stream().map(TagMove::tag).toList();
    if (!force && !naming.isEmpty()) {
      throw new ManifestException(
          ErrorKind.CONFLICT,
          "version-tagged",
          "'"
              + name
              + ref.version().map(version -> "@" + version).orElse("")
              + "' is still named by the tags "
              + names
              + "; take them off first, or force it");
    }
    naming.forEach(move -> untag(name, move.tag(), move.target()));
    for (Digest version : versions) {
      catalog.putMark(name, version, clock.instant());
      cache.remove(Keys.manifest(name, version));
    }
    index.apply(name, versions.stream().<Change>map(Change.NoVersion::new).toList());
    return new Removed(names, versions);
  }

  @Override
  public Rebuilt rebuild() {
    Instant patience = clock.instant().plus(REBUILD_PATIENCE);
    while (true) {
      Optional<Rebuild> rebuild = index.rebuild();
      if (rebuild.isPresent()) {
        try (Rebuild running = rebuild.get()) {
          return rebuild(running);
        }
      }
      await(patience);
    }
  }

  private Rebuilt rebuild(Rebuild rebuild) {
    Map<String, ModelSummary> models = new TreeMap<>();
    Map<String, List<String>> refused = new TreeMap<>();
    List<Model> next = List.copyOf(catalog.all(rebuild::renew).values());
    for (int attempt = 0; attempt < MAX_FINISH_ATTEMPTS; attempt++) {
      for (Model listed : next) {
        List<String> errors = new ArrayList<>();
        ModelSummary model = summarize(listed, errors, rebuild::renew);
        rebuild.put(model);
        models.put(model.name(), model);
        refused.put(model.name(), errors);
      }
      Set<String> changed = rebuild.finish();
      if (changed.isEmpty()) {
        return rebuilt(models.values(), refused.values());
      }
      next = changed.stream().map(catalog::one).toList();
    }
    throw new ManifestException(
        ErrorKind.TRANSIENT,
        "index-busy",
        "models changed during each of " + MAX_FINISH_ATTEMPTS + " tries to finish the index");
  }

  private static Rebuilt rebuilt(
      Collection<ModelSummary> models, Collection<List<String>> refused) {
    return new Rebuilt(
        (int) models.stream().filter(model -> !model.versions().isEmpty()).count(),
        models.stream().mapToInt(model -> model.versions().size()).sum(),
        (int)
            models.stream()
                .flatMap(model -> model.tags().stream())
                .filter(tag -> tag.target().isPresent())
                .count(),
        refused.stream().flatMap(List::stream).toList());
  }

  /** Asks the index; rebuilds it first if it was lost. */
  private <T> T indexed(Supplier<Optional<T>> question) {
    Instant patience = clock.instant().plus(REBUILD_PATIENCE);
    while (true) {
      Optional<T> answer = question.get();
      if (answer.isPresent()) {
        return answer.get();
      }
      Optional<Rebuild> rebuild = index.rebuild();
      if (rebuild.isEmpty()) {
        await(patience);
        continue;
      }
      try (Rebuild running = rebuild.get()) {
        if (!index.complete()) {
          Rebuilt rebuilt = rebuild(running);
          LOG.infof("The index was lost and is rebuilt from the store: %s", rebuilt);
        }
      }
    }
  }

  /** Waits for the rebuild of somebody else. */
  private void await(Instant patience) {
    if (clock.instant().isAfter(patience)) {
      throw new ManifestException(
          ErrorKind.TRANSIENT,
          "index-incomplete",
          "the index is not rebuilt after " + REBUILD_PATIENCE.toSeconds() + " s");
    }
    try {
      Thread.sleep(REBUILD_POLL);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ManifestException(
          ErrorKind.TRANSIENT, "interrupted", "interrupted while the index is rebuilt", e);
    }
  }

  /** Where a tag is by the store; brings an index that lags up to date. */
  private Optional<TagMove> current(String name, String tag) {
    NavigableMap<Long, ObjectInfo> moves = catalog.moves(name, tag);
    if (moves.isEmpty()) {
      return Optional.empty();
    }
    ModelSummary known = indexed(() -> index.find(name));
    Optional<TagMove> indexed =
        known
            .tag(tag)
            .filter(move -> move.sequence() == moves.lastKey())
            .filter(
                move -> move.target().isEmpty() || known.version(move.target().get()).isPresent());
    if (indexed.isPresent()) {
      return indexed;
    }
    TagMove move = catalog.readMove(tag, moves.lastEntry());
    List<VersionSummary> target =
        move.target().stream().map(version -> summary(name, version)).toList();
    heal(new ModelSummary(name, target, List.of(move)));
    return Optional.of(move);
  }

  /**
   * Moves a tag by storing the move of the next number, which only one writer can.
   *
   * @param target nothing to take the tag off
   */
  private TagMove move(
      String name, String tag, Optional<Digest> target, Optional<Digest> expected) {
    for (int attempt = 0; attempt < MAX_TAG_ATTEMPTS; attempt++) {
      NavigableMap<Long, ObjectInfo> moves = catalog.moves(name, tag);
      Optional<TagMove> current = last(tag, moves, expected.isEmpty());
      if (current.isPresent() && current.get().target().equals(target)) {
        return current.get();
      }
      checkExpected(name, tag, current, target, expected);
      long sequence = moves.isEmpty() ? 1 : moves.lastKey() + 1;
      TagMove move = new TagMove(tag, sequence, target, clock.instant());
      if (catalog.putMove(name, move)) {
        return move;
      }
    }
    throw new ManifestException(
        ErrorKind.TRANSIENT,
        "tag-busy",
        "tag '"
            + tag
            + "' of model '"
            + name
            + "' was moved by others during each of "
            + MAX_TAG_ATTEMPTS
            + " tries");
  }

  /** The last move; one that cannot be read is stepped over if it does not matter. */
  private Optional<TagMove> last(
      String tag, NavigableMap<Long, ObjectInfo> moves, boolean stepOver) {
    if (moves.isEmpty()) {
      return Optional.empty();
    }
    try {
      return Optional.of(catalog.readMove(tag, moves.lastEntry()));
    } catch (ManifestException e) {
      if (stepOver && e.kind() == ErrorKind.CORRUPT) {
        LOG.warnf("Moving a tag over its unreadable last move: %s", e.getMessage());
        return Optional.empty();
      }
      throw e;
    }
  }

  private boolean isOff(String tag, NavigableMap<Long, ObjectInfo> moves) {
    return last(tag, moves, true).filter(move -> move.target().isEmpty()).isPresent();
  }

  private void untag(String name, String tag, Optional<Digest> expected) {
    TagMove move = move(name, tag, Optional.empty(), expected);
    index.apply(name, List.of(new Change.Tag(move)));
  }

  private static void checkExpected(
      String name,
      String tag,
      Optional<TagMove> current,
      Optional<Digest> target,
      Optional<Digest> expected) {
    Optional<Digest> actual = current.flatMap(TagMove::target);
    if (expected.isPresent() && !actual.equals(expected) && !actual.equals(target)) {
      throw new ManifestException(
          ErrorKind.CONFLICT,
          "tag-moved",
          "tag '"
              + tag
              + "' of model '"
              + name
              + "' was expected to name "
              + expected.get()
              + " but names "
              + actual.map(Digest::toString).orElse("nothing"));
    }
  }

  /** Checks that an object of the version is there in its size. */
  private void checkObject(Map.Entry<String, ShardDescriptor> object) {
    long size;
    try {
      size = store.head(object.getKey()).size();
    } catch (StorageException e) {
      if (e.kind() != ErrorKind.MISSING) {
        throw e;
      }
      throw new ManifestException(
          ErrorKind.MISSING,
          "shard-missing",
          "cannot publish: there is no '"
              + object.getKey()
              + "' of "
              + object.getValue().size()
              + " bytes in the store",
          e);
    }
    if (size != object.getValue().size()) {
      throw new ManifestException(
          ErrorKind.CORRUPT,
          "shard-size-wrong",
          "cannot publish: '"
              + object.getKey()
              + "' has "
              + size
              + " bytes in the store, not "
              + object.getValue().size());
    }
  }

  /** A version that exists by the store, with the model's tags. */
  private ModelSummary storedVersion(String name, Digest version) {
    Model model = catalog.one(name);
    List<TagMove> tags = catalog.tags(model);
    if (!model.versions(tags).contains(version)) {
      throw ManifestException.noVersion(name, version);
    }
    return new ModelSummary(name, List.of(summary(name, version)), tags);
  }

  private VersionSummary summary(String name, Digest version) {
    return catalog.readManifest(name, version).summary(version);
  }

  /** What the store says of a model; what cannot be read goes to {@code refused}. */
  private ModelSummary summarize(Model model, List<String> refused, Runnable alive) {
    List<TagMove> tags = new ArrayList<>();
    model.moves.forEach(
        (tag, moves) ->
            readable(() -> catalog.readMove(tag, moves.lastEntry()), refused).ifPresent(tags::add));
    List<VersionSummary> versions = Collections.synchronizedList(new ArrayList<>());
    List<String> errors = Collections.synchronizedList(new ArrayList<>());
    Parallel.forEach(
        List.copyOf(model.versions(tags)),
        REBUILD_PARALLELISM,
        version -> {
          readable(() -> summary(model.name, version), errors).ifPresent(versions::add);
          alive.run();
        });
    errors.stream().sorted().forEach(refused::add);
    return new ModelSummary(model.name, versions, tags);
  }

  private static <T> Optional<T> readable(Supplier<T> read, List<String> refused) {
    try {
      return Optional.of(read.get());
    } catch (ManifestException e) {
      if (e.kind() == ErrorKind.TRANSIENT) {
        throw e;
      }
      if (e.kind() != ErrorKind.MISSING) {
        // MISSING: collected since it was listed.
        refused.add(e.getMessage());
      }
      return Optional.empty();
    }
  }

  /** Tells the index what the store says. */
  private void heal(ModelSummary stored) {
    List<Change> changes = new ArrayList<>();
    stored.versions().forEach(version -> changes.add(new Change.Version(version)));
    stored.tags().forEach(move -> changes.add(new Change.Tag(move)));
    index.apply(stored.name(), changes);
  }
}
