package io.sluice.storage.hbase;

import io.sluice.storage.ObjectKeys;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Optional;
import java.util.zip.CRC32;

/**
 * The rows of the table.
 *
 * <p>An object has one row under {@code k} and its key, and one row for each {@value #CELL} bytes.
 * Those begin with two hexadecimal digits that depend on the write and the number of the cell, so
 * that the cells of one object spread over all regions of a table that is split by such digits.
 */
final class HbaseRows {
  /** Bytes of a cell; only the last one of an object has fewer. */
  static final int CELL = 1 << 20;

  /** What a write is called: so many hexadecimal digits. */
  static final int ID = 16;

  private static final String KEYS = "k";

  private HbaseRows() {}

  /** The row of an object. */
  static String ofKey(String key) {
    return KEYS + encode(ObjectKeys.check(key));
  }

  /** The first row of objects whose keys begin so. */
  static String ofPrefix(String prefix) {
    return KEYS + encode(ObjectKeys.checkPrefix(prefix));
  }

  /** The row behind all of those that begin so: {@code ~} is the last character of any row. */
  static String behind(String row) {
    return row + "~~";
  }

  /** The key of an object's row; none if it is no such row. */
  static Optional<String> key(String row) {
    if (!row.startsWith(KEYS)) {
      return Optional.empty();
    }
    byte[] bytes = new byte[row.length()];
    int length = 0;
    for (int i = 1; i < row.length(); i++) {
      char c = row.charAt(i);
      if (c != '~') {
        bytes[length++] = (byte) c;
      } else if (i + 2 < row.length()
          && HexFormat.isHexDigit(row.charAt(i + 1))
          && HexFormat.isHexDigit(row.charAt(i + 2))) {
        bytes[length++] = (byte) HexFormat.fromHexDigits(row, i + 1, i + 3);
        i += 2;
      } else {
        return Optional.empty();
      }
    }
    try {
      String key =
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, 0, length)).toString();
      return encode(key).equals(row.substring(1)) ? Optional.of(key) : Optional.empty();
    } catch (CharacterCodingException e) {
      return Optional.empty(); // a row of somebody else
    }
  }

  /** The row of a cell of an object. */
  static String ofCell(String id, long number) {
    String name = id + String.format("%08x", number);
    CRC32 crc = new CRC32();
    crc.update(name.getBytes(StandardCharsets.US_ASCII));
    return HexFormat.of().toHexDigits((byte) crc.getValue()) + name;
  }

  /** How many cells so many bytes have. */
  static long cells(long bytes) {
    return Math.ceilDiv(bytes, (long) CELL);
  }

  /** Letters, digits, dots, hyphens and underscores stay; every other byte is {@code ~XX}. */
  private static String encode(String text) {
    StringBuilder row = new StringBuilder(text.length() + 16);
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (b & 0xff);
      boolean kept =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || c == '.'
              || c == '-'
              || c == '_';
      if (kept) {
        row.append(c);
      } else {
        row.append('~').append(HexFormat.of().toHexDigits(b));
      }
    }
    return row.toString();
  }
}
