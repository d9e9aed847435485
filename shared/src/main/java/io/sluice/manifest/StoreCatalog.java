package io.sluice.manifest;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonGenerator;
import io.sluice.model.ByteRange;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.InvalidValueException;
import io.sluice.model.Keys;
import io.sluice.model.ModelRef;
import io.sluice.model.SluiceException;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ShardStore;
import io.sluice.storage.StorageException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the store says about models: the truth. It holds manifests, moves of tags and delete marks,
 * each written once under a key of its own.
 */
final class StoreCatalog {
  static final String TAG_FORMAT = "tag";
  static final int TAG_VERSION = 1;

  private static final long MAX_TAG_BYTES = 4096;
  private static final Pattern VERSION_KEY =
      Pattern.compile("models/(.+)/(versions|deleted)/([0-9a-f]{64})\\.json");
  private static final Pattern TAG_KEY =
      Pattern.compile("models/(.+)/tags/([^/]+)/(00[0-9]{18})\\.json");

  /** What is listed of a model. */
  static final class Model {
    final String name;
    final NavigableMap<Digest, ObjectInfo> manifests = new TreeMap<>();
    final NavigableMap<Digest, ObjectInfo> marks = new TreeMap<>();
    final NavigableMap<String, NavigableMap<Long, ObjectInfo>> moves = new TreeMap<>();

    Model(String name) {
      this.name = name;
    }

    /** The versions that exist: not marked, or named by a tag all the same. */
    Set<Digest> versions(List<TagMove> tags) {
      Set<Digest> versions = new TreeSet<>(manifests.keySet());
      versions.removeAll(removed(tags));
      return versions;
    }

    /** The versions that are marked and named by no tag. */
    Set<Digest> removed(List<TagMove> tags) {
      Set<Digest> removed = new TreeSet<>(marks.keySet());
      tags.forEach(tag -> tag.target().ifPresent(removed::remove));
      return removed;
    }
  }

  /** A manifest with what the store says about its object. */
  record Stored(ModelManifest manifest, ObjectInfo object) {
    VersionSummary summary(Digest version) {
      return VersionSummary.of(version, manifest, object.size(), object.lastModified());
    }
  }

  private final ShardStore store;
  private final ManifestCodec codec;

  StoreCatalog(ShardStore store, ManifestCodec codec) {
    this.store = store;
    this.codec = codec;
  }

  /** Every model of which anything is stored; {@code alive} is called now and then. */
  Map<String, Model> all(Runnable alive) {
    Map<String, Model> models = new TreeMap<>();
    long[] listed = {0};
    store.list(
        Keys.MODELS,
        object -> {
          add(models, object);
          if (++listed[0] % 1000 == 0) {
            alive.run();
          }
        });
    return models;
  }

  /** One model, which may have nothing. */
  Model one(String name) {
    Map<String, Model> models = new TreeMap<>();
    store.list(Keys.model(name), object -> add(models, object));
    return models.getOrDefault(name, new Model(name));
  }

  /** The moves of a tag by sequence. */
  NavigableMap<Long, ObjectInfo> moves(String name, String tag) {
    Map<String, Model> models = new TreeMap<>();
    store.list(Keys.tag(name, tag), object -> add(models, object));
    return models.getOrDefault(name, new Model(name)).moves.getOrDefault(tag, new TreeMap<>());
  }

  /** The last move of each tag. */
  List<TagMove> tags(Model model) {
    List<TagMove> tags = new ArrayList<>();
    model.moves.forEach((tag, moves) -> tags.add(readMove(tag, moves.lastEntry())));
    return tags;
  }

  /** Reads a move of a tag. */
  TagMove readMove(String tag, Map.Entry<Long, ObjectInfo> entry) {
    ObjectInfo object = entry.getValue();
    if (object.size() > MAX_TAG_BYTES) {
      throw ManifestException.corrupt(
          object.key(), "it has " + object.size() + " bytes, at most " + MAX_TAG_BYTES, null);
    }
    try (StrictJson json =
        new StrictJson(TAG_FORMAT, TAG_VERSION, read(object.key(), object.size()))) {
      Instant movedAt = Instant.parse(json.string("movedAt"));
      Optional<Digest> target =
          json.optionalField("target")
              ? Optional.of(Digest.parse(json.text("target")))
              : Optional.empty();
      json.end();
      return new TagMove(tag, entry.getKey(), target, movedAt);
    } catch (InvalidValueException | ManifestException | DateTimeException e) {
      throw unreadable(object.key(), e);
    }
  }

