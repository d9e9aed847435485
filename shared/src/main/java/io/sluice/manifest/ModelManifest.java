package io.sluice.manifest;

import io.sluice.model.Digest;
import io.sluice.model.InvalidValueException;
import io.sluice.model.Keys;
import io.sluice.model.ModelRef;
import io.sluice.model.ShardDescriptor;
import io.sluice.model.TensorInfo;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What a version of a model is made of. Immutable; its digest is the version. It holds no name and
 * no time, so equal content gives an equal version.
 *
 * <p>Whatever is built from it, can be: paths stay inside the target folder and name each file
 * once; each file is exactly its skeleton and its tensors; tensor names are unique; pieces lie
 * inside their shards, and two of them are the same bytes or share none.
 *
 * @param plan how the tensors were cut
 * @param files the source files in strict order of path
 * @param tensors every tensor of every file, in {@link #ORDER}
 * @param shards the shards, each sᵢ, each once, each named by a piece
 * @param totalBytes S, checked to be Σ sᵢ
 * @param provenance what made it, if a computation did
 */
public record ModelManifest(
    Plan plan,
    List<File> files,
    List<Tensor> tensors,
    List<ShardDescriptor> shards,
    long totalBytes,
    Optional<Provenance> provenance) {

  /** Most tensors that a model may have. */
  public static final int MAX_TENSORS = 10_000_000;

  /** Most shards that a model may have. */
  public static final int MAX_SHARDS = 1_000_000;

  /** Most files that a model may have. */
  public static final int MAX_FILES = 1_000_000;

  /** Most pieces that the tensors of a model may have together. */
  public static final int MAX_PIECES = 2 * MAX_TENSORS;

  /** Largest chunk in bytes. */
  public static final int MAX_CHUNK_BYTES = 1 << 30;

  /** By file, then by offset in the file, then by name. */
  public static final Comparator<Tensor> ORDER =
      Comparator.comparingInt(Tensor::file)
          .thenComparingLong(Tensor::fileOffset)
          .thenComparing(tensor -> tensor.info().name());

  private static final Pattern WORD = Pattern.compile("[A-Za-z0-9_-]{1,32}");
  private static final Pattern DRIVE = Pattern.compile("[A-Za-z]:.*");
  private static final int MAX_PATH = 4096;
  private static final int MAX_PATH_SEGMENT_BYTES = 255;

  private static final Comparator<Piece> IN_SHARDS =
      Comparator.comparingInt(Piece::shard)
          .thenComparingLong(Piece::offset)
          .thenComparingLong(Piece::length);

  /**
   * How the tensors were cut into shards.
   *
   * @param strategy {@code size}, {@code count} or {@code layer}
   * @param shardBytes target bytes of a shard
   * @param chunkBytes bytes of a chunk, of every shard and skeleton
   */
  public record Plan(String strategy, long shardBytes, int chunkBytes) {
    public Plan {
      Objects.requireNonNull(strategy, "strategy");
      if (!WORD.matcher(strategy).matches()) {
        throw invalid(
            "a strategy is a word of at most 32 letters, digits, '_' and '-', got '"
                + shorten(strategy)
                + "'");
      }
      if (shardBytes <= 0 || chunkBytes <= 0 || chunkBytes > MAX_CHUNK_BYTES) {
        throw invalid(
            "a plan needs 0 < shard bytes and 0 < chunk bytes <= "
                + MAX_CHUNK_BYTES
                + ", got "
                + shardBytes
                + " and "
                + chunkBytes);
      }
    }
  }

  /**
   * A source file: its skeleton with the tensors that name it put back at their offsets. The
   * SHA-256 of those objects pin every byte of it; the checksum says that they were put together
   * right.
   *
   * @param path relative path inside the model, with forward slashes, never leading out of it
   * @param size bytes
   * @param digest SHA-256 of the whole file, if it is known; always if there is no {@code crc32c}
   * @param crc32c CRC32C of the whole file, if it is known
   * @param format name of the {@code FileFormat}
   * @param skeleton the bytes that are no tensor, if there are any
   */
  public record File(
      String path,
      long size,
      Optional<Digest> digest,
      OptionalInt crc32c,
      String format,
      Optional<ShardDescriptor> skeleton) {
    /** A file whose digest is known. */
    public File(
        String path, long size, Digest digest, String format, Optional<ShardDescriptor> skeleton) {
      this(path, size, Optional.of(digest), OptionalInt.empty(), format, skeleton);
    }

    public File {
      Objects.requireNonNull(path, "path");
      Objects.requireNonNull(digest, "digest");
      Objects.requireNonNull(crc32c, "crc32c");
      Objects.requireNonNull(format, "format");
      Objects.requireNonNull(skeleton, "skeleton");
      checkPath(path);
      if (size < 0) {
        throw invalid("file '" + path + "' has a negative size " + size);
      }
      if (!WORD.matcher(format).matches()) {
        throw invalid(
            "the format of file '"
                + path
                + "' is a word of at most 32 letters, digits, '_' and '-', got '"
                + shorten(format)
                + "'");
      }
      if (skeleton.isPresent() && skeleton.get().size() == 0) {
        throw invalid("file '" + path + "' has a skeleton of no bytes");
      }
      if (digest.isEmpty() && crc32c.isEmpty()) {
        throw invalid("file '" + path + "' has neither a digest nor a checksum");
      }
    }

    private static void checkPath(String path) {
      boolean bad =
          path.length() > MAX_PATH
              || DRIVE.matcher(path).matches()
              || !isUnicode(path)
              || path.chars().anyMatch(c -> c < 0x20 || c == 0x7f || c == '\\');
      for (String segment : path.split("/", -1)) {
        bad |= segment.isEmpty() || segment.equals(".") || segment.equals("..");
        bad |= segment.getBytes(StandardCharsets.UTF_8).length > MAX_PATH_SEGMENT_BYTES;
      }
      if (bad) {
        throw new InvalidValueException(
            "path-invalid",
            "the path of a file is relative, with '/' between parts of at most "
                + MAX_PATH_SEGMENT_BYTES
                + " bytes, none of them empty, '.' or '..', without '\\' or control characters,"
                + " at most "
                + MAX_PATH
                + " characters, got '"
                + shorten(path)
                + "'");
      }
    }
  }

  /**
   * A tensor: where it lies in its file and in the shards.
   *
   * @param info name (unique in the model), dtype, shape
   * @param file index of its file
   * @param fileOffset where it starts in its file
   * @param layer number of its layer, if known
   * @param role what the model's graph uses it as, if its own name does not say so
   * @param pieces where its bytes lie, in order of rows, without holes; empty for a tensor of no
   *     bytes; tensors that share their bytes share their pieces
   */
  public record Tensor(
      TensorInfo info,
      int file,
      long fileOffset,
      OptionalInt layer,
      Optional<String> role,
      List<Piece> pieces) {
    /** A tensor whose name says what it is. */
    public Tensor(
        TensorInfo info, int file, long fileOffset, OptionalInt layer, List<Piece> pieces) {
      this(info, file, fileOffset, layer, Optional.empty(), pieces);
    }

    public Tensor {
      Objects.requireNonNull(info, "info");
      Objects.requireNonNull(layer, "layer");
      pieces = List.copyOf(pieces);
      Objects.requireNonNull(role, "role");
      if (role.isPresent()
          && (role.get().isEmpty()
              || role.get().length() > TensorInfo.MAX_NAME
              || !isUnicode(role.get()))) {
        throw invalid(
            "the role of tensor '"
                + info.name()
                + "' has 1 to "
                + TensorInfo.MAX_NAME
                + " characters of Unicode, got '"
                + shorten(role.get())
                + "'");
      }
      if (!isUnicode(info.name())) {
        throw invalid("the name of a tensor has half a surrogate pair: '" + info.name() + "'");
      }
      if (file < 0 || fileOffset < 0 || layer.orElse(0) < 0) {
        throw invalid(
            "tensor '"
                + info.name()
                + "' has no negative number: file "
                + file
                + ", offset "
                + fileOffset
                + ", layer "
                + layer.orElse(0));
      }
      checkRows(info, pieces);
    }

    /** What it is in the model: its role, or else its name. */
    public String meaning() {
      return role.orElse(info.name());
    }

    private static void checkRows(TensorInfo info, List<Piece> pieces) {
      long bytes = info.bytes();
      if (bytes == 0 && pieces.isEmpty()) {
        return;
      }
      long row = 0;
      long sum = 0;
      for (Piece piece : pieces) {
        if (piece.firstRow() != row
            || piece.rows() > info.rows() - row
            || piece.length() != bytesOfRows(info, piece.rows())) {
          throw invalid(
              "the pieces of tensor '"
                  + info.name()
                  + "' are whole rows of "
                  + info.rows()
                  + ", one after the other; after row "
                  + row
                  + " comes "
                  + piece);
        }
        row += piece.rows();
        sum += piece.length();
      }
      if (sum != bytes || row != info.rows()) {
        throw invalid(
            "the pieces of tensor '"
                + info.name()
                + "' have "
                + row
                + " rows and "
                + sum
                + " bytes, the tensor has "
                + info.rows()
                + " and "
                + bytes);
      }
    }

    /**
     * Bytes of {@code rows} rows of a tensor, or -1 if they are not whole bytes (rows of 4-bit
     * elements may end inside a byte: such a tensor has one piece).
     */
    static long bytesOfRows(TensorInfo info, long rows) {
      if (rows == info.rows()) {
        return info.bytes();
      }
      boolean whole = rows >= 0 && rows < info.rows() && info.bytes() % info.rows() == 0;
      return whole ? rows * info.rowBytes() : -1;
    }
  }

  /**
   * A block of whole rows of a tensor in one shard.
   *
   * @param shard index of the shard
   * @param offset where the block starts in the shard object, header included
   * @param firstRow first row of the block in the tensor
   * @param rows number of rows, at least one
   * @param length bytes, at least one
   */
  public record Piece(int shard, long offset, long firstRow, long rows, long length) {
    public Piece {
      if (shard < 0 || offset < 0 || firstRow < 0 || rows <= 0 || length <= 0) {
        throw invalid(
            "a piece has rows and bytes and no negative number: shard "
                + shard
                + ", offset "
                + offset
                + ", first row "
                + firstRow
                + ", rows "
                + rows
                + ", length "
                + length);
      }
    }
  }

  /**
   * What made a version out of others.
   *
   * @param operation name of the computation
   * @param arguments its arguments, the text of a JSON object of at most {@value #MAX_ARGUMENTS}
   *     characters
   * @param parents the versions that it read, at most {@value #MAX_PARENTS}
   */
  public record Provenance(String operation, String arguments, List<Parent> parents) {
    /** Longest text of arguments in characters. */
    public static final int MAX_ARGUMENTS = 1 << 16;

    /** Most versions that a computation reads. */
    public static final int MAX_PARENTS = 1000;

    /** A version of a model. */
    public record Parent(String model, Digest version) {
      public Parent {
        Objects.requireNonNull(version, "version");
        if (!model.equals(ModelRef.parse(model).name())) {
          throw invalid("the parent of a version is named without tag, got '" + model + "'");
        }
      }
    }

    public Provenance {
      parents = List.copyOf(parents);
      if (!WORD.matcher(operation).matches()) {
        throw invalid(
            "an operation is a word of at most 32 letters, digits, '_' and '-', got '"
                + shorten(operation)
                + "'");
      }
      if (arguments.length() > MAX_ARGUMENTS || !isUnicode(arguments)) {
        throw invalid(
            "the arguments that made a version are a text of at most "
                + MAX_ARGUMENTS
                + " characters, got "
                + arguments.length());
      }
      checkCount("parent", parents.size(), 0, MAX_PARENTS);
    }
  }

  /** A version that no computation made. */
  public ModelManifest(
      Plan plan,
      List<File> files,
      List<Tensor> tensors,
      List<ShardDescriptor> shards,
      long totalBytes) {
    this(plan, files, tensors, shards, totalBytes, Optional.empty());
  }

  public ModelManifest {
    Objects.requireNonNull(plan, "plan");
    Objects.requireNonNull(provenance, "provenance");
    files = List.copyOf(files);
    tensors = List.copyOf(tensors);
    shards = List.copyOf(shards);
    checkCount("file", files.size(), 1, MAX_FILES);
    checkCount("tensor", tensors.size(), 0, MAX_TENSORS);
    checkCount("shard", shards.size(), 0, MAX_SHARDS);
    checkShards(plan, shards, totalBytes);
    checkFiles(plan, files);
    checkTensors(files, tensors);
    checkPieces(tensors, shards);
  }

  /** Puts the tensors in {@link #ORDER} and sums up S. */
  public static ModelManifest of(
      Plan plan, List<File> files, List<Tensor> tensors, List<ShardDescriptor> shards) {
    return new ModelManifest(
        plan, files, tensors.stream().sorted(ORDER).toList(), shards, sum(shards));
  }

  /** The same with what made it. */
  public ModelManifest with(Provenance made) {
    return new ModelManifest(plan, files, tensors, shards, totalBytes, Optional.of(made));
  }

  /** Bytes of all source files. */
  public long sourceBytes() {
    return files.stream().mapToLong(File::size).sum();
  }

  /** Every stored object that the version is made of, shards first, by its key in the store. */
  public Map<String, ShardDescriptor> objects() {
    Map<String, ShardDescriptor> objects = new LinkedHashMap<>();
    shards.forEach(shard -> objects.put(Keys.shard(shard.digest()), shard));
    for (File file : files) {
      file.skeleton().ifPresent(object -> objects.put(Keys.skeleton(object.digest()), object));
    }
    return objects;
  }

  private static long sum(List<ShardDescriptor> shards) {
    long sum = 0;
    for (ShardDescriptor shard : shards) {
      sum += shard.size();
      if (sum < 0) {
        throw invalid("the shards sum to more than 2^63 - 1 bytes");
      }
    }
    return sum;
  }

  private static void checkShards(Plan plan, List<ShardDescriptor> shards, long totalBytes) {
    long sum = sum(shards);
    if (sum != totalBytes) {
      throw invalid("S is said to be " + totalBytes + " bytes but its shards sum to " + sum);
    }
    Set<Digest> seen = HashSet.newHashSet(shards.size());
    for (ShardDescriptor shard : shards) {
      checkChunks(plan, shard);
      if (!seen.add(shard.digest())) {
        throw invalid("shard " + shard.digest() + " is listed twice");
      }
    }
  }

  private static void checkChunks(Plan plan, ShardDescriptor object) {
    if (object.checksums().chunkSize() != plan.chunkBytes()) {
      throw invalid(
          "the chunks of every object have the plan's "
              + plan.chunkBytes()
              + " bytes, those of "
              + object.digest()
              + " have "
              + object.checksums().chunkSize());
    }
  }

  private static void checkFiles(Plan plan, List<File> files) {
    Set<String> paths = HashSet.newHashSet(files.size());
    Map<Digest, ShardDescriptor> skeletons = new HashMap<>();
    String last = "";
    long sum = 0;
    for (File file : files) {
      file.skeleton()
          .ifPresent(
              skeleton -> {
                checkChunks(plan, skeleton);
                if (!skeletons
                    .merge(skeleton.digest(), skeleton, (old, same) -> old)
                    .equals(skeleton)) {
                  throw invalid("skeleton " + skeleton.digest() + " is described in two ways");
                }
              });
      if (file.path().compareTo(last) <= 0) {
        throw invalid(
            "files are in order of path, each once; '" + file.path() + "' follows '" + last + "'");
      }
      sum += file.size();
      if (sum < 0) {
        throw invalid("the files sum to more than 2^63 - 1 bytes");
      }
      last = file.path();
      paths.add(last);
    }
    for (File file : files) {
      String path = file.path();
      for (int at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
        if (paths.contains(path.substring(0, at))) {
          throw invalid("'" + path.substring(0, at) + "' is a file and a folder of '" + path + "'");
        }
      }
    }
  }

  /** Names are unique, the order is kept, and skeleton and tensors fill each file exactly. */
  private static void checkTensors(List<File> files, List<Tensor> tensors) {
    Set<String> names = HashSet.newHashSet(tensors.size());
    for (Tensor tensor : tensors) {
      if (!names.add(tensor.info().name())) {
        throw invalid("tensor '" + tensor.info().name() + "' is listed twice");
      }
      if (tensor.file() >= files.size()) {
        throw invalid(
            "tensor '"
                + tensor.info().name()
                + "' names file "
                + tensor.file()
                + " of "
                + files.size());
      }
    }
    int next = 0;
    for (int index = 0; index < files.size(); index++) {
      File file = files.get(index);
      long filled = file.skeleton().map(ShardDescriptor::size).orElse(0L);
      long begin = -1;
      long end = 0;
      for (; next < tensors.size() && tensors.get(next).file() == index; next++) {
        Tensor tensor = tensors.get(next);
        long bytes = tensor.info().bytes();
        boolean alias = tensor.fileOffset() == begin && bytes == end - begin;
        boolean fits =
            tensor.fileOffset() <= file.size() - bytes
                && (bytes == 0 || tensor.fileOffset() >= end);
        if (next > 0 && ORDER.compare(tensors.get(next - 1), tensor) >= 0) {
          throw invalid(
              "tensors are in order of file, offset and name; '"
                  + tensor.info().name()
                  + "' follows '"
                  + tensors.get(next - 1).info().name()
                  + "'");
        }
        if (!alias && !fits) {
          throw invalid(
              "tensor '"
                  + tensor.info().name()
                  + "' of "
                  + bytes
                  + " bytes at "
                  + tensor.fileOffset()
                  + " overlaps another one or ends past '"
                  + file.path()
                  + "' of "
                  + file.size()
                  + " bytes");
        }
        if (!alias && bytes > 0) {
          begin = tensor.fileOffset();
          end = begin + bytes;
          filled += bytes;
        }
      }
      if (filled != file.size()) {
        throw invalid(
            "file '"
                + file.path()
                + "' has "
                + file.size()
                + " bytes, its skeleton and tensors "
                + filled);
      }
    }
    if (next < tensors.size()) {
      throw invalid(
          "tensors are in order of file, offset and name; '"
              + tensors.get(next).info().name()
              + "' of file "
              + tensors.get(next).file()
              + " is not");
    }
  }

  /** Pieces lie in their shards, two of them are the same or apart, and every shard has one. */
  private static void checkPieces(List<Tensor> tensors, List<ShardDescriptor> shards) {
    long count = 0;
    for (Tensor tensor : tensors) {
      count += tensor.pieces().size();
    }
    if (count > MAX_PIECES) {
      throw invalid("a model has at most " + MAX_PIECES + " pieces, got " + count);
    }
    Piece[] pieces = new Piece[(int) count];
    int at = 0;
    for (Tensor tensor : tensors) {
      for (Piece piece : tensor.pieces()) {
        if (piece.shard() >= shards.size()
            || piece.offset() > shards.get(piece.shard()).size() - piece.length()) {
          throw invalid(
              "a piece of tensor '" + tensor.info().name() + "' lies outside its shard: " + piece);
        }
        pieces[at++] = piece;
      }
    }
    Arrays.sort(pieces, IN_SHARDS);
    int used = 0;
    Piece last = null;
    for (Piece piece : pieces) {
      if (last == null || last.shard() != piece.shard()) {
        used++;
      } else if (piece.offset() < last.offset() + last.length()
          && (piece.offset() != last.offset() || piece.length() != last.length())) {
        throw invalid("two pieces overlap in part: " + last + " and " + piece);
      }
      last = piece;
    }
    if (used != shards.size()) {
      throw invalid("there are " + shards.size() + " shards but tensors in only " + used);
    }
  }

  private static void checkCount(String what, int count, int min, int max) {
    if (count < min || count > max) {
      throw invalid("a model has " + min + " to " + max + " " + what + "s, got " + count);
    }
  }

  private static boolean isUnicode(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isHighSurrogate(text.charAt(i))
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(text.charAt(i))) {
        return false;
      }
    }
    return true;
  }

  private static String shorten(String text) {
    return text.length() <= 80 ? text : text.substring(0, 80) + "…";
  }

  private static InvalidValueException invalid(String message) {
    return new InvalidValueException("manifest-invalid", message);
  }
}
