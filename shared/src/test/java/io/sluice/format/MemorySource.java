package io.sluice.format;

import io.sluice.model.ByteRange;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;

/** A file in memory, which counts what is read of it and refuses ranges that leave it. */
final class MemorySource implements ByteSource {
  private final String path;
  private final byte[] bytes;
  private long bytesRead;

  MemorySource(String path, byte[] bytes) {
    this.path = path;
    this.bytes = bytes;
  }

  static List<ByteSource> of(Map<String, byte[]> files) {
    return files.entrySet().stream()
        .map(file -> (ByteSource) new MemorySource(file.getKey(), file.getValue()))
        .toList();
  }

  @Override
  public String path() {
    return path;
  }

  @Override
  public long size() {
    return bytes.length;
  }

  @Override
  public void read(ByteRange range, MemorySegment target) {
    if (range.end() > bytes.length) {
      throw new AssertionError(range + " leaves a file of " + bytes.length);
    }
    bytesRead += range.length();
    MemorySegment.copy(
        bytes, (int) range.offset(), target, ValueLayout.JAVA_BYTE, 0, (int) range.length());
  }

  long bytesRead() {
    return bytesRead;
  }
}
