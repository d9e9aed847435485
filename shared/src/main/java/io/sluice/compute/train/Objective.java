package io.sluice.compute.train;

import io.sluice.compute.ComputeException;
import java.util.Locale;

/** What is learned. */
enum Objective {
  /** Multinomial logistic regression: the cross entropy of the classes is minimised. */
  SOFTMAX,
  /** Linear regression: half the squared distance from the targets is minimised. */
  LINEAR;

  String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  static Objective of(String text) {
    for (Objective objective : values()) {
      if (objective.text().equals(text)) {
        return objective;
      }
    }
    throw ComputeException.invalidArguments("'task' is softmax or linear, got '" + text + "'");
  }
}
