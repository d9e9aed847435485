package io.sluice.compute.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.DType;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Bulk copies against one element after the other. */
class ElementsTest {
  static final java.util.Set<DType> NUMBERS = Elements.NUMBERS;
  static final java.util.Set<DType> LABELS = Elements.LABELS;

  @ParameterizedTest
  @FieldSource("NUMBERS")
  void numbers(DType dtype) {
    int rows = 3;
    int columns = 8_200;
    byte[] bytes = new byte[(int) dtype.bytes((long) rows * columns)];
    new Random(8).nextBytes(bytes);
    float[] got = Elements.floats(dtype, MemorySegment.ofArray(bytes), rows, columns, 8_208, 0.5f);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < 8_208; c++) {
        float value = c < columns ? naive(dtype, bytes, r * columns + c) * 0.5f : 0;
        assertThat(got[r * 8_208 + c]).isEqualTo(Float.valueOf(value));
      }
    }
  }

  private static float naive(DType dtype, byte[] bytes, int i) {
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    return switch (dtype) {
      case F32 -> in.getFloat(4 * i);
      case F64 -> (float) in.getDouble(8 * i);
      case F16 -> Float.float16ToFloat(in.getShort(2 * i));
      case BF16 -> Float.intBitsToFloat(in.getShort(2 * i) << 16);
      case U8 -> in.get(i) & 0xff;
      case I8 -> in.get(i);
      case I16 -> in.getShort(2 * i);
      case U16 -> in.getChar(2 * i);
      case I32 -> in.getInt(4 * i);
      default -> throw new AssertionError(dtype);
    };
  }

  @ParameterizedTest
  @FieldSource("LABELS")
  void labels(DType dtype) {
    ByteBuffer bytes = ByteBuffer.allocate(8 * 100).order(ByteOrder.LITTLE_ENDIAN);
    int size = dtype.blockBytes();
    for (int i = 0; i < 100; i++) {
      for (int b = 0; b < size; b++) {
        bytes.put(i * size + b, (byte) ((i - 3L) >> 8 * b));
      }
    }
    long[] got = Elements.labels(dtype, MemorySegment.ofArray(bytes.array()), 100);
    for (int i = 3; i < 100; i++) {
      assertThat(got[i]).isEqualTo(i - 3);
    }
    long first =
        switch (dtype) {
          case I8, I16, I32, I64 -> -3;
          default -> (1L << 8 * size) - 3;
        };
    assertThat(got[0]).isEqualTo(first);
  }
}
