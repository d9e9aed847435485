package io.sluice.compute.embed;

import java.util.Locale;

/** How the vectors of the tokens of a text become one. */
public enum Pooling {
  /** Their mean. */
  MEAN,
  /** That of the first token. */
  CLS;

  /** The pooling of a name. */
  static Pooling parse(String name) {
    for (Pooling pooling : values()) {
      if (pooling.text().equals(name)) {
        return pooling;
      }
    }
    throw EmbedException.arguments("the pooling is mean or cls, got '" + name + "'");
  }

  /** What requests call it. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }
}
