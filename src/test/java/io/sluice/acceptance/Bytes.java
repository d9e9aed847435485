package io.sluice.acceptance;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Little-endian bytes, one after the other, with what GGUF and protobuf need. */
final class Bytes {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  Bytes u8(int value) {
    bytes.write(value);
    return this;
  }

  Bytes u32(int value) {
    return little(value, 4);
  }

  Bytes u64(long value) {
    return little(value, 8);
  }

  Bytes raw(byte[] value) {
    bytes.writeBytes(value);
    return this;
  }

  Bytes text(String value) {
    return raw(value.getBytes(StandardCharsets.UTF_8));
  }

  Bytes zeros(int count) {
    return raw(new byte[count]);
  }

  Bytes align(int alignment) {
    return zeros(Math.floorMod(-bytes.size(), alignment));
  }

  int size() {
    return bytes.size();
  }

  byte[] get() {
    return bytes.toByteArray();
  }

  /** A string of GGUF: its length in 8 bytes, then the bytes. */
  Bytes ggufString(String value) {
    return u64(value.getBytes(StandardCharsets.UTF_8).length).text(value);
  }

  /** A field of protobuf with a number. */
  Bytes protoNumber(int field, long value) {
    return varint((long) field << 3).varint(value);
  }

  /** A field of protobuf with bytes: a text, a message, packed numbers. */
  Bytes protoBytes(int field, byte[] value) {
    return varint((long) field << 3 | 2).varint(value.length).raw(value);
  }

  Bytes protoText(int field, String value) {
    return protoBytes(field, value.getBytes(StandardCharsets.UTF_8));
  }

  Bytes varint(long value) {
    long rest = value;
    for (; (rest & ~0x7fL) != 0; rest >>>= 7) {
      u8((int) rest & 0x7f | 0x80);
    }
    return u8((int) rest);
  }

  private Bytes little(long value, int count) {
    for (int i = 0; i < count; i++) {
      u8((int) (value >>> 8 * i));
    }
    return this;
  }
}
