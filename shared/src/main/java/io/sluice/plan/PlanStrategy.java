package io.sluice.plan;

import io.sluice.model.InvalidValueException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** How the tensors of a model are cut into shards. */
public enum PlanStrategy {
  /** Shards up to a number of bytes. */
  SIZE,
  /** A number of shards of about equal bytes. */
  COUNT,
  /** The tensors of a layer together. */
  LAYER;

  /** The strategy of that name, {@code size}, {@code count} or {@code layer}. */
  public static PlanStrategy parse(String text) {
    for (PlanStrategy strategy : values()) {
      if (strategy.text().equals(text)) {
        return strategy;
      }
    }
    throw new InvalidValueException(
        "plan-invalid",
        "a plan's strategy is one of "
            + Arrays.stream(values()).map(PlanStrategy::text).collect(Collectors.joining(", "))
            + ", got '"
            + text
            + "'");
  }

  /** The name in requests and manifests. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }
}
