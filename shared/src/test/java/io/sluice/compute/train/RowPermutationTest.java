package io.sluice.compute.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class RowPermutationTest {
  @Test
  void everyElementComesOnce() {
    for (int size = 1; size <= 300; size++) {
      RowPermutation order = new RowPermutation(size, 40 + size);
      assertThat(LongStream.range(0, size).map(order::at).sorted().toArray())
          .isEqualTo(LongStream.range(0, size).toArray());
    }
    RowPermutation order = new RowPermutation(100_003, 1);
    assertThat(LongStream.range(0, 100_003).map(order::at).distinct().count()).isEqualTo(100_003);
    RowPermutation huge = new RowPermutation(1L << 60, 1);
    assertThat(huge.at((1L << 60) - 1)).isBetween(0L, (1L << 60) - 1);
  }

  @Test
  void theSameForASeedAndAnotherForAnother() {
    long[] once = order(1_000, RowPermutation.seed(7, 0));
    assertThat(order(1_000, RowPermutation.seed(7, 0))).isEqualTo(once);
    assertThat(Arrays.copyOf(once, 4)).as("frozen").containsExactly(FROZEN);
    for (long[] other :
        new long[][] {
          order(1_000, RowPermutation.seed(7, 1)),
          order(1_000, RowPermutation.seed(8, 0)),
          order(1_000, RowPermutation.seed(0, 7))
        }) {
      int same = 0;
      for (int i = 0; i < 1_000; i++) {
        same += once[i] == other[i] ? 1 : 0;
      }
      assertThat(same).isLessThan(15);
    }
  }

  private static final long[] FROZEN = {739, 199, 203, 78};

  /** Rows of a quarter of the data fall into each batch in the share that chance gives them. */
  @Test
  void batchesTakeFromEverywhere() {
    long[] order = order(10_000, 99);
    for (int batch = 0; batch < 10; batch++) {
      int[] quarters = new int[4];
      for (int i = 0; i < 1_000; i++) {
        quarters[(int) (order[batch * 1_000 + i] / 2_500)]++;
      }
      for (int count : quarters) {
        // 250 ± 6 standard deviations
        assertThat(count).isBetween(168, 332);
      }
    }
    assertThatThrownBy(() -> new RowPermutation(0, 1)).hasMessageContaining("got 0");
  }

  private static long[] order(int size, long seed) {
    RowPermutation order = new RowPermutation(size, seed);
    return LongStream.range(0, size).map(order::at).toArray();
  }
}
