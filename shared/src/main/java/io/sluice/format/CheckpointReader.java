package io.sluice.format;

import io.sluice.model.ByteRange;
import io.sluice.model.DType;
import io.sluice.model.TensorInfo;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/**
 * Reads the files of a model into a {@link Checkpoint}.
 *
 * <p>A name that ends in {@code .safetensors}, {@code .gguf} or {@code .onnx} claims that format:
 * if the file is malformed, that is an error. A file of any other name is a safetensors or GGUF
 * file if it parses as one, the external data of an ONNX file if one names it, and opaque
 * otherwise. An opaque file is all skeleton up to {@value #OPAQUE_SKELETON} bytes; a larger one is
 * one U8 tensor named like its path, so that it is cut into shards like everything else.
 *
 * <p>Tensors of different files that have the same name are all renamed to {@code <path>#<name>},
 * where the path is that of the file that declares them.
 */
public final class CheckpointReader {
  /** Largest opaque file that stays in the skeleton. */
  public static final int OPAQUE_SKELETON = 16 << 20;

  /** Most files of a model. */
  public static final int MAX_FILES = 100_000;

  private static final byte[] LFS_POINTER =
      "version https://git-lfs.github.com/spec/".getBytes(StandardCharsets.US_ASCII);

  private static final int SNIFF_BYTES = 64;

  private final Map<String, ByteSource> sources = new TreeMap<>();
  private final Map<String, FileLayout> layouts = new TreeMap<>();
  private final Map<String, List<Claim>> dataFiles = new TreeMap<>();

  /** A tensor of a data file and the ONNX file that declares it. */
  private record Claim(String owner, SourceTensor tensor) {}

  private CheckpointReader() {}

  /**
   * Reads headers, never tensor data.
   *
   * @param sources the files of one model, in any order
   * @throws FormatException if a file, an index or the set of files is not what it says
   */
  public static Checkpoint read(List<ByteSource> sources) {
    CheckpointReader reader = new CheckpointReader();
    reader.add(sources);
    reader.readOnnx();
    reader.readOthers();
    reader.checkIndexes();
    return new Checkpoint(reader.uniqueNames());
  }

  private void add(List<ByteSource> files) {
    if (files.size() > MAX_FILES) {
      throw FormatException.malformed(
          "checkpoint-files",
          ".",
          "a model has at most " + MAX_FILES + " files, this one has " + files.size());
    }
    for (ByteSource file : files) {
      Names.checkPath(file.path());
      if (sources.put(file.path(), file) != null) {
        throw FormatException.malformed(
            "path-duplicate", file.path(), "two files of the model have this path");
      }
    }
  }

  private void readOnnx() {
    for (ByteSource source : sources.values()) {
      if (claimed(source.path()).equals(Optional.of(FileFormat.ONNX))) {
        OnnxReader.Model model = claimedRead(source, OnnxReader::read);
        layouts.put(source.path(), model.layout());
        for (OnnxReader.External external : model.externals()) {
          claim(source.path(), external);
        }
      }
    }
  }

  private void claim(String owner, OnnxReader.External external) {
    String path = Names.resolve(owner, external.location(), "onnx-external");
    ByteSource data = sources.get(path);
    if (data == null) {
      throw FormatException.malformed(
          "onnx-external-missing",
          owner,
          "initializer '"
              + external.name()
              + "' lies in '"
              + path
              + "', which is no file of the model");
    }
    if (claimed(path).isPresent()) {
      throw FormatException.malformed(
          "onnx-external",
          owner,
          "initializer '" + external.name() + "' lies in '" + path + "', a file of tensors itself");
    }
    if (external.range().end() > data.size()) {
      throw FormatException.malformed(
          "onnx-external-range",
          owner,
          "initializer '"
              + external.name()
              + "' lies at "
              + external.range()
              + " of '"
              + path
              + "', which has "
              + data.size()
              + " bytes");
    }
    List<Claim> claims = dataFiles.computeIfAbsent(path, key -> new ArrayList<>());
    external
        .info()
        .ifPresent(
            info ->
                claims.add(
                    new Claim(
                        owner,
                        new SourceTensor(
                            info, external.range(), external.layer(), external.role()))));
  }

  private void readOthers() {
    for (ByteSource source : sources.values()) {
      String path = source.path();
      if (dataFiles.containsKey(path)) {
        List<SourceTensor> tensors =
            shared(dataFiles.get(path)).stream().map(Claim::tensor).toList();
        layouts.put(path, new FileLayout(path, source.size(), FileFormat.ONNX_DATA, tensors));
      } else if (!layouts.containsKey(path)) {
        layouts.put(path, readOther(source));
      }
    }
  }

  /** Several ONNX files may declare the very same tensor of a data file: that is one tensor. */
  private static List<Claim> shared(List<Claim> claims) {
    Set<SourceTensor> seen = new HashSet<>();
    return claims.stream().filter(claim -> seen.add(claim.tensor())).toList();
  }

  private static FileLayout readOther(ByteSource source) {
    Optional<FileFormat> claimed = claimed(source.path());
    if (claimed.isPresent()) {
      return claimedRead(
          source, claimed.get() == FileFormat.GGUF ? GgufReader::read : SafetensorsReader::read);
    }
    byte[] head = head(source);
    try {
      if (looksLikeGguf(head)) {
        return GgufReader.read(source);
      }
      if (looksLikeSafetensors(head)) {
        return SafetensorsReader.read(source);
      }
    } catch (FormatException e) {
      // It only looked like one: nothing but its first bytes said so.
      return opaque(source);
    }
    return opaque(source);
  }

