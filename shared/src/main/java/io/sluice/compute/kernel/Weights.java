package io.sluice.compute.kernel;

import io.sluice.model.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import java.util.Set;

/**
 * A matrix W of a product x Wᵀ, wherever and however its elements lie, of {@link #rows} outputs by
 * {@link #columns} inputs. It is read in blocks, as floats.
 *
 * <p>Quantized elements are turned into floats as {@code q * scale}, rounded once.
 */
public abstract sealed class Weights {

  private static final Set<DType> TYPES = Set.of(DType.F32, DType.F16, DType.BF16, DType.Q8_0);

  private final int rows;
  private final int columns;

  private Weights(int rows, int columns) {
    if (rows < 0 || columns < 0) {
      throw new IllegalArgumentException("a matrix of " + rows + " x " + columns);
    }
    this.rows = rows;
    this.columns = columns;
  }

  /** Whether matrices of elements of that type can be read (I8 with scales aside). */
  public static boolean supports(DType dtype) {
    return TYPES.contains(dtype);
  }

  /** Floats in an array, row by row from {@code offset}, [out, in]; read in place. */
  public static Weights of(float[] data, int offset, int rows, int columns) {
    return new InArray(data, offset, rows, columns);
  }

  /**
   * Elements outside the heap, row by row, [out, in].
   *
   * @param data of any alignment, little-endian
   * @throws IllegalArgumentException if the type is none of those or the size does not fit
   */
  public static Weights of(MemorySegment data, DType dtype, int rows, int columns) {
    requireSize(data, dtype, rows, columns);
    return new InSegment(data, dtype, rows, columns);
  }

  /**
   * Elements outside the heap that lie as [in, out]: row by row of the transposed matrix.
   *
   * @param rows outputs, the length of a stored row
   * @param columns inputs, the number of stored rows
   */
  public static Weights transposed(MemorySegment data, DType dtype, int rows, int columns) {
    return new Transposed(of(data, dtype, columns, rows));
  }

  /**
   * Bytes with one scale a row, [out, in].
   *
   * @param scales one for each row, from {@code offset}
   */
  public static Weights scaled(
      MemorySegment data, float[] scales, int offset, int rows, int columns) {
    requireSize(data, DType.I8, rows, columns);
    Objects.checkFromIndexSize(offset, rows, scales.length);
    return new Scaled(data, scales, offset, rows, columns);
  }

  private static void requireSize(MemorySegment data, DType dtype, int rows, int columns) {
    if (dtype != DType.I8 && !supports(dtype)) {
      throw new IllegalArgumentException("no products of " + dtype);
    }
    if (columns % dtype.blockElements() != 0) {
      throw new IllegalArgumentException("a row of " + columns + " elements of " + dtype);
    }
    long bytes = dtype.bytes(Math.multiplyExact((long) rows, (long) columns));
    if (data.byteSize() != bytes) {
      throw new IllegalArgumentException(
          rows
              + " x "
              + columns
              + " of "
              + dtype
              + " are "
              + bytes
              + " bytes, not "
              + data.byteSize());
    }
  }

  /** Outputs. */
  public final int rows() {
    return rows;
  }

  /** Inputs. */
  public final int columns() {
    return columns;
  }

  /**
   * This matrix as floats in an array, [out, in]: for one that is used often.
   *
   * @throws IllegalArgumentException if it has 2^31 elements or more
   */
  public final Weights packed() {
    long elements = (long) rows * columns;
    if (elements > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(rows + " x " + columns + " floats exceed an array");
    }
    float[] data = new float[(int) elements];
    reader().read(0, rows, 0, columns, data, columns);
    return of(data, 0, rows, columns);
  }

  /** Puts rows into an array as floats, without gaps. */
  public final void copyRows(int row, int rows, float[] to) {
    Objects.checkFromIndexSize(row, rows, this.rows);
    Objects.checkFromIndexSize(0, (long) rows * columns, to.length);
    reader().read(row, rows, 0, columns, to, columns);
  }

  /** A reader for one thread. */
  abstract Reader reader();

  /** Floats of the whole matrix that are read in place, [out, in]; null if it has to be read. */
  float[] array() {
    return null;
  }

  /** Where {@link #array} begins. */
  int arrayOffset() {
    return 0;
  }

  /** Floats outside the heap, [out, in]; null if these are something else. */
  MemorySegment floats() {
    return null;
  }

  /** Reads blocks; of one thread. */
  interface Reader {
    /** Puts a block at the beginning of an array, its rows {@code stride} apart. */
    void read(int row, int rows, int column, int columns, float[] to, int stride);
  }

  private static final class InArray extends Weights {
    private final float[] data;
    private final int offset;

    InArray(float[] data, int offset, int rows, int columns) {
      super(rows, columns);
      Objects.checkFromIndexSize(offset, (long) rows * columns, data.length);
      this.data = data;
      this.offset = offset;
    }

    @Override
    float[] array() {
      return data;
    }

    @Override
    int arrayOffset() {
      return offset;
    }

