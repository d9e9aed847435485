package io.sluice.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.DType;
import io.sluice.model.InvalidValueException;
import io.sluice.model.TensorInfo;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;

class GgufWriterTest {
  private static TensorInfo info(String name, DType dtype, Long... shape) {
    return new TensorInfo(name, dtype, List.of(shape));
  }

  @Test
  void whatIsWrittenIsRead() {
    List<TensorInfo> tensors =
        List.of(
            info("a", DType.F32, 3L, 5L),
            info("blk.0.w", DType.Q4_0, 2L, 64L),
            info("blk.0.x", DType.Q8_0, 3L, 2L, 32L),
            info("ü", DType.BF16, 7L),
            info("i", DType.I64, 1L, 1L, 1L, 2L));
    SequencedMap<String, Object> metadata = new LinkedHashMap<>();
    metadata.put("general.architecture", "x");
    metadata.put("general.quantization_version", 2);
    GgufWriter.Layout layout = GgufWriter.layout(metadata, tensors);
    byte[] file = Arrays.copyOf(layout.header(), (int) layout.size());
    FileLayout read = GgufReader.read(new MemorySource("m.gguf", file));
    assertThat(read.size()).isEqualTo(layout.size());
    assertThat(read.tensors().stream().map(SourceTensor::info)).containsExactlyElementsOf(tensors);
    assertThat(read.tensors().stream().map(t -> t.range().offset()))
        .containsExactlyElementsOf(layout.offsets());
  }

  @Test
  void whatGgufHasNoPlaceForIsRefusedByName() {
    for (TensorInfo tensor :
        List.of(
            info("u", DType.U8, 1L),
            info("five", DType.F32, 1L, 1L, 1L, 1L, 1L),
            info("n".repeat(64), DType.F32, 1L))) {
      assertThatThrownBy(() -> GgufWriter.layout(new LinkedHashMap<>(), List.of(tensor)))
          .isInstanceOf(InvalidValueException.class)
          .hasMessageContaining(tensor.name());
    }
  }
}
