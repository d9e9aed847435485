package io.sluice.format;

import com.fasterxml.jackson.core.JsonToken;
import io.sluice.model.ByteRange;
import io.sluice.model.DType;
import io.sluice.model.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Reads safetensors files: eight bytes of header length (little-endian), a JSON object padded with
 * spaces, then the data, which the tensors cover without hole or overlap.
 *
 * <p>Stricter than the reference implementation where that one is silent: duplicate keys, unknown
 * fields and a {@code __metadata__} that is no map of strings are refused. Codes: {@code
 * safetensors-truncated}, {@code -header-length}, {@code -header-padding}, {@code -header-json},
 * {@code -header-utf8}, {@code -header-number}, {@code -header-duplicate-key}, {@code -metadata},
 * {@code -entry}, {@code -dtype}, {@code -offsets}, {@code -coverage}; {@code
 * tensor-shape-invalid}, {@code tensor-name-invalid}, {@code tensor-count}.
 */
public final class SafetensorsReader {
  private static final int MIN_FILE = SafetensorsHeader.LENGTH_BYTES;

  private final String path;
  private final Map<String, String> metadata = new TreeMap<>();
  private final List<Draft> drafts = new ArrayList<>();

  private record Draft(TensorInfo info, long begin, long end) {}

  /**
   * A header and where the data begins.
   *
   * @param header what the file says
   * @param dataOffset first byte of the data section in the file
   */
  public record Parsed(SafetensorsHeader header, long dataOffset) {}

  private SafetensorsReader(String path) {
    this.path = path;
  }

  /** Reads where the tensors of a file lie. Takes memory in proportion to the header only. */
  public static FileLayout read(ByteSource source) {
    Parsed parsed = readHeader(source);
    List<SourceTensor> tensors = new ArrayList<>(parsed.header().entries().size());
    for (SafetensorsHeader.Entry entry : parsed.header().entries()) {
      ByteRange data = entry.data();
      tensors.add(
          Tensors.at(
              entry.info(), new ByteRange(parsed.dataOffset() + data.offset(), data.length())));
    }
    return new FileLayout(source.path(), source.size(), FileFormat.SAFETENSORS, tensors);
  }

