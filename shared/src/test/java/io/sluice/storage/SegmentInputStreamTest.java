package io.sluice.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SegmentInputStreamTest {
  @Test
  void streamsTheBytesOfAnySegment() throws IOException {
    byte[] bytes = new byte[10_000];
    new Random(3).nextBytes(bytes);
    try (Arena arena = Arena.ofConfined();
        SegmentInputStream in =
            new SegmentInputStream(arena.allocate(10_000).copyFrom(MemorySegment.ofArray(bytes)))) {
      assertThat(in.read()).isEqualTo(bytes[0] & 0xff);
      in.mark(1);
      assertThat(in.readAllBytes()).hasSize(9_999);
      assertThat(in.read()).isEqualTo(-1);
      assertThat(in.available()).isZero();
      in.reset();
      assertThat(in.skip(99)).isEqualTo(99);
      assertThat(in.read()).isEqualTo(bytes[100] & 0xff);
      assertThat(in.skip(1L << 40)).isEqualTo(9_899);
      assertThat(in.skip(-5)).isZero();
      assertThat(in.read(new byte[0])).isZero();
    }
  }

  @Test
  void goesBeyondTwoGigabytes(@TempDir Path folder) throws IOException {
    long size = (3L << 30) + 2;
    try (FileChannel sparse =
            FileChannel.open(
                folder.resolve("sparse"),
                StandardOpenOption.CREATE_NEW,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE);
        Arena arena = Arena.ofConfined()) {
      MemorySegment mapped = sparse.map(FileChannel.MapMode.READ_WRITE, 0, size, arena);
      mapped.set(ValueLayout.JAVA_BYTE, size - 1, (byte) -2);
      try (SegmentInputStream in = new SegmentInputStream(mapped)) {
        assertThat(in.available()).isEqualTo(Integer.MAX_VALUE);
        assertThat(in.skip(size - 2)).isEqualTo(size - 2);
        assertThat(in.read()).isZero();
        assertThat(in.read()).isEqualTo(0xfe);
        assertThat(in.read()).isEqualTo(-1);
      }
    }
  }
}
