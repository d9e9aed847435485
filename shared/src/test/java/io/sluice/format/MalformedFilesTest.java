package io.sluice.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.management.ThreadMXBean;
import io.sluice.model.ErrorKind;
import java.lang.management.ManagementFactory;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class MalformedFilesTest {
  /** Windows, a parser and an exception: 1 MiB; files here claim up to 2^45 bytes. */
  private static final long MOST_ALLOCATED = 1 << 20;

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  static List<MalformedFiles.Malformed> all() {
    return MalformedFiles.all();
  }

  @BeforeAll
  static void loadClasses() {
    all().forEach(malformed -> catchThrowable(() -> read(malformed)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("all")
  void isRefusedByItsCodeAndTakesLittleMemory(MalformedFiles.Malformed malformed) {
    long before = THREADS.getCurrentThreadAllocatedBytes();
    FormatException error = catchThrowableOfType(FormatException.class, () -> read(malformed));
    long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;

    assertThat(error).as("%s: nothing was thrown", malformed).isNotNull();
    assertThat(error.code()).as(error.getMessage()).isEqualTo(malformed.code());
    assertThat(error.kind()).isEqualTo(ErrorKind.INVALID);
    assertThat(error.getMessage()).hasSizeLessThan(800).doesNotContain("\n", "\r", "\0");
    assertThat(allocated).isLessThan(MOST_ALLOCATED);
  }

  private static Checkpoint read(MalformedFiles.Malformed malformed) {
    return CheckpointReader.read(MemorySource.of(malformed.files()));
  }

  @Test
  void namesAreUniqueAndEveryFormatHasManyCases() {
    Set<String> names = new HashSet<>();
    all()
        .forEach(malformed -> assertThat(names.add(malformed.name())).as("%s", malformed).isTrue());
    for (String format : List.of("safetensors: ", "gguf: ", "onnx: ")) {
      assertThat(names).filteredOn(name -> name.startsWith(format)).hasSizeGreaterThan(30);
    }
  }
}