  private static boolean looksLikeGguf(byte[] head) {
    return head.length >= 4 && new String(head, 0, 4, StandardCharsets.US_ASCII).equals("GGUF");
  }

  private static boolean looksLikeSafetensors(byte[] head) {
    return head.length > 8 && head[8] == '{';
  }

  private static FileLayout opaque(ByteSource source) {
    List<SourceTensor> tensors = List.of();
    if (source.size() > OPAQUE_SKELETON) {
      TensorInfo info =
          Tensors.info(source.path(), source.path(), DType.U8, List.of(source.size()));
      tensors =
          List.of(new SourceTensor(info, new ByteRange(0, source.size()), OptionalInt.empty()));
    }
    return new FileLayout(source.path(), source.size(), FileFormat.OPAQUE, tensors);
  }

  /** The format that a name claims. */
  private static Optional<FileFormat> claimed(String path) {
    String lower = path.toLowerCase(Locale.ROOT);
    if (lower.endsWith(".safetensors")) {
      return Optional.of(FileFormat.SAFETENSORS);
    }
    if (lower.endsWith(".gguf")) {
      return Optional.of(FileFormat.GGUF);
    }
    return lower.endsWith(".onnx") ? Optional.of(FileFormat.ONNX) : Optional.empty();
  }

  private static <T> T claimedRead(ByteSource source, Reader<T> reader) {
    byte[] head = head(source);
    for (int i = 0; i < LFS_POINTER.length && i < head.length && head[i] == LFS_POINTER[i]; i++) {
      if (i == LFS_POINTER.length - 1) {
        throw FormatException.malformed(
            "git-lfs-pointer",
            source.path(),
            "is a Git LFS pointer, not the file that it stands for: fetch that with 'git lfs"
                + " pull'");
      }
    }
    return reader.read(source);
  }

  private static byte[] head(ByteSource source) {
    return SourceCursor.readAll(source, new ByteRange(0, Math.min(source.size(), SNIFF_BYTES)));
  }

  private void checkIndexes() {
    for (ByteSource source : sources.values()) {
      if (source.path().endsWith(SafetensorsIndex.SUFFIX)) {
        checkIndex(source.path(), SafetensorsIndex.read(source));
      }
    }
  }

  /** Every tensor of the map lies in its file, and its files hold no other tensor. */
  private void checkIndex(String index, Map<String, String> map) {
    Map<String, Set<String>> byFile = new TreeMap<>();
    map.forEach((tensor, file) -> byFile.computeIfAbsent(file, key -> new HashSet<>()).add(tensor));
    byFile.forEach((file, expected) -> checkIndexedFile(index, file, expected));
  }

  private void checkIndexedFile(String index, String file, Set<String> expected) {
    FileLayout layout = layouts.get(file);
    if (layout == null || layout.format() != FileFormat.SAFETENSORS) {
      throw FormatException.malformed(
          "safetensors-index-file",
          index,
          "names '"
              + file
              + "', which is "
              + (layout == null ? "no file of the model" : "no safetensors file"));
    }
    Set<String> found = HashSet.newHashSet(layout.tensors().size());
    for (SourceTensor tensor : layout.tensors()) {
      found.add(tensor.info().name());
      if (!expected.contains(tensor.info().name())) {
        throw FormatException.malformed(
            "safetensors-index-tensor",
            index,
            "does not map tensor '" + tensor.info().name() + "' to '" + file + "', which holds it");
      }
    }
    for (String name : expected) {
      if (!found.contains(name)) {
        throw FormatException.malformed(
            "safetensors-index-tensor",
            index,
            "maps tensor '" + name + "' to '" + file + "', which does not hold it");
      }
    }
  }

  /** The layouts with {@code <path>#<name>} for every name that more than one tensor has. */
  private List<FileLayout> uniqueNames() {
    Map<String, Integer> uses = new HashMap<>();
    for (FileLayout layout : layouts.values()) {
      layout.tensors().forEach(tensor -> uses.merge(tensor.info().name(), 1, Integer::sum));
    }
    if (uses.values().stream().allMatch(count -> count == 1)) {
      return List.copyOf(layouts.values());
    }
    List<FileLayout> renamed = new ArrayList<>();
    for (FileLayout layout : layouts.values()) {
      List<Claim> claims =
          dataFiles.containsKey(layout.path())
              ? shared(dataFiles.get(layout.path()))
              : layout.tensors().stream().map(t -> new Claim(layout.path(), t)).toList();
      List<SourceTensor> tensors =
          claims.stream()
              .map(
                  claim ->
                      uses.get(claim.tensor().info().name()) == 1
                          ? claim.tensor()
                          : qualified(claim))
              .toList();
      renamed.add(new FileLayout(layout.path(), layout.size(), layout.format(), tensors));
    }
    return renamed;
  }

  private static SourceTensor qualified(Claim claim) {
    TensorInfo info = claim.tensor().info();
    String name = claim.owner() + "#" + info.name();
    TensorInfo unique = Tensors.info(claim.owner(), name, info.dtype(), info.shape());
    return new SourceTensor(
        unique, claim.tensor().range(), claim.tensor().layer(), claim.tensor().role());
  }

  private interface Reader<T> {
    T read(ByteSource source);
  }
}
