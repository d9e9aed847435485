package io.sluice.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;

class SummaryTest {
  @Test
  void medianQuartilesAndExtremes() {
    assertThat(Summary.of(5, 1, 4, 2, 3)).isEqualTo(new Summary(3, 2, 4, 1, 5));
    assertThat(Summary.of(1, 2)).isEqualTo(new Summary(1.5, 1.25, 1.75, 1, 2));
    assertThat(Summary.of(7)).isEqualTo(new Summary(7, 7, 7, 7, 7));
    assertThatThrownBy(Summary::of).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aRoundIsCountedInDecimalAndBinaryAsIsUsual() {
    Round round = new Round(1L << 30, 0.5, 0.25, -1, -1, 0, 0, 0);
    assertThat(round.gigabytesPerSecond()).isEqualTo(2.147483648);
    assertThat(round.cpuPerGib()).isEqualTo(0.25);
  }

  @Test
  void generatedBytesAreTheSameFromAnyOffsetAndDoNotCompress() throws IOException {
    byte[] whole = new byte[1 << 20];
    GeneratedBytes.fill(3, 0, MemorySegment.ofArray(whole));
    byte[] part = new byte[1000];
    GeneratedBytes.fill(3, 524_288 + 8, MemorySegment.ofArray(part));
    assertThat(part).isEqualTo(Arrays.copyOfRange(whole, 524_296, 525_296));
    byte[] other = new byte[1000];
    GeneratedBytes.fill(4, 0, MemorySegment.ofArray(other));
    assertThat(other).isNotEqualTo(Arrays.copyOf(whole, 1000));
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(packed)) {
      gzip.write(whole);
    }
    assertThat(packed.size()).isGreaterThan(whole.length);
    // Fixed, so that a model of today is the model of tomorrow.
    assertThat(io.sluice.model.Digest.sha256(whole).shortHex()).isEqualTo("dcad85eb97d2");
  }
}
