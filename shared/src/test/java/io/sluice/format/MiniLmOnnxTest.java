package io.sluice.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.model.ByteRange;
import io.sluice.model.DType;
import io.sluice.model.Digest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * A real model: all-MiniLM-L6-v2 as ONNX, 90,984,153 bytes, where the embedded module of the build
 * unpacks it, or where {@code -Dsluice.test.minilm} says.
 */
class MiniLmOnnxTest {
  private static final String UNPACKED =
      "../infra/embedded/target/sluice-embedded/models/all-MiniLM-L6-v2/model.onnx";

  private static final Path FILE = Path.of(System.getProperty("sluice.test.minilm", UNPACKED));

  @Test
  void everyTensorHasItsPlaceAndItsLayer() throws IOException {
    assumeTrue(
        Files.exists(FILE),
        "no " + FILE + ": build infra/embedded first, or set -Dsluice.test.minilm");
    try (FileChannel channel = FileChannel.open(FILE)) {
      ChannelSource source = new ChannelSource("model.onnx", channel);
      FileLayout layout = CheckpointReader.read(List.of(source)).files().getFirst();
      long read = source.bytesRead;

      assertThat(layout.size()).isEqualTo(90_984_153);
      assertThat(layout.format()).isEqualTo(FileFormat.ONNX);
      assertThat(layout.tensors()).filteredOn(t -> t.info().dtype() == DType.F32).hasSize(103);
      assertThat(layout.tensors()).as("and the positions, as raw I64").hasSize(104);
      assertThat(
              layout.tensors().stream()
                  .filter(t -> t.info().dtype() == DType.F32)
                  .mapToLong(t -> t.info().elements())
                  .sum())
          .isEqualTo(22_713_216);
      assertThat(read).as("bytes read to find them").isLessThan(4 << 20);
      assertThat(layout.skeletonBytes()).isEqualTo(127_193);
      Map<String, List<Long>> roles = new TreeMap<>();
      layout.tensors().forEach(t -> t.role().ifPresent(r -> roles.put(r, t.info().shape())));
      Map<String, List<Long>> expected = new TreeMap<>();
      for (int i = 0; i < 6; i++) {
        String layer = "encoder.layer." + i + ".";
        for (String square : List.of("self.query", "self.key", "self.value", "output.dense")) {
          expected.put(layer + "attention." + square + ".weight", List.of(384L, 384L));
        }
        expected.put(layer + "intermediate.dense.weight", List.of(384L, 1536L));
        expected.put(layer + "output.dense.weight", List.of(1536L, 384L));
      }
      assertThat(roles).isEqualTo(expected);
      Map<Integer, Integer> anonymous = new TreeMap<>();
      for (SourceTensor tensor : layout.tensors()) {
        if (tensor.info().name().startsWith("onnx::MatMul")) {
          anonymous.merge(tensor.layer().orElse(-1), 1, Integer::sum);
        }
      }
      assertThat(anonymous).isEqualTo(Map.of(0, 6, 1, 6, 2, 6, 3, 6, 4, 6, 5, 6));
      assertThat(layerCounts(layout).get(3)).isEqualTo(16);
      assertThat(reassembled(source, layout)).isEqualTo(digest(source));
    }
  }

  private static Map<Integer, Integer> layerCounts(FileLayout layout) {
    Map<Integer, Integer> counts = new TreeMap<>();
    layout.tensors().forEach(t -> counts.merge(t.layer().orElse(-1), 1, Integer::sum));
    return counts;
  }

  private static Digest digest(ChannelSource source) {
    MessageDigest sha = Digest.hasher();
    sha.update(SourceCursor.readAll(source, new ByteRange(0, source.size())));
    return Digest.of(sha.digest());
  }

  /** The digest of skeleton and tensors, in the order in which they lie in the file. */
  private static Digest reassembled(ChannelSource source, FileLayout layout) {
    List<ByteRange> ranges = new ArrayList<>(layout.skeletonRanges());
    layout.tensors().forEach(tensor -> ranges.add(tensor.range()));
    ranges.sort(null);
    MessageDigest sha = Digest.hasher();
    ranges.forEach(range -> sha.update(SourceCursor.readAll(source, range)));
    return Digest.of(sha.digest());
  }

  private static final class ChannelSource implements ByteSource {
    private final String path;
    private final FileChannel channel;
    private long bytesRead;

    ChannelSource(String path, FileChannel channel) {
      this.path = path;
      this.channel = channel;
    }

    @Override
    public String path() {
      return path;
    }

    @Override
    public long size() {
      try {
        return channel.size();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public void read(ByteRange range, MemorySegment target) {
      bytesRead += range.length();
      ByteBuffer buffer = target.asSlice(0, range.length()).asByteBuffer();
      try {
        while (buffer.hasRemaining()) {
          long at = range.offset() + buffer.position();
          if (channel.read(buffer, at) < 0) {
            throw new AssertionError("the file ends at " + at);
          }
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
