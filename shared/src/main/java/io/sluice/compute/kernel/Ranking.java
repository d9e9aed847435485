package io.sluice.compute.kernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The best rows of each of some queries: those of the highest scores, the lower row first where
 * scores are equal. That is a total order, so the same rows are found in whatever order they are
 * offered and rankings merged. What is not a number is counted and left out.
 */
public final class Ranking {
  private static final int HEADER = Integer.BYTES + Long.BYTES;
  private static final int ENTRY = Long.BYTES + Double.BYTES;

  private final int queries;
  private final int k;
  private final int[] sizes;
  private final long[] skipped;

  /** A heap for each query, the worst entry on top. */
  private final double[] scores;

  private final long[] rows;

  /**
   * @param queries number of queries
   * @param k rows that are kept of each, at least one
   */
  public Ranking(int queries, int k) {
    if (queries < 0 || k < 1) {
      throw new IllegalArgumentException(k + " rows of " + queries + " queries");
    }
    this.queries = queries;
    this.k = k;
    this.sizes = new int[queries];
    this.skipped = new long[queries];
    this.scores = new double[Math.multiplyExact(queries, k)];
    this.rows = new long[queries * k];
  }

  /** Number of queries. */
  public int queries() {
    return queries;
  }

  /** Most rows of a query. */
  public int k() {
    return k;
  }

  /** Rows that a query has. */
  public int size(int query) {
    return sizes[query];
  }

  /** Rows of a query whose score was not a number. */
  public long skipped(int query) {
    return skipped[query];
  }

  /** A row with its score. */
  public record Entry(long row, double score) {}

  /** The rows of a query, best first. */
  public Entry[] best(int query) {
    Entry[] entries = new Entry[sizes[query]];
    for (int i = 0; i < entries.length; i++) {
      entries[i] = new Entry(rows[query * k + i], scores[query * k + i]);
    }
    Arrays.sort(entries, (a, b) -> better(a.score, a.row, b.score, b.row) ? -1 : 1);
    return entries;
  }

  /** Offers a row to a query. */
  public void offer(int query, long row, double score) {
    int from = query * k;
    if (sizes[query] == k && score < scores[from]) {
      return;
    }
    insert(query, row, score);
  }

  private void insert(int query, long row, double offered) {
    if (Double.isNaN(offered)) {
      skipped[query]++;
      return;
    }
    double score = offered + 0.0; // of the two zeros, the one
    int from = query * k;
    int size = sizes[query];
    int at;
    if (size < k) {
      at = size;
      sizes[query] = size + 1;
      while (at > 0) {
        int parent = (at - 1) / 2;
        if (!better(scores[from + parent], rows[from + parent], score, row)) {
          break;
        }
        move(from, parent, at);
        at = parent;
      }
    } else {
      if (!better(score, row, scores[from], rows[from])) {
        return;
      }
      at = 0;
      for (int child = 1; child < k; child = 2 * at + 1) {
        if (child + 1 < k && better(from + child, from + child + 1)) {
          child++;
        }
        if (!better(score, row, scores[from + child], rows[from + child])) {
          break;
        }
        move(from, child, at);
        at = child;
      }
    }
    scores[from + at] = score;
    rows[from + at] = row;
  }

  private void move(int from, int source, int target) {
    scores[from + target] = scores[from + source];
    rows[from + target] = rows[from + source];
  }

  private boolean better(int a, int b) {
    return better(scores[a], rows[a], scores[b], rows[b]);
  }

  private static boolean better(double score, long row, double than, long thanRow) {
    return score > than || (score == than && row < thanRow);
  }

  /** Offers all rows of another ranking of the same queries, which had other rows. */
  public void merge(Ranking other) {
    if (other.queries != queries) {
      throw new IllegalArgumentException(
          "rankings of " + queries + " and of " + other.queries + " queries");
    }
    for (int query = 0; query < queries; query++) {
      skipped[query] += other.skipped[query];
      for (int i = query * other.k; i < query * other.k + other.sizes[query]; i++) {
        offer(query, other.rows[i], other.scores[i]);
      }
    }
  }

  /** As bytes, exactly. */
  public byte[] toBytes() {
    int entries = Arrays.stream(sizes).sum();
    ByteBuffer buffer =
        ByteBuffer.allocate(queries * HEADER + entries * ENTRY).order(ByteOrder.LITTLE_ENDIAN);
    for (int query = 0; query < queries; query++) {
      buffer.putInt(sizes[query]).putLong(skipped[query]);
      for (Entry entry : best(query)) {
        buffer.putLong(entry.row).putDouble(entry.score);
      }
    }
    return buffer.array();
  }

  /**
   * Reads what {@link #toBytes} wrote.
   *
   * @throws IllegalArgumentException if it is something else
   */
  public static Ranking read(byte[] bytes, int queries, int k) {
    Ranking ranking = new Ranking(queries, k);
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int query = 0; query < queries; query++) {
      if (buffer.remaining() < HEADER) {
        throw new IllegalArgumentException("a ranking of " + bytes.length + " bytes is cut off");
      }
      int size = buffer.getInt();
      ranking.skipped[query] = buffer.getLong();
      if (size < 0 || size > k || buffer.remaining() < (long) size * ENTRY) {
        throw new IllegalArgumentException(
            "a ranking of " + bytes.length + " bytes has no " + size + " of " + k + " rows");
      }
      for (int i = 0; i < size; i++) {
        ranking.offer(query, buffer.getLong(), buffer.getDouble());
      }
    }
    if (buffer.hasRemaining()) {
      throw new IllegalArgumentException("a ranking has " + buffer.remaining() + " bytes too many");
    }
    return ranking;
  }
}
