package io.sluice.model;

import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The element type of a tensor: those of safetensors under their names there, then the block
 * quantizations of GGUF (ggml) that safetensors has no name for.
 *
 * <p>A block type stores {@link #blockElements} elements of one row in {@link #blockBytes} bytes.
 * For a plain type a block is the smallest whole number of bytes (two 4-bit elements, four 6-bit
 * ones, one of the others).
 *
 * <p>Sources: the safetensors format (dtype list of its reference implementation) and ggml's type
 * traits (block sizes of the GGUF tensor types).
 */
public enum DType {
  BOOL(Kind.BOOL, 8),
  U8(Kind.UNSIGNED, 8),
  I8(Kind.SIGNED, 8),
  U16(Kind.UNSIGNED, 16),
  I16(Kind.SIGNED, 16),
  U32(Kind.UNSIGNED, 32),
  I32(Kind.SIGNED, 32),
  U64(Kind.UNSIGNED, 64),
  I64(Kind.SIGNED, 64),
  F16(Kind.FLOAT, 16),
  BF16(Kind.FLOAT, 16),
  F32(Kind.FLOAT, 32),
  F64(Kind.FLOAT, 64),
  C64(Kind.COMPLEX, 64),
  F8_E4M3(Kind.FLOAT, 8),
  F8_E5M2(Kind.FLOAT, 8),
  F8_E8M0(Kind.FLOAT, 8),
  F8_E4M3FNUZ(Kind.FLOAT, 8),
  F8_E5M2FNUZ(Kind.FLOAT, 8),
  F6_E2M3(Kind.FLOAT, 6),
  F6_E3M2(Kind.FLOAT, 6),
  F4(Kind.FLOAT, 4),

  Q4_0(32, 18),
  Q4_1(32, 20),
  Q5_0(32, 22),
  Q5_1(32, 24),
  Q8_0(32, 34),
  Q8_1(32, 36),
  Q2_K(256, 84),
  Q3_K(256, 110),
  Q4_K(256, 144),
  Q5_K(256, 176),
  Q6_K(256, 210),
  Q8_K(256, 292),
  IQ2_XXS(256, 66),
  IQ2_XS(256, 74),
  IQ3_XXS(256, 98),
  IQ1_S(256, 50),
  IQ4_NL(32, 18),
  IQ3_S(256, 110),
  IQ2_S(256, 82),
  IQ4_XS(256, 136),
  IQ1_M(256, 56),
  TQ1_0(256, 54),
  TQ2_0(256, 66),
  MXFP4(32, 17),
  NVFP4(64, 36),
  Q1_0(128, 18);

  /** What the bits of an element mean. */
  public enum Kind {
    BOOL,
    UNSIGNED,
    SIGNED,
    FLOAT,
    COMPLEX,
    QUANTIZED
  }

  private static final Map<String, DType> BY_NAME =
      Stream.of(values()).collect(Collectors.toUnmodifiableMap(DType::name, Function.identity()));

  private final Kind kind;
  private final int blockElements;
  private final int blockBytes;

  DType(Kind kind, int bits) {
    this.kind = kind;
    this.blockElements = bits == 4 ? 2 : bits == 6 ? 4 : 1;
    this.blockBytes = bits * blockElements / 8;
  }

  DType(int blockElements, int blockBytes) {
    this.kind = Kind.QUANTIZED;
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
  }

  /** The type of that exact name. */
  public static Optional<DType> byName(String name) {
    return Optional.ofNullable(BY_NAME.get(name));
  }

  public Kind kind() {
    return kind;
  }

  /** Elements of one block. */
  public int blockElements() {
    return blockElements;
  }

  /** Bytes of one block; for a plain type of whole bytes, the bytes of an element. */
  public int blockBytes() {
    return blockBytes;
  }

  /** Whether an element is one number in whole bytes of its own. */
  public boolean isNumber() {
    return kind != Kind.COMPLEX && kind != Kind.QUANTIZED && blockElements == 1;
  }

  /** Whether a safetensors header knows this type; if not, its bytes are stored there as U8. */
  public boolean inSafetensors() {
    return kind != Kind.QUANTIZED;
  }

  /** Alignment in bytes that an array of this type wants: 1, 2, 4 or 8. */
  public int alignment() {
    if (kind == Kind.QUANTIZED || blockElements > 1) {
      return 1;
    }
    return kind == Kind.COMPLEX ? 4 : blockBytes;
  }

  /**
   * Bytes of {@code elements} elements.
   *
   * @throws InvalidValueException if they are not a whole number of blocks or overflow 63 bits
   */
  public long bytes(long elements) {
    if (elements < 0 || elements % blockElements != 0) {
      throw new InvalidValueException(
          "tensor-shape-invalid",
          elements
              + " elements of "
              + this
              + " are not a whole number of its blocks of "
              + blockElements);
    }
    try {
      return Math.multiplyExact(elements / blockElements, (long) blockBytes);
    } catch (ArithmeticException e) {
      throw new InvalidValueException(
          "tensor-shape-invalid", elements + " elements of " + this + " exceed 2^63 - 1 bytes");
    }
  }
}
