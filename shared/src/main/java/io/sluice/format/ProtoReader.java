package io.sluice.format;

import io.sluice.model.ByteRange;

/**
 * Walks a message in the protobuf wire format: field by field, without a schema. Every length is
 * checked against the enclosing message before anything follows from it. Groups, which ONNX has
 * none of, are refused. Source: the protobuf encoding documentation.
 *
 * <p>Errors are {@link FormatException}s of the codes {@code onnx-truncated}, {@code onnx-varint}
 * and {@code onnx-wire-type}.
 */
final class ProtoReader {
  static final int VARINT = 0;
  static final int FIXED64 = 1;
  static final int BYTES = 2;
  static final int FIXED32 = 5;

  private static final int WINDOW = 64 << 10;

  private final SourceCursor in;
  private int field;
  private int wire;

  ProtoReader(ByteSource source) {
    this.in = new SourceCursor(source, "onnx", source.size(), WINDOW);
  }

  /** Goes to the next field of the message; false at its end. */
  boolean next() {
    if (in.remaining() == 0) {
      return false;
    }
    long tag = varint();
    long number = tag >>> 3;
    if (number < 1 || number >= 1 << 29) {
      throw FormatException.malformed(
          "onnx-wire-type",
          in.path(),
          "field number "
              + Tensors.unsigned(number)
              + " before offset "
              + in.position()
              + " is not in [1, 2^29)");
    }
    field = (int) number;
    wire = (int) (tag & 7);
    return true;
  }

  /** Number of the field. */
  int field() {
    return field;
  }

  /** Its wire type. */
  int wire() {
    return wire;
  }

  /** Where the cursor is. */
  long position() {
    return in.position();
  }

  /** Checks the field's wire type. */
  void expect(int expected) {
    if (wire != expected) {
      throw wireType();
    }
  }

  /** The field's varint. */
  long varintField() {
    expect(VARINT);
    return varint();
  }

  /** Goes into the field's message; pass what comes back to {@link #leave}. */
  long enter() {
    long length = length();
    long outer = in.limit();
    in.limit(in.position() + length);
    return outer;
  }

  /** Goes to the end of a message and back into the enclosing one. */
  void leave(long outer) {
    in.seek(in.limit());
    in.limit(outer);
  }

  /** Goes over the field's bytes and says where they lie. */
  ByteRange range() {
    long length = length();
    ByteRange range = new ByteRange(in.position(), length);
    in.skip(length, "a field");
    return range;
  }

  /** The field's bytes, at most {@code max}, as UTF-8. */
  String string(int max, String what) {
    return in.utf8(length(), max, what);
  }

  /** Goes over the field. */
  void skip() {
    switch (wire) {
      case VARINT -> varint();
      case FIXED64 -> in.skip(8, "a field");
      case BYTES -> range();
      case FIXED32 -> in.skip(4, "a field");
      default -> throw wireType();
    }
  }

  /** Walks {@code range} of the file as the inside of a message. */
  void restrict(ByteRange range) {
    in.limit(range.end());
    in.seek(range.offset());
  }

  /** A varint inside a packed field. */
  long varint() {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      int b = in.u8("a varint");
      if (shift == 63 && b > 1) {
        break;
      }
      value |= (long) (b & 0x7f) << shift;
      if (b < 0x80) {
        return value;
      }
    }
    throw FormatException.malformed(
        "onnx-varint", in.path(), "the varint before offset " + in.position() + " exceeds 64 bits");
  }

  /** Whether the message has more bytes. */
  boolean more() {
    return in.remaining() > 0;
  }

  private long length() {
    expect(BYTES);
    long length = varint();
    in.require(length, "field " + field);
    return length;
  }

  private FormatException wireType() {
    return FormatException.malformed(
        "onnx-wire-type",
        in.path(),
        "field " + field + " before offset " + in.position() + " has the wire type " + wire);
  }
}
