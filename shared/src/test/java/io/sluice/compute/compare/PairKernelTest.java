package io.sluice.compute.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.compute.RandomElements;
import io.sluice.compute.TensorBlock;
import io.sluice.model.DType;
import io.sluice.model.TensorInfo;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PairKernelTest {
  private static TensorBlock block(DType dtype, long rows, long columns, byte[] data) {
    TensorInfo tensor = new TensorInfo("w", dtype, List.of(rows, columns));
    return new TensorBlock(tensor, 0, rows, MemorySegment.ofArray(data));
  }

  private static double element(DType dtype, byte[] data, int i) {
    ByteBuffer buffer = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
    return switch (dtype) {
      case F32 -> buffer.getFloat(4 * i);
      case F64 -> buffer.getDouble(8 * i);
      case F16 -> Float.float16ToFloat(buffer.getShort(2 * i));
      case BF16 -> Float.intBitsToFloat(buffer.getShort(2 * i) << 16);
      case I8 -> data[i];
      case U8 -> data[i] & 0xff;
      case I16 -> buffer.getShort(2 * i);
      case U16 -> buffer.getShort(2 * i) & 0xffff;
      case I32 -> buffer.getInt(4 * i);
      case U32 -> buffer.getInt(4 * i) & 0xffff_ffffL;
      default -> throw new IllegalArgumentException(dtype.name());
    };
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F64", "F16", "BF16", "I8", "U8", "I16", "U16", "I32", "U32"})
  void agreesWithTheNaiveOne(DType dtype) {
    for (DType other : List.of(dtype, DType.F32, DType.BF16)) {
      for (String fill : List.of("WEIGHTS", "SPECIALS", "ZEROS")) {
        for (int columns : new int[] {1, 3, 4, 5, 2047, 2048, 2049}) {
          int n = 3 * columns;
          byte[] a = RandomElements.bytes(dtype, fill, n, new Random(columns));
          byte[] b = RandomElements.bytes(other, fill, n, new Random(columns + n % 2));
          PairSums sums = PairKernel.of(block(dtype, 3, columns, a), block(other, 3, columns, b));
          String what = dtype + " " + other + " " + fill + " " + columns;
          long differing = 0;
          long unlike = 0;
          double max = 0;
          double distance = 0;
          double product = 0;
          double scale = 0;
          for (int i = 0; i < n; i++) {
            double x = element(dtype, a, i);
            double y = element(other, b, i);
            if (Double.isFinite(x) && Double.isFinite(y)) {
              differing += x == y ? 0 : 1;
              max = Math.max(max, Math.abs(x - y));
              distance += (x - y) * (x - y);
              product += x * y;
              scale += Math.abs(x * y);
            } else if (!(x == y || Double.isNaN(x) && Double.isNaN(y))) {
              differing++;
              unlike++;
            }
          }
          assertThat(sums.count()).as(what).isEqualTo(n);
          assertThat(sums.differing()).as(what).isEqualTo(differing);
          assertThat(sums.unlike()).as(what).isEqualTo(unlike);
          assertThat(sums.maxAbs()).as(what).isEqualTo(max);
          if (Double.isFinite(distance) && Double.isFinite(scale)) {
            assertThat(sums.distance().toDouble())
                .as(what)
                .isCloseTo(distance, within(1e-12 * distance));
            assertThat(sums.product().toDouble())
                .as(what)
                .isCloseTo(product, within(1e-12 * scale));
          }
        }
      }
    }
  }

  @Test
  void integersThatDoublesCannotTellApartDiffer() {
    byte[] a = new byte[16];
    byte[] b = new byte[16];
    ByteBuffer.wrap(a).order(ByteOrder.LITTLE_ENDIAN).putLong(1L << 60).putLong(5);
    ByteBuffer.wrap(b).order(ByteOrder.LITTLE_ENDIAN).putLong((1L << 60) + 1).putLong(5);
    PairSums sums = PairKernel.of(block(DType.I64, 1, 2, a), block(DType.I64, 1, 2, b));
    assertThat(sums.differing()).isEqualTo(1);
    assertThat(sums.maxAbs()).isZero();
  }

  @Test
  void sumsAreTheSameForEveryCut() {
    byte[] a = RandomElements.bytes(DType.F32, "WEIGHTS", 40 * 33, new Random(1));
    byte[] b = RandomElements.bytes(DType.BF16, "WEIGHTS", 40 * 33, new Random(2));
    TensorBlock first = block(DType.F32, 40, 33, a);
    TensorBlock second = block(DType.BF16, 40, 33, b);
    PairSums whole = PairKernel.of(first, second);
    PairSums sum = PairSums.NONE;
    for (TensorBlock part : first.parts(1000)) {
      TensorBlock same =
          new TensorBlock(
              second.tensor(),
              part.firstRow(),
              part.rows(),
              second.data().asSlice(part.firstRow() * 66, part.rows() * 66));
      sum = PairSums.read(sum.plus(PairKernel.of(part, same)).write());
    }
    assertThat(sum).isEqualTo(whole);
    assertThat(whole.cosine()).isBetween(-1.0, 1.0);
    assertThat(PairKernel.of(first, first).relative()).isZero();
  }
}
