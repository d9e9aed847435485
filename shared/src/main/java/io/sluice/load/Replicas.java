package io.sluice.load;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * On how many workers each shard is loaded.
 *
 * @param count 1 to {@value #MAX}; empty for all workers that live when the load is planned
 */
public record Replicas(OptionalInt count) {
  /** Most that can be asked for. */
  public static final int MAX = 10_000;

  /** Each shard on one worker. */
  public static final Replicas ONE = of(1);

  /** Each shard on every worker. */
  public static final Replicas ALL = new Replicas(OptionalInt.empty());

  private static final String ALL_TEXT = "all";

  public Replicas {
    Objects.requireNonNull(count, "count");
    if (count.isPresent() && (count.getAsInt() < 1 || count.getAsInt() > MAX)) {
      throw invalid(Integer.toString(count.getAsInt()));
    }
  }

  /** Each shard on so many workers. */
  public static Replicas of(int count) {
    return new Replicas(OptionalInt.of(count));
  }

  /** Reads a number or {@code "all"}. */
  public static Replicas read(JsonNode json) {
    if (json.isTextual() && json.textValue().equals(ALL_TEXT)) {
      return ALL;
    }
    if (!json.isIntegralNumber() || !json.canConvertToInt()) {
      String text = json.toString();
      throw invalid(text.length() > 80 ? text.substring(0, 80) + "…" : text);
    }
    return of(json.intValue());
  }

  /** What {@link #read} reads. */
  public JsonNode toJson() {
    return count.isPresent() ? IntNode.valueOf(count.getAsInt()) : TextNode.valueOf(ALL_TEXT);
  }

  /** The number of them where so many workers live. */
  public int among(int workers) {
    return count.orElse(Math.max(1, workers));
  }

  private static SluiceException invalid(String got) {
    return new SluiceException(
        ErrorKind.INVALID,
        "field-invalid",
        "replicas are a whole number from 1 to " + MAX + " or \"all\", got " + got);
  }
}
