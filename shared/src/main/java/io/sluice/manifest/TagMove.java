package io.sluice.manifest;

import io.sluice.model.Digest;
import io.sluice.model.InvalidValueException;
import io.sluice.model.ModelRef;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Objects;
import java.util.Optional;

/**
 * One move of a tag. The move of the highest sequence says where the tag is.
 *
 * @param tag the tag
 * @param sequence 1 for the first move, then one more each time
 * @param target the version that the tag names since, nothing if it was taken off
 * @param movedAt when, to the millisecond
 */
public record TagMove(String tag, long sequence, Optional<Digest> target, Instant movedAt) {
  public TagMove {
    Objects.requireNonNull(target, "target");
    ModelRef.checkTag(tag);
    if (sequence <= 0) {
      throw new InvalidValueException(
          "tag-sequence-invalid",
          "the moves of tag '" + tag + "' are numbered from 1, got " + sequence);
    }
    movedAt = movedAt.truncatedTo(ChronoUnit.MILLIS);
  }
}
