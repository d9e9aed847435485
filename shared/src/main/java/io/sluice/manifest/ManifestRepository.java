package io.sluice.manifest;

import io.sluice.model.Digest;
import io.sluice.model.ModelRef;
import java.util.List;
import java.util.Optional;

/**
 * Models, their versions and tags. Nothing is visible before it is whole, and nothing that was
 * published depends on memory other than the store's.
 *
 * <p>A version that a tag names exists, whatever else is said of it; one that no tag names exists
 * until it is removed.
 */
public interface ManifestRepository {
  /**
   * Makes a version visible, then moves the tag to it. Its shards and skeletons must be in the
   * store; each is checked to be there in its size, so S is checked too. Publishing what exists
   * already changes nothing but the tag; publishing a removed version brings it back. Repeating a
   * call that failed half-way is safe.
   *
   * @param name the model
   * @param manifest the version
   * @param tag the tag to move
   * @param expected if present, the tag must name this version (or already the new one), else
   *     CONFLICT
   * @throws ManifestException MISSING {@code shard-missing} or CORRUPT {@code shard-size-wrong};
   *     CONFLICT {@code tag-moved}
   */
  Published publish(
      String name, ModelManifest manifest, Optional<String> tag, Optional<Digest> expected);

  /**
   * What a reference names now.
   *
   * @throws ManifestException MISSING {@code model-missing}, {@code tag-missing} or {@code
   *     version-missing}
   */
  Resolved resolve(ModelRef ref);

  /**
   * The manifest of a version, checked against its digest.
   *
   * @throws ManifestException MISSING {@code version-missing}; CORRUPT {@code manifest-corrupt}
   */
  ModelManifest load(String name, Digest version);

  /** Every model that has a version, in order of name. */
  List<ModelSummary> list();

  /**
   * One model.
   *
   * @throws ManifestException MISSING {@code model-missing}
   */
  ModelSummary model(String name);

  /** The moves of a tag that are still kept, newest first; empty if it was never set. */
  List<TagMove> history(String name, String tag);

  /**
   * Moves a tag to a version.
   *
   * @param expected if present, the tag must name this version (or already the new one)
   * @throws ManifestException MISSING {@code version-missing}; CONFLICT {@code tag-moved}, which
   *     names both versions
   */
  TagMove tag(String name, String tag, Digest version, Optional<Digest> expected);

  /**
   * Removes what a reference names: a tag, a version, or, if it names neither, the whole model.
   * Removing marks; the garbage collector deletes.
   *
   * @param force whether tags that name a removed version are taken off; if not, they are a
   *     CONFLICT {@code version-tagged}
   */
  Removed remove(ModelRef ref, boolean force);

  /** Rebuilds the index from the store alone. Readers see the old index until it is done. */
  Rebuilt rebuild();

  /**
   * A version that was published.
   *
   * @param name the model
   * @param version its version
   * @param created whether the version is new in this model
   * @param tag the last move of the tag, if one was given
   */
  record Published(String name, Digest version, boolean created, Optional<TagMove> tag) {}

  /** A version of a model. */
  record Resolved(String name, Digest version) {}

  /** Tags that were taken off and versions that were marked. */
  record Removed(List<String> tags, List<Digest> versions) {}

  /**
   * What a rebuild found.
   *
   * @param models number of models that have a version
   * @param versions number of versions
   * @param tags number of tags that name a version
   * @param refused what could not be read, each with its key; the rest is in the index
   */
  record Rebuilt(int models, int versions, int tags, List<String> refused) {}
}
