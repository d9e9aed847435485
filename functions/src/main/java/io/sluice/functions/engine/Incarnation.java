package io.sluice.functions.engine;

import jakarta.inject.Singleton;
import java.util.UUID;

/** The identity of this start of the process: what an earlier one held in memory is gone. */
@Singleton
public class Incarnation {
  private final String id = UUID.randomUUID().toString();

  /** Differs each time the process starts. */
  public String id() {
    return id;
  }
}
