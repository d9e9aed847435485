package io.sluice.model;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.zip.CRC32C;

/**
 * CRC32C (RFC 3720, Castagnoli) of bytes that lie together, and of what is put together of such
 * bytes: the checksum is linear, so that of a whole follows from those of its parts.
 */
public final class Crc32c {
  /** The polynomial with its bits reversed: bit 31 is the coefficient of x^0. */
  private static final int POLYNOMIAL = 0x82F63B78;

  private static final int ONE = 1 << 31;
  private static final int X8 = 1 << 23;
  private static final long BLOCK = 1L << 30;
  private static final int COPY = 64 << 10;

  private Crc32c() {}

  /** The checksum of these bytes, of any number. */
  public static int of(MemorySegment bytes) {
    CRC32C crc = new CRC32C();
    if (bytes.isNative() || bytes.heapBase().filter(byte[].class::isInstance).isPresent()) {
      for (long at = 0; at < bytes.byteSize(); at += BLOCK) {
        crc.update(bytes.asSlice(at, Math.min(BLOCK, bytes.byteSize() - at)).asByteBuffer());
      }
    } else {
      byte[] copy = new byte[(int) Math.min(COPY, bytes.byteSize())];
      for (long at = 0; at < bytes.byteSize(); at += copy.length) {
        int length = (int) Math.min(copy.length, bytes.byteSize() - at);
        MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, at, copy, 0, length);
        crc.update(copy, 0, length);
      }
    }
    return (int) crc.getValue();
  }

  /**
   * The checksum of two runs of bytes, one after the other.
   *
   * @param first checksum of the first run
   * @param second checksum of the second run
   * @param secondBytes bytes of the second run
   */
  public static int combine(int first, int second, long secondBytes) {
    if (secondBytes < 0) {
      throw new IllegalArgumentException("a run has 0 or more bytes, got " + secondBytes);
    }
    return multiply(power(secondBytes), first) ^ second;
  }

  /** The four bytes, the highest first, in base64: as object stores show it. */
  public static String toBase64(int crc) {
    return Base64.getEncoder().encodeToString(ByteBuffer.allocate(4).putInt(crc).array());
  }

  /**
   * Reads what {@link #toBase64} wrote.
   *
   * @throws InvalidValueException {@code checksums-invalid}
   */
  public static int fromBase64(String text) {
    int crc = text.length() == 8 ? ChunkChecksums.fromBase64(1, 1, text).crc(0) : 0;
    if (!toBase64(crc).equals(text)) {
      throw new InvalidValueException(
          "checksums-invalid",
          "a checksum is four bytes in base64, got '"
              + text.substring(0, Math.min(80, text.length()))
              + "'");
    }
    return crc;
  }

  /** x^(8 n) modulo the polynomial. */
  private static int power(long n) {
    int result = ONE;
    int square = X8;
    for (long left = n; left > 0; left >>= 1) {
      if ((left & 1) != 0) {
        result = multiply(square, result);
      }
      square = multiply(square, square);
    }
    return result;
  }

  /** The product of two polynomials modulo the polynomial. */
  private static int multiply(int a, int b) {
    int product = 0;
    int shifted = b;
    for (int bit = ONE; bit != 0; bit >>>= 1) {
      if ((a & bit) != 0) {
        product ^= shifted;
      }
      shifted = (shifted & 1) != 0 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1;
    }
    return product;
  }
}
