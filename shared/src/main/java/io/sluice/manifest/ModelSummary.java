package io.sluice.manifest;

import io.sluice.model.Digest;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A model in brief.
 *
 * @param name the model
 * @param versions its versions that are not removed, newest first
 * @param tags the last move of each of its tags, in order of tag; those without a target are taken
 *     off
 */
public record ModelSummary(String name, List<VersionSummary> versions, List<TagMove> tags) {
  private static final Comparator<VersionSummary> NEWEST_FIRST =
      Comparator.comparing(VersionSummary::createdAt)
          .reversed()
          .thenComparing(VersionSummary::version);

  public ModelSummary {
    Objects.requireNonNull(name, "name");
    versions = versions.stream().sorted(NEWEST_FIRST).toList();
    tags = tags.stream().sorted(Comparator.comparing(TagMove::tag)).toList();
  }

  /** The version of that digest, if the model has it. */
  public Optional<VersionSummary> version(Digest version) {
    return versions.stream().filter(v -> v.version().equals(version)).findFirst();
  }

  /** The last move of a tag. */
  public Optional<TagMove> tag(String tag) {
    return tags.stream().filter(t -> t.tag().equals(tag)).findFirst();
  }

  /** The tags that name a version, in order. */
  public List<String> tagsOf(Digest version) {
    return tags.stream()
        .filter(t -> t.target().filter(version::equals).isPresent())
        .map(TagMove::tag)
        .toList();
  }
}
