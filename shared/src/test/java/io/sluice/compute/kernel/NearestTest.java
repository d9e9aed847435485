package io.sluice.compute.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.compute.kernel.Nearest.Metric;
import io.sluice.compute.kernel.Ranking.Entry;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Searches against sorting everything. */
class NearestTest {
  private static final ExecutorService POOL = Executors.newFixedThreadPool(3);

  @AfterAll
  static void close() {
    POOL.shutdownNow();
  }

  @ParameterizedTest
  @EnumSource
  void the_rows_are_those_of_the_naive_search_for_all_sizes(Metric metric) {
    Random random = new Random(metric.ordinal());
    for (int rows : new int[] {1, 2, 11, 12, 13, 500, 3000}) {
      for (int columns : new int[] {1, 7, 8, 384, 1025}) {
        for (int n : new int[] {1, 3, 9}) {
          if ((long) rows * columns * n > 4_000_000) {
            continue;
          }
          float[] matrix = gaussian(random, rows * columns);
          float[] queries = gaussian(random, n * columns);
          for (int k : new int[] {1, Math.min(rows, 7), rows}) {
            Ranking ranking = rank(metric, matrix, rows, columns, queries, n, k);
            for (int query = 0; query < n; query++) {
              double[] exact = naive(metric, matrix, rows, columns, queries, query);
              assertRanked(ranking.best(query), exact, k);
              assertThat(ranking.skipped(query)).isZero();
            }
          }
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void the_bits_do_not_depend_on_cuts_and_threads(Metric metric) {
    Random random = new Random(7);
    int rows = 2000;
    int columns = 100;
    int n = 5;
    float[] matrix = gaussian(random, rows * columns);
    // Many equal rows, and some that are no numbers.
    for (int row = 0; row < rows; row += 3) {
      System.arraycopy(matrix, row % 7 * columns, matrix, row * columns, columns);
    }
    for (int row = 5; row < rows; row += 97) {
      matrix[row * columns + row % columns] = row % 2 == 0 ? Float.NaN : Float.POSITIVE_INFINITY;
    }
    float[] queries = gaussian(random, n * columns);
    int k = 40;
    byte[] whole = rank(metric, matrix, rows, columns, queries, n, k).toBytes();
    for (int attempt = 0; attempt < 8; attempt++) {
      List<Ranking> parts = new ArrayList<>();
      Nearest nearest = new Nearest(metric, queries, n, columns, k);
      for (int row = 0; row < rows; ) {
        int count = Math.min(rows - row, random.nextInt(900));
        Weights part = Weights.of(matrix, row * columns, count, columns);
        Ranking ranking = nearest.rank(part, row, Parallel.on(POOL, 1 + attempt % 4), () -> false);
        parts.add(Ranking.read(ranking.toBytes(), n, k));
        row += count;
      }
      java.util.Collections.shuffle(parts, random);
      Ranking merged = new Ranking(n, k);
      parts.forEach(merged::merge);
      assertThat(merged.toBytes()).isEqualTo(whole);
    }
  }

  @Test
  void of_equal_scores_the_lower_row_is_first() {
    float[] matrix = {1, 0, 0, 1, 1, 0, 0, 1, 1, 0};
    Ranking ranking = rank(Metric.DOT, matrix, 5, 2, new float[] {1, 0}, 1, 4);
    assertThat(Arrays.stream(ranking.best(0)).map(Entry::row)).containsExactly(0L, 2L, 4L, 1L);
    Ranking zeros = rank(Metric.DOT, new float[] {-0f, 0, -0f}, 3, 1, new float[] {1}, 1, 2);
    assertThat(Arrays.stream(zeros.best(0)).map(Entry::row)).containsExactly(0L, 1L);
  }

  @Test
  void cosine_with_zeros_is_zero_and_what_is_no_number_is_left_out_and_counted() {
    float nan = Float.NaN;
    float inf = Float.POSITIVE_INFINITY;
    float[] matrix = {0, 0, 1, 1, nan, 0, inf, 0, -1, -1};
    Ranking ranking = rank(Metric.COSINE, matrix, 5, 2, new float[] {1, 1, 0, 0, nan, 0}, 3, 5);
    assertThat(Arrays.stream(ranking.best(0)).map(Entry::row)).containsExactly(1L, 0L, 4L);
    assertThat(Arrays.stream(ranking.best(0)).map(Entry::score)).containsExactly(1.0, 0.0, -1.0);
    assertThat(ranking.skipped(0)).isEqualTo(2);
    assertThat(Arrays.stream(ranking.best(1)).map(Entry::row)).containsExactly(0L, 1L, 4L);
    assertThat(Arrays.stream(ranking.best(1)).map(Entry::score)).containsExactly(0.0, 0.0, 0.0);
    assertThat(ranking.best(2)).isEmpty();
    assertThat(ranking.skipped(2)).isEqualTo(5);
    Ranking l2 = rank(Metric.L2, matrix, 5, 2, new float[] {1, 1}, 1, 5);
    assertThat(Arrays.stream(l2.best(0)).map(Entry::row)).containsExactly(1L, 0L, 4L, 3L);
    assertThat(Nearest.measure(Metric.L2, l2.best(0)[3].score())).isInfinite();
    assertThat(l2.skipped(0)).isEqualTo(1);
  }

  @Test
  void numbers_beyond_the_range_of_float_squares_are_still_right() {
    float[] matrix = {1e30f, 1e30f, 1e-30f, -1e-30f, 3e38f, 0, 1e-40f, 1e-40f};
    for (float scale : new float[] {1e-30f, 1, 1e30f}) {
      Ranking ranking = rank(Metric.COSINE, matrix, 4, 2, new float[] {2 * scale, scale}, 1, 4);
      double root = Math.sqrt(10);
      // Rows 0 and 3 point in one direction, up to rounding.
      assertThat(Arrays.stream(ranking.best(0)).map(Entry::row).skip(2)).containsExactly(2L, 1L);
      double[] expected = {3 / root, 3 / root, 2 / Math.sqrt(5), 1 / root};
      for (int i = 0; i < 4; i++) {
        assertThat(ranking.best(0)[i].score()).isCloseTo(expected[i], within(1e-5));
      }
    }
    Ranking far = rank(Metric.L2, matrix, 4, 2, new float[] {0, 0}, 1, 4);
    double[] distances =
        Arrays.stream(far.best(0))
            .mapToDouble(e -> Nearest.measure(Metric.L2, e.score()))
            .toArray();
    assertThat(Arrays.stream(far.best(0)).map(Entry::row)).containsExactly(3L, 1L, 0L, 2L);
    assertThat(distances[1]).isCloseTo(Math.sqrt(2) * 1e-30, within(1e-35));
    assertThat(distances[3]).isCloseTo(3e38, within(1e33));
  }

  @Test
  void equal_rows_are_at_distance_zero_and_near_ones_keep_their_digits() {
    float[] query = gaussian(new Random(1), 1000);
    float[] matrix = new float[2000];
    System.arraycopy(query, 0, matrix, 0, 1000);
    System.arraycopy(query, 0, matrix, 1000, 1000);
    matrix[1500] = Math.nextUp(matrix[1500]);
    Entry[] best = rank(Metric.L2, matrix, 2, 1000, query, 1, 2).best(0);
    assertThat(best[0]).isEqualTo(new Entry(0, 0));
    double step = (double) matrix[1500] - query[500];
    assertThat(Nearest.measure(Metric.L2, best[1].score())).isCloseTo(step, within(step * 1e-6));
    assertThat(Double.doubleToRawLongBits(Nearest.measure(Metric.L2, best[0].score()))).isZero();
  }

  @Test
  void distances_with_vectors_are_those_without() {
    Random random = new Random(8);
    for (int columns : new int[] {0, 1, 8, 13, 1024, 2500}) {
      for (int rows : new int[] {1, 4, 7}) {
        float[] w = gaussian(random, rows * columns);
        float[] x = gaussian(random, 3 * columns);
        float[] vector = new float[3 * 10];
        float[] scalar = new float[3 * 10];
        Distances.squared(w, rows, columns, x, 3, vector, 10, new VectorDots());
        Distances.squared(w, rows, columns, x, 3, scalar, 10, new ScalarDots());
        assertThat(vector).isEqualTo(scalar);
        for (int i = 0; i < 3; i++) {
          for (int j = 0; j < rows; j++) {
            double sum = 0;
            for (int c = 0; c < columns; c++) {
              sum += Math.pow((double) x[i * columns + c] - w[j * columns + c], 2);
            }
            assertThat((double) vector[i * 10 + j]).isCloseTo(sum, within(sum * 1e-5));
          }
        }
      }
    }
  }

  @Test
  void a_ranking_that_was_cut_off_is_refused() {
    Ranking ranking = new Ranking(1, 3);
    ranking.offer(0, 5, 1.5);
    byte[] bytes = ranking.toBytes();
    assertThat(Ranking.read(bytes, 1, 3).best(0)).containsExactly(new Entry(5, 1.5));
    for (int length = 0; length < bytes.length; length++) {
      byte[] cut = Arrays.copyOf(bytes, length);
      assertThatThrownBy(() -> Ranking.read(cut, 1, 3))
          .isInstanceOf(IllegalArgumentException.class);
    }
    byte[] longer = Arrays.copyOf(bytes, bytes.length + 1);
    assertThatThrownBy(() -> Ranking.read(longer, 1, 3))
        .isInstanceOf(IllegalArgumentException.class);
    bytes[0] = 4;
    assertThatThrownBy(() -> Ranking.read(bytes, 1, 3))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static Ranking rank(
      Metric metric, float[] matrix, int rows, int columns, float[] queries, int n, int k) {
    return new Nearest(metric, queries, n, columns, k)
        .rank(Weights.of(matrix, 0, rows, columns), 0, Parallel.on(POOL, 3), () -> false);
  }

  private static double[] naive(
      Metric metric, float[] matrix, int rows, int columns, float[] queries, int query) {
    double[] scores = new double[rows];
    for (int row = 0; row < rows; row++) {
      double dot = 0;
      double a = 0;
      double b = 0;
      double distance = 0;
      for (int c = 0; c < columns; c++) {
        double x = queries[query * columns + c];
        double w = matrix[row * columns + c];
        dot += x * w;
        a += x * x;
        b += w * w;
        distance += (x - w) * (x - w);
      }
      scores[row] =
          switch (metric) {
            case DOT -> dot;
            case COSINE -> dot / Math.sqrt(a * b);
            case L2 -> -distance;
          };
    }
    return scores;
  }

  /** In order, each score right, and no row left out that is better by more than rounding. */
  private static void assertRanked(Entry[] best, double[] exact, int k) {
    double tolerance = 1e-5 * Arrays.stream(exact).map(Math::abs).max().orElse(0) + 1e-6;
    assertThat(best).hasSize(k);
    assertThat(Arrays.stream(best).map(Entry::row).distinct()).hasSize(k);
    double[] sorted =
        Arrays.stream(exact)
            .boxed()
            .sorted(Comparator.reverseOrder())
            .mapToDouble(d -> d)
            .toArray();
    for (int i = 0; i < k; i++) {
      assertThat(best[i].score()).isCloseTo(exact[(int) best[i].row()], within(tolerance));
      assertThat(best[i].score()).isCloseTo(sorted[i], within(tolerance));
      assertThat(i > 0 ? best[i - 1].score() : Double.MAX_VALUE)
          .isGreaterThanOrEqualTo(best[i].score());
    }
  }

  private static float[] gaussian(Random random, int n) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }
}
