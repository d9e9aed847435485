package io.sluice.compute.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.compute.ComputeException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Against decimals of any length. */
class ColumnSumsTest {
  private static final int COLUMNS = 6;

  @Test
  void exactWhateverThePartitions() {
    Random random = new Random(4);
    int rows = 500;
    float[] x = new float[rows * COLUMNS];
    for (int r = 0; r < rows; r++) {
      x[r * COLUMNS] = (float) random.nextGaussian();
      x[r * COLUMNS + 1] = 1e8f + (r % 2 == 0 ? 8 : 0);
      x[r * COLUMNS + 2] = Float.intBitsToFloat(random.nextInt(0x7f00_0000)) * (r % 3 - 1);
      x[r * COLUMNS + 3] = r % 2 == 0 ? Float.MAX_VALUE : -Float.MAX_VALUE;
      x[r * COLUMNS + 4] = 3;
      x[r * COLUMNS + 5] = random.nextInt(17);
    }
    ColumnSums whole = sums(x, 0, rows);
    Scaling scaling = whole.scaling();
    for (int c = 0; c < COLUMNS; c++) {
      BigDecimal sum = BigDecimal.ZERO;
      BigDecimal squares = BigDecimal.ZERO;
      for (int r = 0; r < rows; r++) {
        BigDecimal value = new BigDecimal(x[r * COLUMNS + c]);
        sum = sum.add(value);
        squares = squares.add(value.multiply(value));
      }
      BigDecimal n = new BigDecimal(rows);
      BigDecimal spread = n.multiply(squares).subtract(sum.multiply(sum));
      BigDecimal std = spread.sqrt(MathContext.DECIMAL128).divide(n, MathContext.DECIMAL128);
      assertThat(scaling.mean()[c]).isEqualTo(sum.divide(n, MathContext.DECIMAL128).floatValue());
      assertThat(scaling.scale()[c]).isEqualTo(c == 4 ? 1 : std.floatValue());
    }
    for (int cut : new int[] {0, 1, 77, 499, 500}) {
      ColumnSums left = ColumnSums.read(sums(x, 0, cut).toBytes());
      left.add(ColumnSums.read(sums(x, cut, rows).toBytes()));
      assertThat(left.toBytes()).isEqualTo(whole.toBytes());
    }
    assertThat(whole.rows()).isEqualTo(500);
    assertThat(whole.largestLabel()).isEqualTo(499);
  }

  @Test
  void theSmallestAndTheLargestFloats() {
    ColumnSums sums = new ColumnSums(1);
    for (float value : new float[] {Float.MIN_VALUE, Float.MAX_VALUE, -Float.MAX_VALUE, -0f}) {
      sums.add(new float[] {value}, 0);
    }
    Scaling scaling = sums.scaling();
    assertThat(scaling.mean()[0]).isEqualTo((float) (Float.MIN_VALUE / 4.0));
    assertThat(scaling.scale()[0]).isEqualTo((float) (Float.MAX_VALUE / Math.sqrt(2)));
  }

  @Test
  void otherBytesAreRefused() {
    assertThatThrownBy(() -> ColumnSums.read(new byte[64])).isInstanceOf(ComputeException.class);
    assertThatThrownBy(() -> new ColumnSums(2).add(new ColumnSums(3)))
        .hasMessageContaining("3 columns");
  }

  private static ColumnSums sums(float[] x, int from, int to) {
    ColumnSums sums = new ColumnSums(COLUMNS);
    for (int r = from; r < to; r++) {
      sums.add(x, r * COLUMNS);
      sums.label(r);
    }
    return sums;
  }
}
