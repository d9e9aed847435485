package io.sluice.upload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.format.FileFormat;
import io.sluice.format.FileLayout;
import io.sluice.format.SourceTensor;
import io.sluice.model.ByteRange;
import io.sluice.model.Crc32c;
import io.sluice.model.DType;
import io.sluice.model.TensorInfo;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ReadObserver;
import io.sluice.storage.ShardReader;
import io.sluice.upload.UploadPlan.PlannedFile;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SkeletonReaderTest {
  private record Bytes(byte[] content, List<ByteRange> reads) implements ShardReader {
    @Override
    public ObjectInfo head(String key) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void read(
        String key,
        Optional<String> etag,
        ByteRange range,
        MemorySegment target,
        ReadObserver observer) {
      assertThat(etag).contains("etag");
      reads.add(range);
      MemorySegment.copy(
          content, (int) range.offset(), target, ValueLayout.JAVA_BYTE, 0, (int) range.length());
      observer.received(range.length());
    }
  }

  private static SourceTensor tensor(int index, long offset, long length) {
    return new SourceTensor(
        new TensorInfo("t" + index, DType.U8, List.of(length)),
        new ByteRange(offset, length),
        OptionalInt.empty());
  }

  private static PlannedFile file(byte[] content, List<SourceTensor> tensors) {
    return new PlannedFile(new FileLayout("f", content.length, FileFormat.ONNX, tensors), "etag");
  }

  private static Bytes source(int seed, int size) {
    byte[] content = new byte[size];
    new Random(seed).nextBytes(content);
    return new Bytes(content, Collections.synchronizedList(new ArrayList<>()));
  }

  private static MemorySegment read(Bytes source, PlannedFile file) throws Exception {
    MemorySegment scratch = MemorySegment.ofArray(new byte[(int) SkeletonReader.SCRATCH]);
    MemorySegment skeleton = MemorySegment.ofArray(new byte[(int) file.layout().skeletonBytes()]);
    AtomicLong progress = new AtomicLong();
    SkeletonReader.read(
        new ReadAhead(source, SkeletonReader.WIDTH), file, scratch, skeleton, progress::addAndGet);
    assertThat(progress).hasValue(skeleton.byteSize());
    return skeleton;
  }

  private static byte[] expected(byte[] content, PlannedFile file) {
    ByteArrayOutputStream skeleton = new ByteArrayOutputStream();
    for (ByteRange gap : file.layout().skeletonRanges()) {
      skeleton.write(content, (int) gap.offset(), (int) gap.length());
    }
    return skeleton.toByteArray();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
  void gathersTheBytesBetweenTheTensors(int seed) throws Exception {
    Random random = new Random(seed);
    Bytes source = source(seed, 12 << 20);
    List<SourceTensor> tensors = new ArrayList<>();
    long at = random.nextInt(2) * random.nextInt(5 << 20);
    while (at < source.content().length - 100) {
      long most = source.content().length - at;
      long length = 1 + random.nextLong(Math.min(most, 1 << (1 + random.nextInt(21))));
      tensors.add(tensor(tensors.size(), at, length));
      at += length + random.nextInt(2) * random.nextInt(1 << random.nextInt(22));
    }
    PlannedFile file = file(source.content(), tensors);

    MemorySegment skeleton = read(source, file);

    assertThat(skeleton.mismatch(MemorySegment.ofArray(expected(source.content(), file))))
        .isEqualTo(-1);
    List<SourceRun> runs = new ArrayList<>(SkeletonReader.runs(file, 0, skeleton));
    for (SourceTensor tensor : tensors) {
      int from = (int) tensor.range().offset();
      runs.add(
          new SourceRun(
              0,
              tensor.range(),
              Crc32c.of(
                  MemorySegment.ofArray(source.content()).asSlice(from, tensor.range().length()))));
    }
    Collections.shuffle(runs, random);
    assertThat(SourceRun.whole("f", source.content().length, runs))
        .isEqualTo(Crc32c.of(MemorySegment.ofArray(source.content())));
  }

  @Test
  void readsNothingOfLargeTensorsAndSmallGapsTogether() throws Exception {
    Bytes source = source(9, 8 << 20);
    List<SourceTensor> tensors = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      tensors.add(tensor(i, 1000 + 100L * i, 90));
    }
    tensors.add(tensor(100, 20_000, 7 << 20));
    PlannedFile file = file(source.content(), tensors);

    read(source, file);

    long total = source.reads().stream().mapToLong(ByteRange::length).sum();
    assertThat(total).isLessThanOrEqualTo(file.layout().skeletonBytes() + 100 * 90);
    assertThat(source.reads()).hasSizeLessThanOrEqualTo(3);
  }

  @Test
  void runsThatAreNotTheFileAreRefused() {
    SourceRun begin = new SourceRun(0, new ByteRange(0, 10), 1);
    SourceRun end = new SourceRun(0, new ByteRange(11, 9), 2);
    for (List<SourceRun> bad :
        List.of(
            List.of(begin),
            List.of(begin, end),
            List.of(begin, begin, new SourceRun(0, new ByteRange(10, 10), 3)),
            List.<SourceRun>of())) {
      assertThatThrownBy(() -> SourceRun.whole("f", 20, bad))
          .isInstanceOfSatisfying(
              UploadException.class, e -> assertThat(e.code()).isEqualTo("file-not-covered"))
          .hasMessageContaining("'f'")
          .hasMessageContaining("20");
    }
    assertThat(SourceRun.whole("f", 0, List.of())).isZero();
  }
}
