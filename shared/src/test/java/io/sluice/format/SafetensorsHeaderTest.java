package io.sluice.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.ByteRange;
import io.sluice.model.DType;
import io.sluice.model.InvalidValueException;
import io.sluice.model.TensorInfo;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class SafetensorsHeaderTest {
  private static final TensorInfo MATRIX = new TensorInfo("a \"\\ é", DType.F32, List.of(2L, 3L));
  private static final TensorInfo EMPTY = new TensorInfo("none", DType.U8, List.of(0L));
  private static final TensorInfo SCALAR = new TensorInfo("s", DType.BF16, List.of());

  /** Shards are named by their content: another byte here would be another name for old shards. */
  @Test
  void bytesAreFrozen() {
    SafetensorsHeader header =
        SafetensorsHeader.of(
            List.of(MATRIX, EMPTY, SCALAR), Map.of("z", "1\n\u0001\u007f", "a", "\"😀"));

    String json =
        "{\"__metadata__\":{\"a\":\"\\\"😀\",\"z\":\"1\\u000a\\u0001\u007f\"},"
            + "\"a \\\"\\\\ é\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
            + "\"none\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[24,24]},"
            + "\"s\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[24,26]}}";
    byte[] bytes = header.toBytes();
    assertThat(bytes.length % SafetensorsHeader.ALIGNMENT).isZero();
    assertThat(bytes).startsWith(bytes.length - 8, 0, 0, 0, 0, 0, 0, 0);
    assertThat(new String(bytes, 8, bytes.length - 8, StandardCharsets.UTF_8).stripTrailing())
        .isEqualTo(json);
    assertThat(header.dataBytes()).isEqualTo(26);
  }

  @Test
  void everyLengthIsPaddedWithSpacesOnly() {
    for (int length = 1; length < 200; length++) {
      TensorInfo info = new TensorInfo("n".repeat(length), DType.U8, List.of(1L));
      byte[] bytes = SafetensorsHeader.of(List.of(info), Map.of()).toBytes();
      assertThat(bytes.length % 64).isZero();
      int end = new String(bytes, StandardCharsets.ISO_8859_1).stripTrailing().length();
      assertThat(bytes.length - end).isLessThan(64);
    }
  }

  /**
   * The same bytes as the golden file, which Python's safetensors reads ({@code GoldenFilesTest}
   * compares what it reads).
   */
  @Test
  void ourReaderAndThatOfPythonReadItBack() {
    List<TensorInfo> infos = new ArrayList<>();
    for (DType dtype : DType.values()) {
      if (dtype.inSafetensors()) {
        infos.add(new TensorInfo("layers.1.\"" + dtype + "\"", dtype, List.of(4L, 2L)));
      }
    }
    infos.sort(Comparator.comparing(info -> -info.dtype().alignment()));
    infos.add(EMPTY);
    infos.add(new TensorInfo("größe 😀", DType.U8, List.of(1L, 3L)));
    SafetensorsHeader header =
        SafetensorsHeader.of(infos, Map.of("sluice.rows.größe 😀", "1:2/4", "note", "a\nb"));
    byte[] bytes = header.toBytes();
    byte[] file = Arrays.copyOf(bytes, bytes.length + (int) header.dataBytes());
    for (int i = bytes.length; i < file.length; i++) {
      file[i] = (byte) (i * 37);
    }

    assertThat(file).isEqualTo(GoldenFilesTest.resource("sluice.safetensors"));
    SafetensorsReader.Parsed parsed =
        SafetensorsReader.readHeader(new MemorySource("a.safetensors", file));
    assertThat(parsed.header()).isEqualTo(header);
    assertThat(parsed.dataOffset()).isEqualTo(bytes.length);
  }

  @Test
  void noEntriesIsAFileToo() {
    byte[] bytes = SafetensorsHeader.of(List.of(), Map.of()).toBytes();

    assertThat(bytes).hasSize(64);
    assertThat(new String(bytes, 8, 56, StandardCharsets.UTF_8)).isEqualTo("{}" + " ".repeat(54));
  }

  @Test
  void refusesWhatAReaderWouldRefuse() {
    assertInvalid(List.of(at(SCALAR, 1, 2)));
    assertInvalid(List.of(at(SCALAR, 0, 2), at(MATRIX, 3, 24)));
    assertInvalid(List.of(at(MATRIX, 0, 24), at(SCALAR, 22, 2)));
    assertInvalid(List.of(at(SCALAR, 0, 2), at(SCALAR, 2, 2)));
    assertInvalid(List.of(at(new TensorInfo("__metadata__", DType.U8, List.of()), 0, 1)));
    assertThatThrownBy(() -> at(SCALAR, 0, 3)).isInstanceOf(InvalidValueException.class);
    TensorInfo quantized = new TensorInfo("q", DType.Q4_0, List.of(32L));
    assertThatThrownBy(() -> at(quantized, 0, 18)).hasMessageContaining("Q4_0");
    assertThatThrownBy(() -> SafetensorsHeader.of(List.of(), Map.of("a", "\ud800")))
        .isInstanceOf(InvalidValueException.class);
  }

  private static SafetensorsHeader.Entry at(TensorInfo info, long offset, long length) {
    return new SafetensorsHeader.Entry(info, new ByteRange(offset, length));
  }

  private static void assertInvalid(List<SafetensorsHeader.Entry> entries) {
    assertThatThrownBy(() -> new SafetensorsHeader(new TreeMap<>(), entries))
        .isInstanceOf(InvalidValueException.class);
  }
}
