package io.sluice.compute.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** The product kernels against loops that nobody can get wrong. */
class GemmTest {
  private static final ExecutorService POOL = Executors.newFixedThreadPool(3);
  private static final int[] ROWS = {0, 1, 2, 3, 4, 5, 7, 13, 47, 48, 49, 100};
  private static final int[] COLUMNS = {0, 1, 7, 8, 9, 31, 384, 1023, 1024, 1025, 2500};
  private static final int[] BATCHES = {0, 1, 2, 3, 4, 5, 8, 63, 67};

  @AfterAll
  static void close() {
    POOL.shutdownNow();
  }

  @Test
  void tests_run_with_vectors() {
    assertThat(Vectors.present()).isTrue();
    assertThat(Dots.forThisProcess())
        .isInstanceOf(Vectors.available() ? VectorDots.class : ScalarDots.class);
    assertThat(new VectorDots().readsSegments()).isTrue();
  }

  @Test
  void a_product_is_that_of_the_naive_loop_within_rounding_for_all_sizes() {
    Random random = new Random(1);
    for (int rows : ROWS) {
      for (int columns : COLUMNS) {
        float[] w = gaussian(random, rows * columns);
        for (int n : BATCHES) {
          float[] x = gaussian(random, n * columns);
          float[] y = new float[n * rows];
          Gemm.multiply(Weights.of(w, 0, rows, columns), x, 0, n, y, 0, rows, Parallel.on(POOL, 3));
          for (int i = 0; i < n; i++) {
            for (int j = 0; j < rows; j++) {
              double sum = 0;
              double magnitude = 0;
              for (int k = 0; k < columns; k++) {
                double product = (double) x[i * columns + k] * w[j * columns + k];
                sum += product;
                magnitude += Math.abs(product);
              }
              assertThat((double) y[i * rows + j])
                  .as("%d x %d, row %d of %d", rows, columns, i, n)
                  .isCloseTo(sum, org.assertj.core.data.Offset.offset(1e-5 * magnitude));
            }
          }
        }
      }
    }
  }

  @Test
  void each_element_has_the_documented_bits_however_it_is_computed() {
    Random random = new Random(2);
    for (int rows : new int[] {1, 5, 50, 97}) {
      for (int columns : new int[] {1, 9, 384, 1024, 2051, 20_000}) {
        float[] w = special(gaussian(random, rows * columns), random);
        for (int n : new int[] {1, 3, 4, 70}) {
          if ((long) rows * columns * n > 10_000_000) {
            continue;
          }
          float[] x = gaussian(random, n * columns);
          float[] expected = documented(w, rows, columns, x, n);
          for (Parallel parallel :
              List.of(Parallel.none(), Parallel.on(POOL, 2), Parallel.on(POOL, 4))) {
            for (Dots dots :
                List.of(new VectorDots(true), new VectorDots(false), new ScalarDots())) {
              for (Weights weights : everywhere(w, rows, columns)) {
                float[] y = new float[n * rows];
                Gemm.multiply(weights, x, 0, n, y, 0, rows, parallel, dots);
                assertThat(bits(y)).isEqualTo(bits(expected));
              }
            }
          }
        }
      }
    }
  }

  @Test
  void rows_split_over_shards_and_batches_split_into_calls_give_the_same_bits() {
    Random random = new Random(3);
    int rows = 101;
    int columns = 1500;
    int n = 37;
    float[] w = gaussian(random, rows * columns);
    float[] x = gaussian(random, n * columns);
    float[] expected = new float[n * rows];
    Gemm.multiply(Weights.of(w, 0, rows, columns), x, 0, n, expected, 0, rows, Parallel.none());
    for (int cuts = 0; cuts < 10; cuts++) {
      float[] y = new float[n * rows];
      for (int from = 0; from < rows; ) {
        int part = Math.min(rows - from, random.nextInt(60));
        for (int first = 0; first < n; ) {
          int batch = Math.min(n - first, random.nextInt(20));
          Weights shard = Weights.of(w, from * columns, part, columns);
          int to = first * rows + from;
          Gemm.multiply(shard, x, first * columns, batch, y, to, rows, Parallel.on(POOL, 2));
          first += batch;
        }
        from += part;
      }
      assertThat(bits(y)).isEqualTo(bits(expected));
    }
  }

  @Test
  void what_lies_around_the_result_stays() {
    float[] w = gaussian(new Random(4), 7 * 20);
    float[] x = gaussian(new Random(5), 3 + 5 * 20);
    float[] y = new float[100];
    Arrays.fill(y, 42);
    Gemm.multiply(Weights.of(w, 0, 7, 20), x, 3, 5, y, 11, 9, Parallel.none());
    float[] rows = Arrays.copyOfRange(x, 3, 3 + 5 * 20);
    float[] expected = documented(w, 7, 20, rows, 5);
    for (int i = 0; i < y.length; i++) {
      int row = (i - 11) / 9;
      int column = (i - 11) % 9;
      boolean inside = i >= 11 && row < 5 && column < 7;
      assertThat(y[i]).isEqualTo(inside ? expected[row * 7 + column] : 42);
    }
  }

