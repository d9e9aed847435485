package io.sluice.compute.embed;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.format.ByteSource;
import io.sluice.format.CheckpointReader;
import io.sluice.format.SourceTensor;
import io.sluice.model.ByteRange;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** all-MiniLM-L6-v2, which the build of infra/embedded unpacks, and what the oracle says of it. */
final class MiniLm {
  private static final Path FOLDER =
      Path.of(
              System.getProperty(
                  "sluice.test.minilm",
                  "../infra/embedded/target/sluice-embedded/models/all-MiniLM-L6-v2/model.onnx"))
          .getParent();

  /** A text with the ids of its tokens and its vector, from Hugging Face and ONNX Runtime. */
  record Golden(String text, int[] ids, float[] vector) {}

  private MiniLm() {}

  static byte[] file(String name) throws IOException {
    Path file = FOLDER.resolve(name);
    assumeTrue(
        Files.exists(file),
        "no " + file + ": build infra/embedded first, or set -Dsluice.test.minilm");
    return Files.readAllBytes(file);
  }

  static StoredEncoder stored() throws IOException {
    byte[] onnx = file("model.onnx");
    List<StoredEncoder.Weight> weights = new ArrayList<>();
    for (SourceTensor tensor :
        CheckpointReader.read(List.of(new Bytes("model.onnx", onnx)))
            .files()
            .getFirst()
            .tensors()) {
      ByteRange range = tensor.range();
      byte[] bytes = new byte[(int) range.length()];
      System.arraycopy(onnx, (int) range.offset(), bytes, 0, bytes.length);
      weights.add(new StoredEncoder.Weight(tensor.info(), tensor.role(), tensor.layer(), bytes));
    }
    return new StoredEncoder("ONNX", weights, Map.of("tokenizer.json", file("tokenizer.json")));
  }

  static List<Golden> golden() throws IOException {
    try (InputStream in = MiniLm.class.getResourceAsStream("/embed/all-MiniLM-L6-v2.json")) {
      List<Golden> golden = new ArrayList<>();
      for (JsonNode node : new ObjectMapper().readTree(in)) {
        int[] ids = new int[node.get("ids").size()];
        for (int i = 0; i < ids.length; i++) {
          ids[i] = node.get("ids").get(i).intValue();
        }
        golden.add(
            new Golden(
                node.get("text").textValue(),
                ids,
                Embeddings.floats(node.get("vector").textValue())));
      }
      return golden;
    }
  }

  private record Bytes(String path, byte[] bytes) implements ByteSource {
    @Override
    public long size() {
      return bytes.length;
    }

    @Override
    public void read(ByteRange range, MemorySegment target) {
      MemorySegment.copy(MemorySegment.ofArray(bytes), range.offset(), target, 0, range.length());
    }
  }
}