  /** Reads a header with its metadata, checked against the size of the file. */
  public static Parsed readHeader(ByteSource source) {
    String path = source.path();
    long size = source.size();
    if (size < MIN_FILE) {
      throw FormatException.malformed(
          "safetensors-truncated",
          path,
          "a safetensors file has at least " + MIN_FILE + " bytes, this one has " + size);
    }
    byte[] lengthBytes = SourceCursor.readAll(source, new ByteRange(0, MIN_FILE));
    long length = ByteBuffer.wrap(lengthBytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
    long most = Math.min(SafetensorsHeader.MAX_BYTES, size - MIN_FILE);
    if (length < 0 || length > most) {
      throw FormatException.malformed(
          "safetensors-header-length",
          path,
          "the header says it has "
              + Tensors.unsigned(length)
              + " bytes, at most "
              + most
              + " are possible in a file of "
              + size);
    }
    byte[] header = SourceCursor.readAll(source, new ByteRange(MIN_FILE, length));
    checkPadding(path, header);
    SafetensorsReader reader = new SafetensorsReader(path);
    reader.parse(header);
    return new Parsed(reader.cover(size - MIN_FILE - length), MIN_FILE + length);
  }

  /** The object may be followed by spaces, by no other white space. */
  private static void checkPadding(String path, byte[] header) {
    int end = header.length;
    while (end > 0 && header[end - 1] == ' ') {
      end--;
    }
    if (end > 0 && header[0] == '{' && header[end - 1] != '}') {
      throw FormatException.malformed(
          "safetensors-header-padding",
          path,
          "the header ends in byte 0x"
              + Integer.toHexString(header[end - 1] & 0xff)
              + ", expected '}' and then spaces only");
    }
  }

  private void parse(byte[] header) {
    try (StrictJson json = new StrictJson(path, "safetensors-header", header)) {
      json.members(
          key -> {
            if (key.equals(SafetensorsHeader.METADATA)) {
              metadata(json);
            } else {
              tensor(json, key);
            }
          });
      json.end();
    }
  }

  private void metadata(StrictJson json) {
    if (json.token() != JsonToken.START_OBJECT) {
      throw malformed("metadata", "__metadata__ is a map of strings, found " + json.found());
    }
    json.members(
        key -> {
          if (json.token() != JsonToken.VALUE_STRING) {
            throw malformed(
                "metadata",
                "metadata '" + Names.printable(key) + "' is a string, found " + json.found());
          }
          metadata.put(key, json.string("metadata"));
        });
  }

  private void tensor(StrictJson json, String name) {
    Tensors.checkCount(path, drafts.size() + 1L);
    Names.checkTensor(path, name);
    if (json.token() != JsonToken.START_OBJECT) {
      throw malformed("entry", "tensor '" + name + "' is an object, found " + json.found());
    }
    DType dtype = null;
    List<Long> shape = null;
    List<Long> offsets = null;
    while (json.next() == JsonToken.FIELD_NAME) {
      String field = json.name();
      json.next();
      boolean repeated;
      switch (field) {
        case "dtype" -> {
          repeated = dtype != null;
          dtype = dtype(name, json.string("the dtype of tensor '" + name + "'"));
        }
        case "shape" -> {
          repeated = shape != null;
          shape = naturals(json, name, "shape", TensorInfo.MAX_RANK);
        }
        case "data_offsets" -> {
          repeated = offsets != null;
          offsets = naturals(json, name, "data_offsets", 2);
        }
        default ->
            throw malformed(
                "entry",
                "tensor '" + name + "' has the unknown field '" + Names.printable(field) + "'");
      }
      if (repeated) {
        throw json.duplicate(field);
      }
    }
    if (dtype == null || shape == null || offsets == null) {
      throw malformed("entry", "tensor '" + name + "' lacks its dtype, shape or data_offsets");
    }
    if (offsets.size() != 2 || offsets.get(0) > offsets.get(1)) {
      throw malformed(
          "offsets",
          "data_offsets of tensor '" + name + "' are a begin and an end, got " + offsets);
    }
    TensorInfo info = Tensors.info(path, name, dtype, shape);
    long length = offsets.get(1) - offsets.get(0);
    if (length != info.bytes()) {
      throw malformed(
          "offsets",
          "tensor '"
              + name
              + "' of "
              + dtype
              + shape
              + " takes "
              + info.bytes()
              + " bytes, its data_offsets "
              + offsets
              + " span "
              + length);
    }
    drafts.add(new Draft(info, offsets.get(0), offsets.get(1)));
  }

  private DType dtype(String name, String text) {
    Optional<DType> dtype = DType.byName(text).filter(DType::inSafetensors);
    return dtype.orElseThrow(
        () ->
            malformed(
                "dtype",
                "tensor '" + name + "' has the unknown dtype '" + Names.printable(text) + "'"));
  }

  private List<Long> naturals(StrictJson json, String name, String field, int most) {
    if (json.token() != JsonToken.START_ARRAY) {
      throw malformed(
          "entry", field + " of tensor '" + name + "' is an array, found " + json.found());
    }
    List<Long> values = new ArrayList<>(4);
    while (json.next() != JsonToken.END_ARRAY) {
      if (values.size() == most) {
        throw malformed(
            "entry", field + " of tensor '" + name + "' has more than " + most + " numbers");
      }
      values.add(json.natural(field + " of tensor '" + name + "'"));
    }
    return values;
  }

  /** Checks that the tensors cover the data section exactly. */
  private SafetensorsHeader cover(long dataBytes) {
    List<SafetensorsHeader.Entry> entries = new ArrayList<>(drafts.size());
    drafts.sort(Comparator.comparingLong(Draft::begin).thenComparingLong(Draft::end));
    long at = 0;
    for (Draft draft : drafts) {
      if (draft.begin() != at) {
        throw malformed(
            "coverage",
            "tensor '"
                + draft.info().name()
                + "' begins at "
                + draft.begin()
                + " of the data, expected "
                + at
                + ": a "
                + (draft.begin() > at ? "hole" : "overlap"));
      }
      at = draft.end();
      entries.add(new SafetensorsHeader.Entry(draft.info(), ByteRange.between(draft.begin(), at)));
    }
    if (at != dataBytes) {
      throw malformed(
          "coverage", "the tensors take " + at + " bytes, the file has " + dataBytes + " of data");
    }
    return new SafetensorsHeader(new TreeMap<>(metadata), entries);
  }

  private FormatException malformed(String suffix, String message) {
    return FormatException.malformed("safetensors-" + suffix, path, message);
  }
}
