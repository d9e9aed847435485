package io.sluice.model;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;

class Crc32cTest {
  private static int of(byte[] bytes, int from, int to) {
    return Crc32c.of(MemorySegment.ofArray(bytes).asSlice(from, to - from));
  }

  @Test
  void theCheckValueOfTheStandard() {
    byte[] digits = "123456789".getBytes(US_ASCII);
    assertThat(of(digits, 0, 9)).isEqualTo(0xE3069283);
    // as S3 and others show it
    assertThat(Crc32c.toBase64(0xE3069283)).isEqualTo("4waSgw==");
    assertThat(Crc32c.fromBase64("4waSgw==")).isEqualTo(0xE3069283);
  }

  @Test
  void anyKindOfMemoryHasOne() {
    Random random = new Random(2);
    long[] longs = random.longs(20_000).toArray();
    MemorySegment heap = MemorySegment.ofArray(longs);
    byte[] bytes = heap.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    assertThat(Crc32c.of(heap)).isEqualTo(of(bytes, 0, bytes.length));
    try (java.lang.foreign.Arena arena = java.lang.foreign.Arena.ofConfined()) {
      MemorySegment off = arena.allocate(bytes.length).copyFrom(heap);
      assertThat(Crc32c.of(off)).isEqualTo(of(bytes, 0, bytes.length));
    }
  }

  @Test
  void theChecksumOfAWholeFollowsFromThoseOfItsParts() {
    Random random = new Random(1);
    byte[] bytes = new byte[70_000];
    random.nextBytes(bytes);
    for (int i = 0; i < 200; i++) {
      int end = random.nextInt(bytes.length + 1);
      int cut = random.nextInt(end + 1);
      assertThat(Crc32c.combine(of(bytes, 0, cut), of(bytes, cut, end), end - cut))
          .as("%d of %d", cut, end)
          .isEqualTo(of(bytes, 0, end));
    }
  }

  /** Of zeros there may be as many as one likes: the checksum is joined by doubling. */
  @Test
  void aRunMayHaveMoreThanFourGigabytes() {
    int half = of(new byte[1 << 20], 0, 1 << 20);
    long length = 1 << 20;
    int first = of(new byte[] {1, 2, 3}, 0, 3);
    int doubled = half;
    int stepwise = first;
    for (int i = 0; i < 14; i++) {
      stepwise = Crc32c.combine(stepwise, doubled, length);
      doubled = Crc32c.combine(doubled, doubled, length);
      length *= 2;
    }
    // 3 bytes, then 2^20 (1 + 2 + ... + 2^13) zeros
    int zeros = half;
    long many = 1 << 20;
    for (long i = 1; i < (1 << 14) - 1; i++) {
      zeros = Crc32c.combine(zeros, half, 1 << 20);
      many += 1 << 20;
    }
    assertThat(many).isGreaterThan(1L << 33);
    assertThat(Crc32c.combine(first, zeros, many)).isEqualTo(stepwise);
  }

  @Test
  void whatIsNoChecksumIsRefused() {
    for (String bad : new String[] {"", "4waSgw", "4waSgwAA", "====", "a b c d=", "4waSgx=="}) {
      assertThatThrownBy(() -> Crc32c.fromBase64(bad))
          .as(bad)
          .isInstanceOf(InvalidValueException.class);
    }
    assertThatThrownBy(() -> Crc32c.combine(1, 2, -1)).hasMessageContaining("-1");
  }
}
