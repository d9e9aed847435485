package io.sluice.format;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.model.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Files that the formats' own Python libraries wrote, and what these read back from them: made by
 * {@code src/test/python/make_format_golden.py}.
 */
class GoldenFilesTest {
  private record Tensor(String name, String dtype, List<Long> shape, String sha256) {}

  @ParameterizedTest
  @CsvSource({
    "types.safetensors, SAFETENSORS, 24",
    "empty.safetensors, SAFETENSORS, 0",
    "sluice.safetensors, SAFETENSORS, 24",
    "types.gguf, GGUF, 34",
    "types.onnx, ONNX, 29"
  })
  void readsWhatTheLibraryReads(String name, FileFormat format, int count) {
    byte[] file = resource(name);
    Checkpoint checkpoint = CheckpointReader.read(MemorySource.of(Map.of(name, file)));

    FileLayout layout = checkpoint.files().getFirst();
    assertThat(layout.format()).isEqualTo(format);
    assertThat(found(layout, file)).containsExactlyInAnyOrderElementsOf(expected(name + ".json"));
    assertThat(layout.tensors()).hasSize(count);
    assertThat(Reassembler.roundTrip(layout, file)).isEqualTo(file);
  }

  @Test
  void readsOnnxWithExternalData() {
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put("onnx/model.onnx", resource("external/model.onnx"));
    files.put("onnx/model.onnx_data", resource("external/model.onnx_data"));
    Checkpoint checkpoint = CheckpointReader.read(MemorySource.of(files));

    FileLayout model = checkpoint.files().get(0);
    FileLayout data = checkpoint.files().get(1);
    assertThat(model.format()).isEqualTo(FileFormat.ONNX);
    assertThat(model.tensors()).isEmpty();
    assertThat(data.format()).isEqualTo(FileFormat.ONNX_DATA);
    byte[] bytes = files.get("onnx/model.onnx_data");
    assertThat(found(data, bytes))
        .containsExactlyInAnyOrderElementsOf(expected("external/model.onnx_data.json"));
    assertThat(layers(data))
        .containsEntry("decoder.layers.0.w", OptionalInt.of(0))
        .containsEntry("onnx::MatMul_9", OptionalInt.of(1))
        .containsEntry("lm_head", OptionalInt.empty());
    for (FileLayout layout : checkpoint.files()) {
      byte[] file = files.get(layout.path());
      assertThat(Reassembler.roundTrip(layout, file)).isEqualTo(file);
    }
  }

  @Test
  void givesAnonymousInitializersTheLayerOfTheirNodes() {
    byte[] file = resource("types.onnx");
    FileLayout layout = OnnxReader.read(new MemorySource("types.onnx", file)).layout();

    assertThat(layers(layout))
        .containsEntry("onnx::MatMul_1", OptionalInt.of(0))
        .containsEntry("onnx::MatMul_2", OptionalInt.of(1))
        .as("used by two layers")
        .containsEntry("onnx::MatMul_3", OptionalInt.empty())
        .as("its own name wins")
        .containsEntry("encoder.layer.7.bias", OptionalInt.of(7))
        .containsEntry("scalar", OptionalInt.empty());
  }

  @Test
  void readsTheMetadataOfSafetensors() {
    MemorySource source = new MemorySource("a.safetensors", resource("types.safetensors"));

    assertThat(SafetensorsReader.readHeader(source).header().metadata())
        .containsExactly(Map.entry("format", "pt"), Map.entry("note", "a\nb \"c\" é"));
  }

  private static Map<String, OptionalInt> layers(FileLayout layout) {
    Map<String, OptionalInt> layers = new LinkedHashMap<>();
    layout.tensors().forEach(tensor -> layers.put(tensor.info().name(), tensor.layer()));
    return layers;
  }

  private static List<Tensor> found(FileLayout layout, byte[] file) {
    return layout.tensors().stream()
        .map(
            tensor ->
                new Tensor(
                    tensor.info().name(),
                    tensor.info().dtype().name(),
                    tensor.info().shape(),
                    Digest.sha256(Reassembler.slice(file, tensor.range())).hex()))
        .toList();
  }

  private static List<Tensor> expected(String name) {
    try {
      List<Tensor> tensors = new ArrayList<>();
      for (JsonNode node : new ObjectMapper().readTree(resource(name))) {
        List<Long> shape = new ArrayList<>();
        node.get("shape").forEach(dim -> shape.add(dim.longValue()));
        tensors.add(
            new Tensor(
                node.get("name").textValue(),
                node.get("dtype").textValue(),
                shape,
                node.get("sha256").textValue()));
      }
      return tensors;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  static byte[] resource(String name) {
    try (InputStream in = GoldenFilesTest.class.getResourceAsStream("/format/" + name)) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
