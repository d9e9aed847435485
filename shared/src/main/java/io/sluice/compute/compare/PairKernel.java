package io.sluice.compute.compare;

import io.sluice.compute.TensorBlock;
import io.sluice.compute.stats.ExactSum;

/** Compares the same rows of two tensors. */
final class PairKernel {
  /** Sums that run beside each other; an element's place in its row says which one it goes to. */
  private static final int LANES = 4;

  private final double[] a = new double[Elements.CHUNK];
  private final double[] b = new double[Elements.CHUNK];
  private final double[] distance = new double[LANES];
  private final double[] left = new double[LANES];
  private final double[] right = new double[LANES];
  private final double[] product = new double[LANES];
  private final ExactSum allDistance = new ExactSum();
  private final ExactSum allLeft = new ExactSum();
  private final ExactSum allRight = new ExactSum();
  private final ExactSum allProduct = new ExactSum();
  private long count;
  private long differing;
  private long unlike;
  private double maxAbs;

  private PairKernel() {}

  /** Blocks of the same rows and shape. */
  static PairSums of(TensorBlock first, TensorBlock second) {
    PairKernel kernel = new PairKernel();
    kernel.run(first, second);
    return new PairSums(
        kernel.count,
        kernel.differing,
        kernel.unlike,
        kernel.maxAbs,
        kernel.allDistance.value(),
        kernel.allLeft.value(),
        kernel.allRight.value(),
        kernel.allProduct.value());
  }

  private void run(TensorBlock first, TensorBlock second) {
    Elements firsts = new Elements(first.tensor().dtype(), first.data());
    Elements seconds = new Elements(second.tensor().dtype(), second.data());
    boolean bits = firsts.rounds() && first.tensor().dtype() == second.tensor().dtype();
    long length = first.rows() == 0 ? 0 : first.elements() / first.rows();
    for (long row = 0; row < first.rows(); row++) {
      for (long done = 0; done < length; done += Elements.CHUNK) {
        int n = (int) Math.min(Elements.CHUNK, length - done);
        firsts.load(row * length + done, a, n);
        seconds.load(row * length + done, b, n);
        add(n);
        for (int i = 0; bits && i < n; i++) {
          differing += a[i] == b[i] && firsts.bits(i) != seconds.bits(i) ? 1 : 0;
        }
      }
      endRow();
    }
  }

  private void add(int n) {
    count += n;
    int i = 0;
    double most = maxAbs;
    for (; i + LANES <= n; i += LANES) {
      double d0 = a[i] - b[i];
      double d1 = a[i + 1] - b[i + 1];
      double d2 = a[i + 2] - b[i + 2];
      double d3 = a[i + 3] - b[i + 3];
      if ((d0 - d0) + (d1 - d1) + (d2 - d2) + (d3 - d3) != 0) { // one of them is not finite
        for (int lane = 0; lane < LANES; lane++) {
          addSlowly(i + lane, lane);
        }
        continue;
      }
      differing += (d0 != 0 ? 1 : 0) + (d1 != 0 ? 1 : 0) + (d2 != 0 ? 1 : 0) + (d3 != 0 ? 1 : 0);
      most =
          Math.max(
              most,
              Math.max(Math.max(Math.abs(d0), Math.abs(d1)), Math.max(Math.abs(d2), Math.abs(d3))));
      distance[0] += d0 * d0;
      distance[1] += d1 * d1;
      distance[2] += d2 * d2;
      distance[3] += d3 * d3;
      left[0] += a[i] * a[i];
      left[1] += a[i + 1] * a[i + 1];
      left[2] += a[i + 2] * a[i + 2];
      left[3] += a[i + 3] * a[i + 3];
      right[0] += b[i] * b[i];
      right[1] += b[i + 1] * b[i + 1];
      right[2] += b[i + 2] * b[i + 2];
      right[3] += b[i + 3] * b[i + 3];
      product[0] += a[i] * b[i];
      product[1] += a[i + 1] * b[i + 1];
      product[2] += a[i + 2] * b[i + 2];
      product[3] += a[i + 3] * b[i + 3];
    }
    maxAbs = Math.max(maxAbs, most);
    for (int lane = 0; i < n; i++, lane++) {
      addSlowly(i, lane);
    }
  }

  private void addSlowly(int i, int lane) {
    double x = a[i];
    double y = b[i];
    if (Double.isFinite(x) && Double.isFinite(y)) {
      double d = x - y;
      differing += d != 0 ? 1 : 0;
      maxAbs = Math.max(maxAbs, Math.abs(d));
      distance[lane] += d * d;
      left[lane] += x * x;
      right[lane] += y * y;
      product[lane] += x * y;
    } else if (Double.compare(x, y) != 0) {
      differing++;
      unlike++;
    }
  }

  private void endRow() {
    allDistance.add(drain(distance));
    allLeft.add(drain(left));
    allRight.add(drain(right));
    allProduct.add(drain(product));
  }

  /** Sums of doubles of the largest exponents may overflow: they count as the largest number. */
  private static double drain(double[] lanes) {
    double sum = 0;
    for (int lane = 0; lane < LANES; lane++) {
      sum += lanes[lane];
      lanes[lane] = 0;
    }
    return Double.isNaN(sum) ? 0 : Math.clamp(sum, -Double.MAX_VALUE, Double.MAX_VALUE);
  }
}
