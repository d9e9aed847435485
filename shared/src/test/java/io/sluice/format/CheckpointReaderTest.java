package io.sluice.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.ByteRange;
import io.sluice.model.DType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointReaderTest {
  private static final byte[] GGUF = MalformedFiles.tensor("g", 0, 0, 4).data(16);

  @Test
  void aFolderIsOneModelInOrderOfPath() {
    Map<String, byte[]> files =
        Map.of(
            "tokenizer.json",
            MalformedFiles.utf8("{}"),
            "model.safetensors",
            safetensors("a"),
            "sub/x.gguf",
            GGUF,
            "empty",
            new byte[0]);
    Checkpoint checkpoint = CheckpointReader.read(MemorySource.of(files));

    assertThat(checkpoint.files())
        .extracting(FileLayout::path)
        .containsExactly("empty", "model.safetensors", "sub/x.gguf", "tokenizer.json");
    assertThat(checkpoint.files())
        .extracting(FileLayout::format)
        .containsExactly(
            FileFormat.OPAQUE, FileFormat.SAFETENSORS, FileFormat.GGUF, FileFormat.OPAQUE);
    assertThat(names(checkpoint)).containsExactly("a", "g");
    assertThat(checkpoint.tensorCount()).isEqualTo(2);
    assertThat(checkpoint.bytes())
        .isEqualTo(files.values().stream().mapToLong(f -> f.length).sum());
    for (FileLayout layout : checkpoint.files()) {
      byte[] file = files.get(layout.path());
      assertThat(Reassembler.roundTrip(layout, file)).isEqualTo(file);
    }
  }

  @Test
  void contentDecidesWhereTheNameIsSilent() {
    Map<String, byte[]> files = new TreeMap<>();
    files.put("blob-1", safetensors("a"));
    files.put("blob-2", GGUF);
    files.put("blob-3", MalformedFiles.utf8("GGUF is a format."));
    files.put("blob-4", MalformedFiles.one("U7", "4", "0,4"));
    files.put("README.GGUF.md", MalformedFiles.utf8("GGUF"));
    files.put("UPPER.SAFETENSORS", safetensors("b"));

    assertThat(CheckpointReader.read(MemorySource.of(files)).files())
        .extracting(FileLayout::format)
        .containsExactly(
            FileFormat.OPAQUE,
            FileFormat.SAFETENSORS,
            FileFormat.SAFETENSORS,
            FileFormat.GGUF,
            FileFormat.OPAQUE,
            FileFormat.OPAQUE);
  }

  @Test
  void aLargeOpaqueFileIsOneTensor() {
    long limit = CheckpointReader.OPAQUE_SKELETON;
    Checkpoint checkpoint =
        CheckpointReader.read(List.of(zeros("at.bin", limit), zeros("over.bin", limit + 1)));

    assertThat(checkpoint.files().get(0).tensors()).isEmpty();
    assertThat(checkpoint.files().get(0).skeletonBytes()).isEqualTo(limit);
    SourceTensor tensor = checkpoint.files().get(1).tensors().getFirst();
    assertThat(tensor.info().name()).isEqualTo("over.bin");
    assertThat(tensor.info().dtype()).isEqualTo(DType.U8);
    assertThat(tensor.info().shape()).containsExactly(limit + 1);
    assertThat(checkpoint.files().get(1).skeletonBytes()).isZero();
    assertThat(checkpoint.files().get(1).format()).isEqualTo(FileFormat.OPAQUE);
  }

  @Test
  void takesFilesOverFourGigabytes() {
    long size = 40L << 30;
    byte[] header =
        MalformedFiles.header(
            "{" + MalformedFiles.entry("w", "F32", "" + size / 4, "0," + size) + "}");
    ByteSource source = sparse("w.safetensors", header, header.length + size);

    assertThat(CheckpointReader.read(List.of(source)).files().getFirst().tensors().getFirst())
        .satisfies(t -> assertThat(t.range()).isEqualTo(new ByteRange(header.length, size)));
  }

  @Test
  void anIndexThatIsRightIsAccepted() {
    Map<String, byte[]> files =
        Map.of(
            "m/model-1.safetensors", safetensors("a"),
            "m/model-2.safetensors", safetensors("b"),
            "m/other.safetensors", safetensors("c"),
            "m/model.safetensors.index.json",
                MalformedFiles.utf8(
                    "{\"metadata\":{\"total_size\":8.0,\"x\":[{},null]},\"weight_map\":"
                        + "{\"b\":\"model-2.safetensors\",\"a\":\"./model-1.safetensors\"}}\n"));

    assertThat(names(CheckpointReader.read(MemorySource.of(files)))).containsExactly("a", "b", "c");
  }

  @Test
  void anIndexOfGigabytesIsNotRead() {
    assertThatThrownBy(
            () ->
                CheckpointReader.read(
                    List.of(zeros("m.safetensors.index.json", SafetensorsIndex.MAX_BYTES + 1L))))
        .isInstanceOfSatisfying(
            FormatException.class, e -> assertThat(e.code()).isEqualTo("safetensors-index-size"));
  }

  @Test
  void equalNamesOfTwoFilesAreQualifiedByTheirPaths() {
    Map<String, byte[]> files =
        Map.of(
            "unet/model.safetensors", safetensors("w"),
            "vae/model.safetensors", safetensors("w"),
            "x.safetensors", safetensors("v"));

    assertThat(names(CheckpointReader.read(MemorySource.of(files))))
        .containsExactly("unet/model.safetensors#w", "vae/model.safetensors#w", "v");
  }

  @Test
  void twoOnnxFilesMayShareADataFile() {
    Map<String, byte[]> files = new TreeMap<>();
    files.put("a.onnx", external("w", 0));
    files.put("b.onnx", external("w", 0));
    files.put("c.onnx", external("w", 16));
    files.put("w.bin", new byte[40]);
    Checkpoint checkpoint = CheckpointReader.read(MemorySource.of(files));
    FileLayout data = checkpoint.files().getLast();

    assertThat(data.format()).isEqualTo(FileFormat.ONNX_DATA);
    assertThat(names(checkpoint)).containsExactly("a.onnx#w", "c.onnx#w");
    assertThat(data.skeletonRanges()).containsExactly(new ByteRange(32, 8));
    files.remove("c.onnx");
    assertThat(names(CheckpointReader.read(MemorySource.of(files)))).containsExactly("w");
  }

  @Test
  void tiedExternalTensorsMayShareTheirBytes() {
    Map<String, byte[]> files = new TreeMap<>();
    files.put("a.onnx", external("w", 0));
    files.put("b.onnx", external("v", 0));
    files.put("w.bin", new byte[16]);

    assertThat(names(CheckpointReader.read(MemorySource.of(files)))).containsExactly("w", "v");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "", "/a", "a/", "a//b", "../a", "a/../b", "./a", "a/.", "..", "a\\b", "a\nb", "a\0",
        "\ud800"
      })
  void refusesPathsThatCouldLeadAstray(String path) {
    assertCode("path-invalid", new MemorySource(path, new byte[0]));
  }

  @Test
  void refusesPathsThatDoNotFitTogether() {
    assertCode("path-invalid", zeros("p".repeat(1025), 0));
    assertThat(CheckpointReader.read(List.of(zeros("p".repeat(1024), 0))).files()).hasSize(1);
    assertCode("path-duplicate", zeros("a", 0), zeros("a", 0));
    assertCode("path-duplicate", zeros("a", 0), zeros("a/b/c", 0));
    List<ByteSource> many = new ArrayList<>();
    for (int i = 0; i <= CheckpointReader.MAX_FILES; i++) {
      many.add(zeros("f" + i, 0));
    }
    assertCode("checkpoint-files", many.toArray(ByteSource[]::new));
  }

  private static void assertCode(String code, ByteSource... sources) {
    assertThatThrownBy(() -> CheckpointReader.read(List.of(sources)))
        .isInstanceOfSatisfying(FormatException.class, e -> assertThat(e.code()).isEqualTo(code));
  }

  private static List<String> names(Checkpoint checkpoint) {
    return checkpoint.files().stream()
        .flatMap(file -> file.tensors().stream())
        .map(tensor -> tensor.info().name())
        .toList();
  }

  private static byte[] safetensors(String name) {
    return MalformedFiles.file("{" + MalformedFiles.entry(name, "U8", "4", "0,4") + "}", 4);
  }

  private static byte[] external(String name, int offset) {
    MalformedFiles.Out entries =
        MalformedFiles.pairs("location", "w.bin", "offset", Integer.toString(offset));
    byte[] tensor = MalformedFiles.onnxExternal(name, entries).end();
    return MalformedFiles.onnxGraph(MalformedFiles.out().bytes(5, tensor).end());
  }

  private static ByteSource zeros(String path, long size) {
    return sparse(path, new byte[0], size);
  }

  /** A file that begins with {@code head} and goes on in zeros that take no memory. */
  private static ByteSource sparse(String path, byte[] head, long size) {
    return new ByteSource() {
      @Override
      public String path() {
        return path;
      }

      @Override
      public long size() {
        return size;
      }

      @Override
      public void read(ByteRange range, MemorySegment target) {
        target.asSlice(0, range.length()).fill((byte) 0);
        long inHead = Math.min(range.end(), head.length) - range.offset();
        if (inHead > 0) {
          MemorySegment.copy(MemorySegment.ofArray(head), range.offset(), target, 0, inHead);
        }
      }
    };
  }
}
