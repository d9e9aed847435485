package io.sluice.format;

import io.sluice.model.ByteRange;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Takes a file apart as its layout says, into one run of skeleton bytes and the bytes of each
 * tensor, and puts it together again from nothing but these: the proof that a layout loses nothing.
 */
final class Reassembler {
  private Reassembler() {}

  static byte[] roundTrip(FileLayout layout, byte[] file) {
    ByteArrayOutputStream skeleton = new ByteArrayOutputStream();
    for (ByteRange range : layout.skeletonRanges()) {
      skeleton.writeBytes(slice(file, range));
    }
    List<byte[]> tensors = new ArrayList<>();
    for (SourceTensor tensor : layout.tensors()) {
      tensors.add(slice(file, tensor.range()));
    }
    return assemble(layout, skeleton.toByteArray(), tensors);
  }

  /** A file of {@code layout.size()} bytes: tensors at their offsets, skeleton everywhere else. */
  static byte[] assemble(FileLayout layout, byte[] skeleton, List<byte[]> tensors) {
    byte[] file = new byte[Math.toIntExact(layout.size())];
    for (int i = 0; i < tensors.size(); i++) {
      byte[] tensor = tensors.get(i);
      long offset = layout.tensors().get(i).range().offset();
      System.arraycopy(tensor, 0, file, (int) offset, tensor.length);
    }
    int at = 0;
    for (ByteRange range : layout.skeletonRanges()) {
      System.arraycopy(skeleton, at, file, (int) range.offset(), (int) range.length());
      at += (int) range.length();
    }
    if (at != skeleton.length) {
      throw new AssertionError("skeleton has " + skeleton.length + " bytes, " + at + " are placed");
    }
    return file;
  }

  static byte[] slice(byte[] file, ByteRange range) {
    return Arrays.copyOfRange(file, (int) range.offset(), (int) range.end());
  }
}
