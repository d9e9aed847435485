package io.sluice.format;

import io.sluice.model.ByteRange;
import io.sluice.model.DType;
import io.sluice.model.TensorInfo;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Reads GGUF files, version 3 and the little-endian version 2, which has the same layout: magic,
 * version, counts, key-value pairs, tensor infos, then the data at the next multiple of {@code
 * general.alignment}.
 *
 * <p>GGUF lists dimensions innermost first; the shapes that come back are outermost first, as
 * everywhere in Sluice. Sources: the GGUF specification and gguf.cpp of ggml; nested arrays and
 * gaps between tensors are taken as the specification has them.
 *
 * <p>Codes: {@code gguf-magic}, {@code -version}, {@code -truncated}, {@code -count}, {@code -key},
 * {@code -string-length}, {@code -utf8}, {@code -value}, {@code -array}, {@code -alignment}, {@code
 * -dims}, {@code -type}, {@code -row}, {@code -offset}; {@code tensor-shape-invalid}, {@code
 * tensor-name-invalid}, {@code tensor-name-duplicate}, {@code tensor-count}, {@code
 * tensor-overlap}.
 */
public final class GgufReader {
  /** The first four bytes, {@code GGUF}, as a little-endian number. */
  static final int MAGIC = 0x46554747;

  /** Largest ggml type id that {@link #type} knows. */
  static final int MAX_TYPE = 41;

  /** Everything in front of the data; tokenizers of today take about 20 MB. */
  static final int MAX_HEADER = 256 << 20;

  private static final int WINDOW = 256 << 10;
  private static final int MAX_PAIRS = 65_536;
  private static final int MAX_KEY = 65_535;
  private static final int MAX_NAME = 64;
  private static final int MAX_DIMS = 4;
  private static final int MAX_ARRAY_DEPTH = 4;
  private static final long MAX_ARRAY = 1 << 26;
  private static final int DEFAULT_ALIGNMENT = 32;
  private static final int MAX_ALIGNMENT = 1 << 30;
  private static final String ALIGNMENT_KEY = "general.alignment";

  private static final int UINT32 = 4;
  private static final int BOOL = 7;
  private static final int STRING = 8;
  private static final int ARRAY = 9;

  /** Bytes of a value by its type id; 0 for strings and arrays. */
  private static final int[] VALUE_BYTES = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

  private final ByteSource source;
  private final SourceCursor in;
  private long alignment = DEFAULT_ALIGNMENT;

  private record Draft(TensorInfo info, long offset) {}

  private GgufReader(ByteSource source) {
    this.source = source;
    this.in = new SourceCursor(source, "gguf", Math.min(source.size(), MAX_HEADER), WINDOW);
  }

  /** Reads where the tensors of a file lie, through a window of 256 KiB. */
  public static FileLayout read(ByteSource source) {
    return new GgufReader(source).read();
  }

  /** The type of a ggml type id, if tensors of files may have it. */
  static Optional<DType> type(int id) {
    return Optional.ofNullable(
        switch (id) {
          case 0 -> DType.F32;
          case 1 -> DType.F16;
          case 2 -> DType.Q4_0;
          case 3 -> DType.Q4_1;
          case 6 -> DType.Q5_0;
          case 7 -> DType.Q5_1;
          case 8 -> DType.Q8_0;
          case 9 -> DType.Q8_1;
          case 10 -> DType.Q2_K;
          case 11 -> DType.Q3_K;
          case 12 -> DType.Q4_K;
          case 13 -> DType.Q5_K;
          case 14 -> DType.Q6_K;
          case 15 -> DType.Q8_K;
          case 16 -> DType.IQ2_XXS;
          case 17 -> DType.IQ2_XS;
          case 18 -> DType.IQ3_XXS;
          case 19 -> DType.IQ1_S;
          case 20 -> DType.IQ4_NL;
          case 21 -> DType.IQ3_S;
          case 22 -> DType.IQ2_S;
          case 23 -> DType.IQ4_XS;
          case 24 -> DType.I8;
          case 25 -> DType.I16;
          case 26 -> DType.I32;
          case 27 -> DType.I64;
          case 28 -> DType.F64;
          case 29 -> DType.IQ1_M;
          case 30 -> DType.BF16;
          case 34 -> DType.TQ1_0;
          case 35 -> DType.TQ2_0;
          case 39 -> DType.MXFP4;
          case 40 -> DType.NVFP4;
          case 41 -> DType.Q1_0;
          default -> null;
        });
  }

