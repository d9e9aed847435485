package io.sluice.format;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.format.MalformedFiles.Out;
import io.sluice.model.ByteRange;
import io.sluice.model.DType;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class OnnxReaderTest {
  @Test
  void knowsTheTypesThatHaveOne() {
    assertThat(IntStream.range(-1, 100).filter(id -> OnnxReader.type(id).isPresent()).boxed())
        .containsExactly(1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 16, 17, 18, 19, 20, 23, 24);
    assertThat(OnnxReader.type(23)).contains(DType.F4);
  }

  @Test
  void takesFieldsInAnyOrder() {
    Out tensor =
        out().bytes(9, new byte[24]).bytes(8, text("w")).varint(2, 1).varint(1, 2).varint(1, 3);
    Out node = out().bytes(3, text("/layers.9/MatMul")).bytes(1, text("w"));
    byte[] graph = out().bytes(5, tensor.end()).bytes(2, text("g")).bytes(1, node.end()).end();
    byte[] file = out().bytes(7, graph).varint(1, 8).end();
    FileLayout layout = read(file);

    assertThat(layout.tensors().getFirst().info().shape()).containsExactly(2L, 3L);
    assertThat(layout.tensors().getFirst().layer()).hasValue(9);
    assertThat(layout.skeletonBytes()).isEqualTo(file.length - 24);
  }

  @Test
  void takesPackedDimensionsAndUnknownFields() {
    byte[] dims = out().rawVarint(2).rawVarint(300).end();
    Out tensor =
        named("w", 2)
            .bytes(1, dims)
            .bytes(9, new byte[600])
            .bytes(12, text("doc"))
            .varint(1000, 5)
            .tag(1001, 1)
            .u64(1)
            .tag(1002, 5)
            .u32(1);

    assertThat(read(model(tensor)).tensors().getFirst().info().shape()).containsExactly(2L, 300L);
  }

  @Test
  void leavesScatteredFloatsInTheSkeleton() {
    Out oneByOne = named("a", 1).varint(1, 2).tag(4, 5).u32(0).tag(4, 5).u32(0);
    Out inTwoPacks = named("b", 1).varint(1, 2).bytes(4, new byte[4]).bytes(4, new byte[4]);
    Out segment = named("c", 1).varint(1, 2).bytes(3, new byte[0]).bytes(9, new byte[0]);

    assertThat(read(model(oneByOne, inTwoPacks, segment)).tensors()).isEmpty();
  }

  @Test
  void takesAnEmptyTensorWithoutAnyData() {
    assertThat(read(model(named("a", 1).varint(1, 0))).tensors().getFirst().range().length())
        .isZero();
  }

  @Test
  void nestedGraphsCostNothing() {
    byte[] graph = new byte[0];
    for (int depth = 0; depth < 2_000; depth++) {
      byte[] attribute = out().bytes(6, graph).end();
      graph = out().bytes(1, out().bytes(5, attribute).end()).end();
    }

    assertThat(read(MalformedFiles.onnxGraph(graph)).tensors()).isEmpty();
  }

  @Test
  void stepsOverTensorData() {
    byte[] file = model(named("a", 2).varint(1, 10_000_000).bytes(9, new byte[10_000_000]));
    MemorySource source = new MemorySource("a.onnx", file);
    OnnxReader.read(source);

    assertThat(source.bytesRead()).isLessThan(4 << 16);
  }

  @Test
  void externalDataHasItsPlace() {
    Out entries = MalformedFiles.pairs("location", "w.bin", "offset", "4096", "length", "16");
    byte[] file = model(MalformedFiles.onnxExternal("a", entries.bytes(13, checksum())));
    OnnxReader.Model model = OnnxReader.read(new MemorySource("a.onnx", file));

    assertThat(model.layout().tensors()).isEmpty();
    OnnxReader.External external = model.externals().getFirst();
    assertThat(external.location()).isEqualTo("w.bin");
    assertThat(external.range()).isEqualTo(new ByteRange(4096, 16));
  }

  private static byte[] checksum() {
    return out().bytes(1, text("checksum")).bytes(2, text("0")).end();
  }

  private static FileLayout read(byte[] file) {
    FileLayout layout = OnnxReader.read(new MemorySource("a.onnx", file)).layout();
    assertThat(Reassembler.roundTrip(layout, file)).isEqualTo(file);
    return layout;
  }

  private static Out named(String name, int dataType) {
    return out().bytes(8, text(name)).varint(2, dataType);
  }

  private static byte[] model(Out... initializers) {
    Out graph = out();
    for (Out initializer : initializers) {
      graph.bytes(5, initializer.end());
    }
    return MalformedFiles.onnxGraph(graph.end());
  }

  private static Out out() {
    return MalformedFiles.out();
  }

  private static byte[] text(String text) {
    return MalformedFiles.utf8(text);
  }
}
