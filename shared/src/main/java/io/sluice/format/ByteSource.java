package io.sluice.format;

import io.sluice.model.ByteRange;
import java.lang.foreign.MemorySegment;

/** A source file that a format reader looks into by ranges, wherever it lies. */
public interface ByteSource {
  /** Path inside the model, with forward slashes, such as {@code model.safetensors}. */
  String path();

  /** Bytes of the file. */
  long size();

  /**
   * Reads exactly {@code range}, which lies inside the file, into the first bytes of the target.
   */
  void read(ByteRange range, MemorySegment target);
}
