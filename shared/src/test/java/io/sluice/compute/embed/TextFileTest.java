package io.sluice.compute.embed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.job.Job;
import io.sluice.job.JobContext;
import io.sluice.job.Worker;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Lines of a file, in batches. */
class TextFileTest {
  private long most;

  private TextFile file(byte[] bytes) {
    MemorySegment all = MemorySegment.ofArray(bytes);
    return new TextFile(
        "'t.txt' of model 'm'",
        bytes.length,
        (range, target) -> {
          most = Math.max(most, range.length());
          target.copyFrom(all.asSlice(range.offset(), range.length()));
        });
  }

  private List<String> texts(byte[] bytes) throws InterruptedException {
    TextFile file = file(bytes);
    List<String> texts = new ArrayList<>();
    long at = 0;
    for (TextFile.Batch batch : file.batches(new Running())) {
      assertThat(batch.firstLine()).isEqualTo(texts.size());
      assertThat(batch.bytes().offset()).isEqualTo(at);
      assertThat(batch.lines()).isBetween(1, TextFile.LINES);
      assertThat(batch.bytes().length()).isBetween(1L, (long) TextFile.BATCH_BYTES);
      List<String> some = file.texts(batch);
      assertThat(some).hasSize(batch.lines());
      texts.addAll(some);
      at = batch.bytes().end();
    }
    assertThat(at).isEqualTo(bytes.length);
    return texts;
  }

  private List<String> texts(String content) throws InterruptedException {
    return texts(content.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void linesEndWithLfOrCrlfOrTheFile() throws InterruptedException {
    assertThat(texts("a")).containsExactly("a");
    assertThat(texts("a\n")).containsExactly("a");
    assertThat(texts("\n")).containsExactly("");
    assertThat(texts("\r\n\n x \r\ny\rz\n\r\n猫🐈"))
        .containsExactly("", "", " x ", "y\rz", "", "猫🐈");
  }

  @Test
  void longFilesAreReadInWindows() throws InterruptedException {
    Random random = new Random(3);
    List<String> lines = new ArrayList<>();
    StringBuilder content = new StringBuilder();
    while (content.length() < 20 << 20) {
      int length = random.nextInt(4) == 0 ? random.nextInt(TextFile.MAX_LINE + 1) : 9;
      String line = Integer.toString(lines.size() % 10).repeat(length);
      lines.add(line);
      content.append(line).append(random.nextBoolean() ? "\n" : "\r\n");
    }
    assertThat(texts(content.toString())).isEqualTo(lines);
    assertThat(most).isLessThanOrEqualTo(8 << 20);
  }

  @Test
  void linesAreBounded() throws InterruptedException {
    String longest = "x".repeat(TextFile.MAX_LINE);
    assertThat(texts("a\n" + longest + "\r\nb")).containsExactly("a", longest, "b");
    refused(("a\n" + longest + "x").getBytes(StandardCharsets.UTF_8), "line 2 of file 't.txt'");
    refused(new byte[9 << 20], "at most 65536 bytes, line 1 of file 't.txt' of model 'm' has more");
    refused(new byte[0], "has no line");
  }

  @Test
  void linesThatAreNotUtf8AreNamed() {
    refused(new byte[] {'a', '\n', '\n', 'b', (byte) 0xc3}, "line 3 of file 't.txt' of model 'm'");
    refused(new byte[] {(byte) 0xed, (byte) 0xa0, (byte) 0x80}, "line 1 of file");
    refused(new byte[] {'a', (byte) 0xc3, '\n', (byte) 0xa4}, "line 1 of file");
  }

  private void refused(byte[] bytes, String reason) {
    assertThatThrownBy(() -> texts(bytes))
        .isInstanceOf(EmbedException.class)
        .hasMessageContaining(reason);
  }

  /** A step that nobody stops. */
  private static final class Running implements JobContext {
    @Override
    public Job job() {
      throw new UnsupportedOperationException();
    }

    @Override
    public String workerId() {
      throw new UnsupportedOperationException();
    }

    @Override
    public JsonNode shared() {
      throw new UnsupportedOperationException();
    }

    @Override
    public List<Worker> workers() {
      throw new UnsupportedOperationException();
    }

    @Override
    public void addBytes(long bytes) {}

    @Override
    public boolean cancelled() {
      return false;
    }

    @Override
    public void check() {}
  }
}