    @Override
    Reader reader() {
      return (row, rows, column, columns, to, stride) -> {
        for (int i = 0; i < rows; i++) {
          System.arraycopy(data, offset + (row + i) * columns() + column, to, i * stride, columns);
        }
      };
    }
  }

  private static final class InSegment extends Weights {
    private final MemorySegment data;
    private final DType dtype;

    InSegment(MemorySegment data, DType dtype, int rows, int columns) {
      super(rows, columns);
      this.data = data;
      this.dtype = dtype;
    }

    @Override
    MemorySegment floats() {
      return dtype == DType.F32 ? data : null;
    }

    @Override
    Reader reader() {
      return switch (dtype) {
        case F32 -> this::floats;
        case F16, BF16 -> halves();
        case Q8_0 -> new Blocks();
        default -> throw new IllegalArgumentException("no products of " + dtype);
      };
    }

    private void floats(int row, int rows, int column, int columns, float[] to, int stride) {
      if (columns == columns() && stride == columns) {
        MemorySegment.copy(data, LittleEndian.FLOATS, 4L * row * columns, to, 0, rows * columns);
        return;
      }
      for (int i = 0; i < rows; i++) {
        long at = 4 * ((long) (row + i) * columns() + column);
        MemorySegment.copy(data, LittleEndian.FLOATS, at, to, i * stride, columns);
      }
    }

    private Reader halves() {
      FloatReader elements = new FloatReader();
      return (row, rows, column, columns, to, stride) -> {
        for (int i = 0; i < rows; i++) {
          long at = (long) (row + i) * columns() + column;
          elements.read(dtype, data, at, to, i * stride, columns);
        }
      };
    }

    /** Q8_0 of ggml: a half as scale, then 32 bytes. */
    private final class Blocks implements Reader {
      private static final int ELEMENTS = 32;
      private static final int BYTES = 34;
      private final Widen widen = Widen.forThisProcess();
      private byte[] chunk = new byte[0];

      @Override
      public void read(int row, int rows, int column, int columns, float[] to, int stride) {
        if (column % ELEMENTS != 0) {
          throw new IllegalArgumentException("no block of Q8_0 begins at column " + column);
        }
        int blocks = Math.ceilDiv(columns, ELEMENTS);
        if (chunk.length < blocks * BYTES) {
          chunk = new byte[blocks * BYTES];
        }
        for (int i = 0; i < rows; i++) {
          long first = ((long) (row + i) * columns() + column) / ELEMENTS;
          MemorySegment.copy(data, ValueLayout.JAVA_BYTE, first * BYTES, chunk, 0, blocks * BYTES);
          for (int b = 0; b < blocks; b++) {
            int at = b * BYTES;
            float scale = Float.float16ToFloat((short) (chunk[at] & 0xff | chunk[at + 1] << 8));
            int n = Math.min(ELEMENTS, columns - b * ELEMENTS);
            widen.bytes(chunk, at + 2, scale, to, i * stride + b * ELEMENTS, n);
          }
        }
      }
    }
  }

  private static final class Scaled extends Weights {
    private final MemorySegment data;
    private final float[] scales;
    private final int offset;

    Scaled(MemorySegment data, float[] scales, int offset, int rows, int columns) {
      super(rows, columns);
      this.data = data;
      this.scales = scales;
      this.offset = offset;
    }

    @Override
    Reader reader() {
      Widen widen = Widen.forThisProcess();
      byte[] chunk = new byte[8192];
      return (row, rows, column, columns, to, stride) -> {
        for (int i = 0; i < rows; i++) {
          long at = (long) (row + i) * columns() + column;
          float scale = scales[offset + row + i];
          for (int done = 0; done < columns; done += chunk.length) {
            int n = Math.min(chunk.length, columns - done);
            MemorySegment.copy(data, ValueLayout.JAVA_BYTE, at + done, chunk, 0, n);
            widen.bytes(chunk, 0, scale, to, i * stride + done, n);
          }
        }
      };
    }
  }

  private static final class Transposed extends Weights {
    /** Edge of the squares in which it is transposed, so that both sides stay in the cache. */
    private static final int EDGE = 32;

    private final Weights stored;

    Transposed(Weights stored) {
      super(stored.columns(), stored.rows());
      this.stored = stored;
    }

    @Override
    Reader reader() {
      Reader reader = stored.reader();
      float[] square = new float[EDGE * EDGE];
      return (row, rows, column, columns, to, stride) -> {
        for (int k = 0; k < columns; k += EDGE) {
          int kn = Math.min(EDGE, columns - k);
          for (int j = 0; j < rows; j += EDGE) {
            int jn = Math.min(EDGE, rows - j);
            reader.read(column + k, kn, row + j, jn, square, EDGE);
            for (int a = 0; a < jn; a++) {
              int at = (j + a) * stride + k;
              for (int b = 0; b < kn; b++) {
                to[at + b] = square[b * EDGE + a];
              }
            }
          }
        }
      };
    }
  }
}