  @Test
  void a_bias_is_added_to_each_row() {
    float[] y = new float[4];
    Weights w = Weights.of(new float[] {1, 2, 3, 4}, 0, 2, 2);
    float[] x = {9, 1, 1, 2, 0};
    Gemm.multiply(w, x, 1, 2, new float[] {100, 200}, y, Parallel.none());
    assertThat(y).containsExactly(103, 207, 102, 206);
    Gemm.multiply(w, x, 1, 2, new float[0], y, Parallel.none());
    assertThat(y).containsExactly(3, 7, 2, 6);
    assertThatThrownBy(() -> Gemm.multiply(w, x, 1, 2, new float[1], y, Parallel.none()))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void quantized_weights_are_those_of_their_floats() {
    Random random = new Random(6);
    try (Arena arena = Arena.ofConfined()) {
      for (int columns : new int[] {32, 96, 1024, 1056, 20_000}) {
        int rows = 9;
        MemorySegment blocks = arena.allocate(rows * columns / 32 * 34L + 1).asSlice(1);
        MemorySegment bytes = arena.allocate((long) rows * columns + 3).asSlice(3);
        float[] scales = gaussian(random, rows + 2);
        float[] fromBlocks = new float[rows * columns];
        float[] fromBytes = new float[rows * columns];
        for (int i = 0; i < rows * columns; i++) {
          byte q = (byte) random.nextInt(256);
          bytes.set(ValueLayout.JAVA_BYTE, i, q);
          fromBytes[i] = q * scales[2 + i / columns];
          long block = i / 32 * 34L;
          short scale = Float.floatToFloat16(0.001f * (1 + i / 32 % 50));
          blocks.set(ValueLayout.JAVA_SHORT_UNALIGNED, block, scale);
          blocks.set(ValueLayout.JAVA_BYTE, block + 2 + i % 32, q);
          fromBlocks[i] = q * Float.float16ToFloat(scale);
        }
        assertThat(array(Weights.of(blocks, DType.Q8_0, rows, columns))).isEqualTo(fromBlocks);
        assertThat(array(Weights.scaled(bytes, scales, 2, rows, columns))).isEqualTo(fromBytes);
        for (int n : new int[] {1, 5}) {
          float[] x = gaussian(random, n * columns);
          float[] y = new float[n * rows];
          Gemm.multiply(
              Weights.of(blocks, DType.Q8_0, rows, columns), x, 0, n, y, 0, rows, Parallel.none());
          assertThat(bits(y)).isEqualTo(bits(documented(fromBlocks, rows, columns, x, n)));
          Gemm.multiply(
              Weights.scaled(bytes, scales, 2, rows, columns),
              x,
              0,
              n,
              y,
              0,
              rows,
              Parallel.none());
          assertThat(bits(y)).isEqualTo(bits(documented(fromBytes, rows, columns, x, n)));
        }
      }
    }
  }

  @Test
  void all_halves_and_bfloats_widen_exactly() {
    short[] all = new short[(1 << 16) + 3];
    for (int i = 0; i < all.length; i++) {
      all[i] = (short) i;
    }
    float[] halves = new float[all.length];
    float[] bfloats = new float[all.length];
    new VectorWiden().halves(all, 0, halves, 0, all.length);
    new VectorWiden().bfloats(all, 0, bfloats, 0, all.length);
    for (int i = 0; i < all.length; i++) {
      assertThat(Float.floatToIntBits(halves[i]))
          .isEqualTo(Float.floatToIntBits(Float.float16ToFloat(all[i])));
      assertThat(Float.floatToRawIntBits(bfloats[i])).isEqualTo(all[i] << 16);
    }
    float[] scalar = new float[all.length];
    new ScalarWiden().halves(all, 0, scalar, 0, all.length);
    assertThat(bits(scalar)).isEqualTo(bits(halves));
    new ScalarWiden().bfloats(all, 0, scalar, 0, all.length);
    assertThat(bits(scalar)).isEqualTo(bits(bfloats));
    byte[] bytes = new byte[259];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) i;
    }
    float[] vector = new float[bytes.length];
    new VectorWiden().bytes(bytes, 0, 0.3f, vector, 0, bytes.length);
    float[] expected = new float[bytes.length];
    new ScalarWiden().bytes(bytes, 0, 0.3f, expected, 0, bytes.length);
    assertThat(bits(vector)).isEqualTo(bits(expected));
  }

  @Test
  void sizes_that_do_not_fit_are_refused() {
    Weights w = Weights.of(new float[6], 0, 2, 3);
    assertThatThrownBy(
            () -> Gemm.multiply(w, new float[5], 0, 2, new float[4], 0, 2, Parallel.none()))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(
            () -> Gemm.multiply(w, new float[6], 0, 2, new float[3], 0, 2, Parallel.none()))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(
            () -> Gemm.multiply(w, new float[6], 0, 2, new float[9], 0, 1, Parallel.none()))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Weights.of(new float[5], 0, 2, 3))
        .isInstanceOf(IndexOutOfBoundsException.class);
    MemorySegment data = MemorySegment.ofArray(new byte[24]);
    assertThatThrownBy(() -> Weights.of(data, DType.F16, 2, 3))
        .hasMessageContaining("2 x 3 of F16 are 12 bytes, not 24");
    assertThatThrownBy(() -> Weights.of(data, DType.I32, 2, 3)).hasMessageContaining("I32");
  }

  @Test
  void each_part_runs_once_and_a_failure_comes_out() {
    for (Parallel parallel :
        List.of(Parallel.none(), Parallel.on(POOL, 4), Parallel.away(POOL, 3))) {
      AtomicIntegerArray runs = new AtomicIntegerArray(1000);
      parallel.run(1000, runs::incrementAndGet);
      for (int i = 0; i < 1000; i++) {
        assertThat(runs.get(i)).isEqualTo(1);
      }
      assertThatThrownBy(
              () ->
                  parallel.run(
                      100,
                      i -> {
                        if (i == 57) {
                          throw new IllegalStateException("part 57");
                        }
                      }))
          .hasMessage("part 57");
    }
  }

  @Test
  void a_caller_that_only_waits_leaves_the_work_to_the_executor() {
    Thread caller = Thread.currentThread();
    Parallel.away(POOL, 1).run(10, i -> assertThat(Thread.currentThread()).isNotSameAs(caller));
  }

  @Test
  void an_executor_that_never_runs_anything_or_refuses_does_not_block() {
    AtomicIntegerArray runs = new AtomicIntegerArray(10);
    Parallel.on(task -> {}, 4).run(10, runs::incrementAndGet);
    Executor closed =
        task -> {
          throw new RejectedExecutionException();
        };
    Parallel.on(closed, 4).run(10, runs::incrementAndGet);
    Parallel.away(closed, 4).run(10, runs::incrementAndGet);
    for (int i = 0; i < 10; i++) {
      assertThat(runs.get(i)).isEqualTo(3);
    }
  }

  /** The sum in the order that the documentation of {@link Gemm} gives. */
  private static float[] documented(float[] w, int rows, int columns, float[] x, int n) {
    float[] y = new float[n * rows];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < rows; j++) {
        for (int from = 0; from < columns; from += 1024) {
          float[] s = new float[8];
          for (int k = from; k < Math.min(columns, from + 1024); k++) {
            s[k % 8] = Math.fma(x[i * columns + k], w[j * columns + k], s[k % 8]);
          }
          float block = ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
          y[i * rows + j] = from == 0 ? block : y[i * rows + j] + block;
        }
      }
    }
    return y;
  }

  /** The same matrix in an array, unaligned outside the heap, and transposed. */
  private static List<Weights> everywhere(float[] w, int rows, int columns) {
    float[] shifted = new float[w.length + 5];
    System.arraycopy(w, 0, shifted, 5, w.length);
    MemorySegment outside = Arena.ofAuto().allocate(4L * w.length + 1).asSlice(1);
    MemorySegment transposed = Arena.ofAuto().allocate(4L * w.length + 2).asSlice(2);
    for (int j = 0; j < rows; j++) {
      for (int k = 0; k < columns; k++) {
        float value = w[j * columns + k];
        outside.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, (long) j * columns + k, value);
        transposed.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, (long) k * rows + j, value);
      }
    }
    Weights across = Weights.transposed(transposed, DType.F32, rows, columns);
    return List.of(
        Weights.of(w, 0, rows, columns),
        Weights.of(shifted, 5, rows, columns),
        Weights.of(outside, DType.F32, rows, columns),
        across,
        across.packed());
  }

  private static float[] special(float[] values, Random random) {
    float[] specials = {
      0, -0f, Float.MIN_VALUE, -Float.MIN_NORMAL, Float.MAX_VALUE, Float.POSITIVE_INFINITY, 1e-38f
    };
    for (int i = 0; i < values.length / 100; i++) {
      values[random.nextInt(values.length)] = specials[random.nextInt(specials.length)];
    }
    return values;
  }

  private static float[] array(Weights weights) {
    return weights.packed().array();
  }

  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToIntBits(values[i]);
    }
    return bits;
  }

  private static float[] gaussian(Random random, int n) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }
}
