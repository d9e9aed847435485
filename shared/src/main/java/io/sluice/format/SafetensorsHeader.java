package io.sluice.format;

import io.sluice.model.ByteRange;
import io.sluice.model.InvalidValueException;
import io.sluice.model.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The header of a safetensors file: what its data section holds, without a byte of it.
 *
 * <p>{@link #toBytes} is frozen, since shard objects are named by their content: {@code
 * __metadata__} first if there is any, keys sorted by their UTF-16 code units; then the tensors in
 * order of their data; no white space inside; spaces at the end until the data section starts at a
 * multiple of {@value #ALIGNMENT} bytes of the file. Source: the safetensors format description.
 *
 * @param metadata the {@code __metadata__} map
 * @param entries the tensors in order of their data: from 0 on, without hole or overlap
 */
public record SafetensorsHeader(SortedMap<String, String> metadata, List<Entry> entries) {
  /** The key that is no tensor. */
  public static final String METADATA = "__metadata__";

  /** Longest header in bytes, the limit of the format's reference implementation. */
  public static final int MAX_BYTES = 100_000_000;

  /** The data section that {@link #toBytes} makes room for starts at a multiple of this. */
  public static final int ALIGNMENT = 64;

  /** Bytes of the length in front of the header. */
  static final int LENGTH_BYTES = 8;

  /**
   * A tensor in the data section.
   *
   * @param info name, dtype (one that safetensors knows), shape
   * @param data its bytes, counted from the start of the data section
   */
  public record Entry(TensorInfo info, ByteRange data) {
    public Entry {
      Objects.requireNonNull(info, "info");
      Objects.requireNonNull(data, "data");
      if (!info.dtype().inSafetensors()) {
        throw invalid(info, "has the type " + info.dtype() + ", which safetensors does not know");
      }
      if (data.length() != info.bytes()) {
        throw invalid(
            info,
            "of "
                + info.dtype()
                + info.shape()
                + " takes "
                + info.bytes()
                + " bytes, its data has "
                + data.length());
      }
    }
  }

  public SafetensorsHeader {
    metadata = Collections.unmodifiableSortedMap(new TreeMap<>(metadata));
    metadata.forEach(
        (key, value) -> {
          if (!Names.wellFormed(key) || !Names.wellFormed(value)) {
            throw new InvalidValueException(
                "safetensors-metadata",
                "metadata '" + Names.printable(key) + "' has half of a surrogate pair");
          }
        });
    entries = List.copyOf(entries);
    Set<String> names = HashSet.newHashSet(entries.size());
    long end = 0;
    for (Entry entry : entries) {
      if (entry.info().name().equals(METADATA) || !names.add(entry.info().name())) {
        throw invalid(entry.info(), "is named twice or like the metadata");
      }
      if (entry.data().offset() != end) {
        throw invalid(
            entry.info(),
            "starts at "
                + entry.data().offset()
                + " of the data, expected "
                + end
                + ": tensors leave no hole and do not overlap");
      }
      end = entry.data().end();
    }
  }

  /** The header of tensors that lie one behind the other in the given order. */
  public static SafetensorsHeader of(List<TensorInfo> tensors, Map<String, String> metadata) {
    List<Entry> entries = new ArrayList<>(tensors.size());
    long at = 0;
    for (TensorInfo tensor : tensors) {
      Entry entry = new Entry(tensor, new ByteRange(at, tensor.bytes()));
      entries.add(entry);
      at = entry.data().end();
    }
    return new SafetensorsHeader(new TreeMap<>(metadata), entries);
  }

  /** Bytes of the data section. */
  public long dataBytes() {
    return entries.isEmpty() ? 0 : entries.getLast().data().end();
  }

  /**
   * The file up to its data section: the length, the JSON and the padding. Their number is a
   * multiple of {@value #ALIGNMENT}.
   *
   * @throws InvalidValueException if the header exceeds {@value #MAX_BYTES} bytes
   */
  public byte[] toBytes() {
    byte[] json = json().getBytes(StandardCharsets.UTF_8);
    int total = Math.ceilDiv(LENGTH_BYTES + json.length, ALIGNMENT) * ALIGNMENT;
    int length = total - LENGTH_BYTES;
    if (length > MAX_BYTES) {
      throw new InvalidValueException(
          "safetensors-header-length",
          "a safetensors header has at most "
              + MAX_BYTES
              + " bytes, "
              + entries.size()
              + " tensors take "
              + length);
    }
    ByteBuffer file = ByteBuffer.allocate(total).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(length).put(json);
    while (file.hasRemaining()) {
      file.put((byte) ' ');
    }
    return file.array();
  }

  private String json() {
    StringBuilder out = new StringBuilder(128 * (entries.size() + 1)).append('{');
    if (!metadata.isEmpty()) {
      quote(out, METADATA).append(":{");
      String separator = "";
      for (Map.Entry<String, String> pair : metadata.entrySet()) {
        quote(quote(out.append(separator), pair.getKey()).append(':'), pair.getValue());
        separator = ",";
      }
      out.append('}');
    }
    String separator = metadata.isEmpty() ? "" : ",";
    for (Entry entry : entries) {
      TensorInfo info = entry.info();
      quote(out.append(separator), info.name())
          .append(":{\"dtype\":\"")
          .append(info.dtype())
          .append("\",\"shape\":[");
      String comma = "";
      for (long dim : info.shape()) {
        out.append(comma).append(dim);
        comma = ",";
      }
      out.append("],\"data_offsets\":[")
          .append(entry.data().offset())
          .append(',')
          .append(entry.data().end())
          .append("]}");
      separator = ",";
    }
    return out.append('}').toString();
  }

  /** A JSON string that escapes only what RFC 8259 demands. */
  private static StringBuilder quote(StringBuilder out, String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        out.append('\\').append(c);
      } else if (c < ' ') {
        out.append(String.format("\\u%04x", (int) c));
      } else {
        out.append(c);
      }
    }
    return out.append('"');
  }

  private static InvalidValueException invalid(TensorInfo info, String message) {
    return new InvalidValueException(
        "safetensors-header-invalid", "tensor '" + info.name() + "' " + message);
  }
}
