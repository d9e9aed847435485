package io.sluice.compute.kernel;

import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BooleanSupplier;

/**
 * The rows of a matrix that are nearest to some queries.
 *
 * <p>Rows are read in blocks of at most {@value #BLOCK} floats (one row if that is longer), scored
 * and ranked; the memory needed does not grow with their number. A score depends on nothing but the
 * row and the query: products and squared distances are those of {@link Gemm} and {@link
 * Distances}. Where these leave the range in which floats are exact to their last bits (beyond the
 * largest float, or below 1e-30 squared), they are computed again, in doubles.
 */
public final class Nearest {
  /** Floats in a block of rows. */
  private static final int BLOCK = 1 << 16;

  /** Blocks that a thread takes at once. */
  private static final int RUN = 16;

  /** Squares below which floats lose bits. */
  private static final float TINY = 1e-30f;

  private final Metric metric;
  private final float[] queries;
  private final int n;
  private final int columns;
  private final int k;

  /** Squared norms of the queries, for cosine. */
  private final double[] squares;

  /** What makes a row near; a higher score is nearer. */
  public enum Metric {
    /** Cosine of the angle, from -1 to 1; 0 if the row or the query is all zeros. */
    COSINE,
    /** Dot product. */
    DOT,
    /** Euclidean distance: the score is the negative of its square. */
    L2
  }

  /**
   * @param queries {@code n} rows of {@code columns} floats, without gaps
   * @param k rows to find of each
   */
  public Nearest(Metric metric, float[] queries, int n, int columns, int k) {
    Objects.checkFromIndexSize(0, (long) n * columns, queries.length);
    this.metric = metric;
    this.queries = queries;
    this.n = n;
    this.columns = columns;
    this.k = k;
    this.squares = new double[n];
    for (int i = 0; i < n; i++) {
      squares[i] = dot(queries, i * columns, queries, i * columns);
    }
  }

  /**
   * Ranks the rows of a block.
   *
   * @param firstRow number of its first row in the matrix
   * @param parallel the threads; the result does not depend on them
   * @param cancelled asked now and then; if so, the result is unfinished
   */
  public Ranking rank(Weights rows, long firstRow, Parallel parallel, BooleanSupplier cancelled) {
    if (rows.columns() != columns) {
      throw new IllegalArgumentException(
          "rows of " + rows.columns() + " elements, queries of " + columns);
    }
    int height = Math.max(1, BLOCK / Math.max(1, columns));
    height = height >= 12 ? height / 12 * 12 : height;
    int step = height;
    int run = Math.multiplyExact(RUN, step);
    Queue<Scorer> idle = new ConcurrentLinkedQueue<>();
    parallel.run(
        Math.ceilDiv(rows.rows(), run),
        part -> {
          Scorer scorer = idle.poll();
          scorer = scorer == null ? new Scorer(rows, step) : scorer;
          int end = (int) Math.min(rows.rows(), (part + 1L) * run);
          for (int row = part * run; row < end && !cancelled.getAsBoolean(); row += step) {
            scorer.rank(row, Math.min(step, end - row), firstRow);
          }
          idle.add(scorer);
        });
    Ranking all = new Ranking(n, k);
    idle.forEach(scorer -> all.merge(scorer.ranking));
    return all;
  }

  /** What one thread at a time works with. */
  private final class Scorer {
    final Weights.Reader reader;
    final float[] block;
    final float[] products;
    final float[] norms;
    final float[] zeros;
    final double[] scores;
    final int height;
    final Ranking ranking = new Ranking(n, k);

    Scorer(Weights rows, int height) {
      this.reader = rows.reader();
      this.height = height;
      this.block = new float[Math.multiplyExact(height, columns)];
      this.products = new float[Math.multiplyExact(n, height)];
      this.norms = new float[height];
      this.zeros = new float[columns];
      this.scores = new double[height];
    }

    void rank(int row, int rows, long firstRow) {
      reader.read(row, rows, 0, columns, block, columns);
      if (metric == Metric.L2) {
        Distances.squared(block, rows, columns, queries, n, products, height);
      } else {
        Weights w = Weights.of(block, 0, rows, columns);
        Gemm.multiply(w, queries, 0, n, products, 0, height, Parallel.none());
      }
      if (metric == Metric.COSINE) {
        Distances.squared(block, rows, columns, zeros, 1, norms, height);
      }
      for (int query = 0; query < n; query++) {
        score(query, rows);
        for (int j = 0; j < rows; j++) {
          ranking.offer(query, firstRow + row + j, scores[j]);
        }
      }
    }

    private void score(int query, int rows) {
      int from = query * height;
      switch (metric) {
        case DOT -> {
          for (int j = 0; j < rows; j++) {
            scores[j] = products[from + j];
          }
        }
        case L2 -> {
          for (int j = 0; j < rows; j++) {
            float squared = products[from + j];
            boolean good = squared >= TINY && squared <= Float.MAX_VALUE;
            scores[j] = good ? -squared : -distance(query, j);
          }
        }
        case COSINE -> {
          boolean goodQuery = squares[query] >= TINY && squares[query] <= Float.MAX_VALUE;
          for (int j = 0; j < rows; j++) {
            float square = norms[j];
            boolean good = goodQuery && square >= TINY && square <= Float.MAX_VALUE;
            double cosine = products[from + j] / Math.sqrt(squares[query] * square);
            boolean finite = Math.abs(cosine) <= Double.MAX_VALUE;
            scores[j] = good && finite ? clamp(cosine) : cosine(query, j);
          }
        }
      }
    }

    private double distance(int query, int j) {
      double sum = 0;
      for (int c = 0; c < columns; c++) {
        double difference = (double) queries[query * columns + c] - block[j * columns + c];
        sum += difference * difference;
      }
      return sum;
    }

    private double cosine(int query, int j) {
      double square = dot(block, j * columns, block, j * columns);
      double product = dot(queries, query * columns, block, j * columns);
      return square == 0 || squares[query] == 0
          ? product * 0 // not a number if one of the elements is none
          : clamp(product / Math.sqrt(squares[query] * square));
    }
  }

  private static double clamp(double cosine) {
    return Math.clamp(cosine, -1.0, 1.0);
  }

  private double dot(float[] a, int aFrom, float[] b, int bFrom) {
    double sum = 0;
    for (int c = 0; c < columns; c++) {
      sum += (double) a[aFrom + c] * b[bFrom + c];
    }
    return sum;
  }

  /** The metric's own number of a score: the distance for {@link Metric#L2}. */
  public static double measure(Metric metric, double score) {
    return metric == Metric.L2 ? Math.sqrt(0.0 - score) : score;
  }
}
