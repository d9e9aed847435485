package io.sluice.format;

import io.sluice.model.ByteRange;
import io.sluice.model.ErrorKind;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;

/**
 * How one source file is made up: tensors, and between them the skeleton.
 *
 * <p>Two tensors may share exactly the same bytes (tied weights); any other overlap is refused.
 *
 * @param path path inside the model
 * @param size bytes of the file
 * @param format how it was read
 * @param tensors its tensors, sorted by range; an opaque file has none, or one U8 tensor that is
 *     the whole file
 */
public record FileLayout(String path, long size, FileFormat format, List<SourceTensor> tensors) {
  public FileLayout {
    Objects.requireNonNull(path, "path");
    Objects.requireNonNull(format, "format");
    tensors = tensors.stream().sorted(Comparator.comparing(SourceTensor::range)).toList();
    ByteRange last = new ByteRange(0, 0);
    for (SourceTensor tensor : tensors) {
      ByteRange range = tensor.range();
      boolean alias = range.equals(last) && range.length() > 0;
      if (range.end() > size || (range.offset() < last.end() && range.length() > 0 && !alias)) {
        throw new FormatException(
            ErrorKind.INVALID,
            "tensor-overlap",
            path,
            "tensor '"
                + tensor.info().name()
                + "' at "
                + range
                + " overlaps another one or ends past the file of "
                + size
                + " bytes");
      }
      if (range.length() > 0) {
        last = range;
      }
    }
  }

  /** The bytes that belong to no tensor, in order: together they are the skeleton. */
  public List<ByteRange> skeletonRanges() {
    List<ByteRange> gaps = new ArrayList<>();
    long at = 0;
    for (SourceTensor tensor : tensors) {
      if (tensor.range().length() == 0) {
        continue;
      }
      if (tensor.range().offset() > at) {
        gaps.add(ByteRange.between(at, tensor.range().offset()));
      }
      at = Math.max(at, tensor.range().end());
    }
    if (at < size) {
      gaps.add(ByteRange.between(at, size));
    }
    return List.copyOf(gaps);
  }

  /** Bytes of the skeleton. */
  public long skeletonBytes() {
    return skeletonRanges().stream().mapToLong(ByteRange::length).sum();
  }
}
