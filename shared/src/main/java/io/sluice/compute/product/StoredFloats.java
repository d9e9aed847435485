package io.sluice.compute.product;

import io.sluice.compute.StoredTensors;
import io.sluice.compute.kernel.FloatReader;
import io.sluice.model.DType;
import io.sluice.model.TensorInfo;
import java.lang.foreign.MemorySegment;
import java.util.function.LongConsumer;

/** Rows of tensors in the store as floats. */
final class StoredFloats {
  private StoredFloats() {}

  /**
   * Reads rows of a tensor of F32, F16 or BF16.
   *
   * @param rows at most as many as fit an array
   * @param progress told the bytes that had to be brought into memory
   */
  static float[] read(
      StoredTensors tensors,
      StoredTensors.Located tensor,
      long firstRow,
      long rows,
      LongConsumer progress)
      throws InterruptedException {
    TensorInfo info = tensor.info();
    float[] data =
        new float[Math.toIntExact(Math.multiplyExact(rows, info.elements() / info.rows()))];
    if (info.dtype() == DType.F32) {
      tensors.read(tensor, firstRow, rows, MemorySegment.ofArray(data), progress);
    } else {
      MemorySegment halves = MemorySegment.ofArray(new short[data.length]);
      tensors.read(tensor, firstRow, rows, halves, progress);
      new FloatReader().read(info.dtype(), halves, 0, data, 0, data.length);
    }
    return data;
  }
}
