package io.sluice.http;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/** A connected byte stream. One thread uses it at a time; {@link #close} may come from any. */
interface Wire extends Closeable {
  /**
   * Waits for bytes.
   *
   * @param target with room
   * @return how many came, at least 1, or -1 at the end of the stream
   */
  int read(ByteBuffer target) throws IOException;

  /**
   * Waits for bytes, but not for long.
   *
   * @return how many came, -1 at the end of the stream, 0 if none came in time
   */
  int read(ByteBuffer target, int millis) throws IOException;

  /** Writes all that remains in the buffers, one after the other. */
  void write(ByteBuffer... sources) throws IOException;
}
