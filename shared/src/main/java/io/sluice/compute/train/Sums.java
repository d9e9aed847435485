package io.sluice.compute.train;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** Arrays of doubles as bytes, and their sums in order. */
final class Sums {
  private Sums() {}

  static byte[] toBytes(double[] values) {
    ByteBuffer out = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    out.asDoubleBuffer().put(values);
    return out.array();
  }

  static double[] read(byte[] bytes) {
    double[] values = new double[bytes.length / 8];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asDoubleBuffer().get(values);
    return values;
  }

  /** The sum of arrays of one length, from the first on. */
  static byte[] add(List<byte[]> parts) {
    double[] sum = read(parts.getFirst());
    for (byte[] part : parts.subList(1, parts.size())) {
      double[] more = read(part);
      if (more.length != sum.length) {
        throw Broken.partial("a gradient of " + sum.length + " doubles", part.length);
      }
      for (int i = 0; i < sum.length; i++) {
        sum[i] += more[i];
      }
    }
    return toBytes(sum);
  }

  static byte[] addColumns(List<byte[]> parts) {
    ColumnSums sum = ColumnSums.read(parts.getFirst());
    parts.subList(1, parts.size()).forEach(part -> sum.add(ColumnSums.read(part)));
    return sum.toBytes();
  }
}
