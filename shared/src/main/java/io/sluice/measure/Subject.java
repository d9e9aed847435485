package io.sluice.measure;

import java.io.IOException;

/** Somebody whose transfers are measured, round by round, in a process of its own. */
public interface Subject extends AutoCloseable {
  /** Transfers everything once and measures it; cleaning up afterwards is not measured. */
  Round round() throws Exception;

  @Override
  default void close() throws IOException {}
}