  private FileLayout read() {
    int magic = in.u32("the magic");
    if (magic != MAGIC) {
      throw malformed("magic", "starts with 0x%08x, a GGUF file with 'GGUF'".formatted(magic));
    }
    checkVersion(in.u32("the version"));
    long tensorCount = in.u64("the number of tensors");
    long pairCount = in.u64("the number of key-value pairs");
    Tensors.checkCount(source.path(), tensorCount);
    if (pairCount < 0 || pairCount > MAX_PAIRS) {
      throw malformed(
          "count",
          "says it has "
              + Tensors.unsigned(pairCount)
              + " key-value pairs, at most "
              + MAX_PAIRS
              + " are read");
    }
    readPairs((int) pairCount);
    return layout(readTensors((int) tensorCount));
  }

  private void checkVersion(int version) {
    if (version != 0 && (version & 0xffff) == 0) {
      throw malformed("version", "is big-endian; only little-endian GGUF files are read");
    }
    if (version != 2 && version != 3) {
      throw malformed(
          "version",
          "has GGUF version " + Integer.toUnsignedString(version) + ", only 2 and 3 are read");
    }
  }

  private void readPairs(int count) {
    Set<String> keys = new HashSet<>();
    for (int i = 0; i < count; i++) {
      String key = in.utf8(in.u64("a key's length"), MAX_KEY, "key " + i);
      if (key.isEmpty() || !keys.add(key)) {
        throw malformed("key", "key " + i + " '" + Names.printable(key) + "' is empty or repeated");
      }
      int type = in.u32("a value's type");
      if (key.equals(ALIGNMENT_KEY)) {
        readAlignment(type);
      } else {
        skipValue(key, type, 0);
      }
    }
  }

  private void readAlignment(int type) {
    if (type != UINT32) {
      throw malformed("alignment", ALIGNMENT_KEY + " is a uint32 (type 4), got type " + type);
    }
    alignment = Integer.toUnsignedLong(in.u32(ALIGNMENT_KEY));
    if (alignment < 8 || alignment > MAX_ALIGNMENT || Long.bitCount(alignment) != 1) {
      throw malformed(
          "alignment",
          ALIGNMENT_KEY
              + " is a power of two and a multiple of 8, at most "
              + MAX_ALIGNMENT
              + ", got "
              + alignment);
    }
  }

  private void checkType(String key, int type) {
    if (type < 0 || type >= VALUE_BYTES.length) {
      throw malformed(
          "value",
          "key '"
              + Names.printable(key)
              + "' has a value of the unknown type "
              + Integer.toUnsignedString(type));
    }
  }

  private void skipValue(String key, int type, int depth) {
    checkType(key, type);
    switch (type) {
      case BOOL -> {
        int value = in.u8("a bool");
        if (value > 1) {
          throw malformed(
              "value", "key '" + Names.printable(key) + "' has a bool that is " + value);
        }
      }
      case STRING -> in.skip(in.u64("a string's length"), "a string");
      case ARRAY -> skipArray(key, depth + 1);
      default -> in.skip(VALUE_BYTES[type], "a value");
    }
  }

  private void skipArray(String key, int depth) {
    if (depth > MAX_ARRAY_DEPTH) {
      throw malformed(
          "array",
          "key '" + Names.printable(key) + "' nests arrays deeper than " + MAX_ARRAY_DEPTH);
    }
    int type = in.u32("an array's type");
    checkType(key, type);
    long count = in.u64("an array's length");
    if (count < 0 || count > MAX_ARRAY) {
      throw malformed(
          "array",
          "key '"
              + Names.printable(key)
              + "' has an array of "
              + Tensors.unsigned(count)
              + " elements, at most "
              + MAX_ARRAY
              + " are read");
    }
    if (VALUE_BYTES[type] > 0 && type != BOOL) {
      in.skip(count * VALUE_BYTES[type], "an array");
      return;
    }
    for (long i = 0; i < count; i++) {
      skipValue(key, type, depth);
    }
  }

