package io.sluice.format;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.ByteRange;
import io.sluice.model.DType;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GgufReaderTest {
  /** Block sizes as ggml-common.h asserts them; Q8_1 has 36 bytes there, not gguf-py's 40. */
  @ParameterizedTest
  @CsvSource({
    "0, F32, 1, 4", "1, F16, 1, 2", "2, Q4_0, 32, 18", "3, Q4_1, 32, 20",
    "6, Q5_0, 32, 22", "7, Q5_1, 32, 24", "8, Q8_0, 32, 34", "9, Q8_1, 32, 36",
    "10, Q2_K, 256, 84", "11, Q3_K, 256, 110", "12, Q4_K, 256, 144", "13, Q5_K, 256, 176",
    "14, Q6_K, 256, 210", "15, Q8_K, 256, 292", "16, IQ2_XXS, 256, 66", "17, IQ2_XS, 256, 74",
    "18, IQ3_XXS, 256, 98", "19, IQ1_S, 256, 50", "20, IQ4_NL, 32, 18", "21, IQ3_S, 256, 110",
    "22, IQ2_S, 256, 82", "23, IQ4_XS, 256, 136", "24, I8, 1, 1", "25, I16, 1, 2",
    "26, I32, 1, 4", "27, I64, 1, 8", "28, F64, 1, 8", "29, IQ1_M, 256, 56",
    "30, BF16, 1, 2", "34, TQ1_0, 256, 54", "35, TQ2_0, 256, 66", "39, MXFP4, 32, 17",
    "40, NVFP4, 64, 36", "41, Q1_0, 128, 18"
  })
  void knowsTheTypesOfGgml(int id, DType dtype, int blockElements, int blockBytes) {
    assertThat(GgufReader.type(id)).contains(dtype);
    assertThat(dtype.blockElements()).isEqualTo(blockElements);
    assertThat(dtype.blockBytes()).isEqualTo(blockBytes);
  }

  @Test
  void knowsNoOtherType() {
    List<Integer> unknown = List.of(4, 5, 31, 32, 33, 36, 37, 38);
    assertThat(IntStream.range(-1, 100).filter(id -> GgufReader.type(id).isEmpty()).boxed())
        .containsAll(unknown)
        .hasSize(101 - 34);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void turnsDimensionsAroundAndFindsData(int version) {
    byte[] file = MalformedFiles.tensor("blk.3.w", 0, 0, 4, 3, 2).data(96);
    file[4] = (byte) version;
    FileLayout layout = read(file);

    SourceTensor tensor = layout.tensors().getFirst();
    assertThat(tensor.info().shape()).containsExactly(2L, 3L, 4L);
    assertThat(tensor.range()).isEqualTo(new ByteRange(file.length - 96, 96));
    assertThat(tensor.range().offset() % 32).isZero();
    assertThat(tensor.layer()).hasValue(3);
  }

  @Test
  void takesTheAlignmentOfTheFile() {
    byte[] file =
        MalformedFiles.gguf(3, 1, 1)
            .string("general.alignment")
            .u32(4)
            .u32(8)
            .info("a", 24, 8, 1)
            .end();
    byte[] padded = Arrays.copyOf(file, Math.ceilDiv(file.length, 8) * 8 + 9);

    assertThat(read(padded).tensors().getFirst().range().offset()).isEqualTo(padded.length - 1);
  }

  @Test
  void acceptsGapsScalarsAndEmptyTensors() {
    FileLayout layout =
        read(
            MalformedFiles.tensor("later", 0, 64, 4)
                .info("scalar", 0, 0)
                .info("none", 0, 32, 0, 5)
                .data(80));

    assertThat(layout.tensors())
        .extracting(t -> t.info().name())
        .containsExactly("scalar", "none", "later");
    assertThat(layout.skeletonRanges()).hasSize(2);
  }

  @Test
  void acceptsAFileWithoutTensorsOrPadding() {
    assertThat(read(MalformedFiles.gguf(3, 0, 0).end()).tensors()).isEmpty();
  }

  @Test
  void readsOverNestedArrays() {
    byte[] file =
        MalformedFiles.gguf(3, 0, 1)
            .string("a")
            .u32(9)
            .u32(9)
            .u64(2)
            .u32(8)
            .u64(1)
            .string("x")
            .u32(7)
            .u64(2)
            .u8(0)
            .u8(1)
            .end();

    assertThat(read(file).skeletonBytes()).isEqualTo(file.length);
  }

  @Test
  void readsALongHeaderThroughASmallWindowAndNoData() {
    int tokens = 200_000;
    MalformedFiles.Out out =
        MalformedFiles.gguf(3, 0, 1).string("tokens").u32(9).u32(8).u64(tokens);
    for (int i = 0; i < tokens; i++) {
      out.string("token " + i);
    }
    byte[] header = out.info("w", 24, 0, 50_000_000).end();
    byte[] file = Arrays.copyOf(header, Math.ceilDiv(header.length, 32) * 32 + 50_000_000);
    MemorySource source = new MemorySource("a.gguf", file);

    assertThat(GgufReader.read(source).tensors()).hasSize(1);
    assertThat(source.bytesRead()).isLessThan(header.length + (256L << 10));
  }

  private static FileLayout read(byte[] file) {
    FileLayout layout =
        CheckpointReader.read(MemorySource.of(Map.of("a.gguf", file))).files().getFirst();
    assertThat(layout.format()).isEqualTo(FileFormat.GGUF);
    assertThat(Reassembler.roundTrip(layout, file)).isEqualTo(file);
    return layout;
  }
}