  /**
   * Stores a move of a tag unless that number is taken: the compare-and-set of tags.
   *
   * @return whether it was stored
   */
  boolean putMove(String name, TagMove move) {
    return put(Keys.tagMove(name, move.tag(), move.sequence()), encode(move));
  }

  static byte[] encode(TagMove move) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (JsonGenerator json = StrictJson.FACTORY.createGenerator(out)) {
      json.writeStartObject();
      json.writeStringField("sluice", TAG_FORMAT);
      json.writeNumberField("version", TAG_VERSION);
      json.writeStringField("movedAt", move.movedAt().toString());
      if (move.target().isPresent()) {
        json.writeStringField("target", move.target().get().toString());
      }
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory does no I/O", e);
    }
    return out.toByteArray();
  }

  /** Marks a version as removed. */
  void putMark(String name, Digest version, Instant at) {
    put(Keys.deleteMark(name, version), encodeMark(at));
  }

  /** A mark counts by being there; what it says is for people. */
  static byte[] encodeMark(Instant at) {
    return ("{\"sluice\":\"delete-mark\",\"version\":1,\"removedAt\":\"" + at + "\"}")
        .getBytes(UTF_8);
  }

  void deleteMark(String name, Digest version) {
    store.delete(Keys.deleteMark(name, version));
  }

  /** Stores a manifest unless it is there. */
  boolean putManifest(String name, Digest version, byte[] document) {
    return put(Keys.manifest(name, version), document);
  }

  /** Reads a manifest and checks it against its digest. */
  Stored readManifest(String name, Digest version) {
    String key = Keys.manifest(name, version);
    try {
      ObjectInfo object = store.head(key);
      codec.checkSize(object.size());
      byte[] document = read(key, object.size());
      Digest actual = Digest.sha256(document);
      if (!actual.equals(version)) {
        throw ManifestException.corrupt(key, "its digest is " + actual, null);
      }
      return new Stored(codec.decode(document), object);
    } catch (StorageException e) {
      if (e.kind() == ErrorKind.MISSING) {
        throw ManifestException.noVersion(name, version);
      }
      throw e;
    } catch (InvalidValueException | ManifestException e) {
      throw unreadable(key, e);
    }
  }

  private boolean put(String key, byte[] bytes) {
    return store.putIfAbsent(key, MemorySegment.ofArray(bytes));
  }

  /** Reads a whole object of a size that was checked. */
  private byte[] read(String key, long size) {
    byte[] bytes = new byte[Math.toIntExact(size)];
    store.read(key, Optional.empty(), new ByteRange(0, size), MemorySegment.ofArray(bytes));
    return bytes;
  }

  /**
   * Names the object; errors that are of the object already, or of its version, stay as they are.
   */
  private static RuntimeException unreadable(String key, RuntimeException e) {
    if (e instanceof ManifestException known && known.kind() == ErrorKind.CORRUPT) {
      return known;
    }
    if (e instanceof SluiceException known && known.code().endsWith("-version-unsupported")) {
      return new ManifestException(
          known.kind(), known.code(), "'" + key + "': " + known.getMessage(), e);
    }
    return ManifestException.corrupt(key, e.getMessage(), e);
  }

  private static void add(Map<String, Model> models, ObjectInfo object) {
    Matcher version = VERSION_KEY.matcher(object.key());
    if (version.matches()) {
      model(models, version.group(1))
          .ifPresent(
              model ->
                  (version.group(2).equals("versions") ? model.manifests : model.marks)
                      .put(new Digest(version.group(3)), object));
      return;
    }
    Matcher move = TAG_KEY.matcher(object.key());
    if (move.matches()) {
      model(models, move.group(1))
          .ifPresent(model -> addMove(model, move.group(2), move.group(3), object));
    }
  }

  private static void addMove(Model model, String tag, String sequence, ObjectInfo object) {
    if (isKnown(() -> ModelRef.checkTag(tag)) && Long.parseLong(sequence) > 0) {
      model.moves.computeIfAbsent(tag, t -> new TreeMap<>()).put(Long.parseLong(sequence), object);
    }
  }

  private static Optional<Model> model(Map<String, Model> models, String name) {
    return isKnown(() -> ModelRef.checkName(name))
        ? Optional.of(models.computeIfAbsent(name, Model::new))
        : Optional.empty();
  }

  /** Whether a key is one that Sluice writes; the others are left alone. */
  private static boolean isKnown(Runnable check) {
    try {
      check.run();
      return true;
    } catch (InvalidValueException e) {
      return false;
    }
  }
}