  private List<Draft> readTensors(int count) {
    // The list grows with what was read, not with what the count claims.
    List<Draft> drafts = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (int i = 0; i < count; i++) {
      String name = in.utf8(in.u64("a tensor name's length"), MAX_NAME, "the name of tensor " + i);
      Names.checkTensor(source.path(), name);
      if (!names.add(name)) {
        throw FormatException.malformed(
            "tensor-name-duplicate", source.path(), "two tensors are named '" + name + "'");
      }
      drafts.add(readTensor(name));
    }
    return drafts;
  }

  private Draft readTensor(String name) {
    int dims = in.u32("the number of dimensions");
    if (dims < 0 || dims > MAX_DIMS) {
      throw malformed(
          "dims",
          "tensor '"
              + name
              + "' has "
              + Integer.toUnsignedString(dims)
              + " dimensions, at most "
              + MAX_DIMS);
    }
    List<Long> shape = new ArrayList<>(dims);
    for (int d = 0; d < dims; d++) {
      shape.addFirst(in.u64("a dimension"));
    }
    int id = in.u32("a tensor's type");
    DType dtype =
        type(id)
            .orElseThrow(
                () ->
                    malformed(
                        "type",
                        "tensor '"
                            + name
                            + "' has the unknown ggml type "
                            + Integer.toUnsignedString(id)));
    long row = shape.isEmpty() ? 1 : shape.getLast();
    if (row % dtype.blockElements() != 0) {
      throw malformed(
          "row",
          "tensor '"
              + name
              + "' has rows of "
              + row
              + " elements, not a multiple of the "
              + dtype.blockElements()
              + " in a block of "
              + dtype);
    }
    long offset = in.u64("a tensor's offset");
    if (offset < 0 || offset % alignment != 0) {
      throw malformed(
          "offset",
          "tensor '"
              + name
              + "' has the offset "
              + Tensors.unsigned(offset)
              + ", not a multiple of the alignment "
              + alignment);
    }
    return new Draft(Tensors.info(source.path(), name, dtype, shape), offset);
  }

  private FileLayout layout(List<Draft> drafts) {
    long dataStart = Math.ceilDiv(in.position(), alignment) * alignment;
    List<SourceTensor> tensors = new ArrayList<>(drafts.size());
    for (Draft draft : drafts) {
      long bytes = draft.info().bytes();
      long room = source.size() - dataStart;
      if (draft.offset() > room || bytes > room - draft.offset()) {
        throw malformed(
            "offset",
            "tensor '"
                + draft.info().name()
                + "' takes "
                + bytes
                + " bytes at offset "
                + draft.offset()
                + " of the data, which has "
                + Math.max(room, 0));
      }
      tensors.add(Tensors.at(draft.info(), new ByteRange(dataStart + draft.offset(), bytes)));
    }
    checkDisjoint(tensors);
    return new FileLayout(source.path(), source.size(), FileFormat.GGUF, tensors);
  }

  /** GGUF has no tied tensors: no two share a byte, not even all of them. */
  private void checkDisjoint(List<SourceTensor> tensors) {
    List<SourceTensor> sorted =
        tensors.stream()
            .filter(tensor -> tensor.range().length() > 0)
            .sorted((a, b) -> a.range().compareTo(b.range()))
            .toList();
    for (int i = 1; i < sorted.size(); i++) {
      if (sorted.get(i).range().overlaps(sorted.get(i - 1).range())) {
        throw FormatException.malformed(
            "tensor-overlap",
            source.path(),
            "tensors '"
                + sorted.get(i - 1).info().name()
                + "' and '"
                + sorted.get(i).info().name()
                + "' share bytes");
      }
    }
  }

  private FormatException malformed(String suffix, String message) {
    return FormatException.malformed("gguf-" + suffix, source.path(), message);
  }
}
