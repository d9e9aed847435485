package io.sluice.compute.embed;

import io.sluice.compute.ComputeException;
import io.sluice.job.JobContext;
import io.sluice.job.JobPlan;
import io.sluice.model.ByteRange;
import io.sluice.model.SluiceException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A file with a text on each line, in UTF-8. Lines end with LF or CRLF, the last one with the file
 * if need be; an empty line is an empty text. However long the file is, {@value #WINDOW} bytes of
 * it are read at a time.
 */
final class TextFile {
  /** Most bytes of a line, without its end. */
  static final int MAX_LINE = 64 << 10;

  /** Most lines of a batch. */
  static final int LINES = 256;

  /** Most bytes of a batch. */
  static final int BATCH_BYTES = 1 << 20;

  private static final int WINDOW = 8 << 20;

  /** Whole lines that one task embeds; lines are counted from 0. */
  record Batch(long firstLine, int lines, ByteRange bytes) {}

  /** Reads bytes of the file into a target of their length. */
  @FunctionalInterface
  interface Source {
    void read(ByteRange range, MemorySegment target) throws InterruptedException;
  }

  private final String name;
  private final long size;
  private final Source source;

  /**
   * @param name for messages, with its quotes
   */
  TextFile(String name, long size, Source source) {
    this.name = name;
    this.size = size;
    this.source = source;
  }

  /**
   * Reads the whole file and cuts it, by its content alone.
   *
   * @return at least one batch
   * @throws EmbedException {@code texts-invalid} with the number of a line (from 1) that is too
   *     long or not UTF-8, or if there is no line
   */
  List<Batch> batches(JobContext context) throws InterruptedException {
    List<Batch> batches = new ArrayList<>();
    long line = 0;
    for (long at = 0; at < size; ) {
      context.check();
      byte[] window = read(new ByteRange(at, Math.min(WINDOW, size - at)));
      int end = at + window.length == size ? window.length : afterLastLine(window);
      if (end == 0) {
        throw tooLong(line, "more than " + WINDOW);
      }
      int from = 0;
      long first = line;
      for (int begin = 0; begin < end; line++) {
        int next = afterLine(window, begin, end);
        text(window, begin, next, line);
        if (line - first == LINES || next - from > BATCH_BYTES) {
          add(batches, new Batch(first, (int) (line - first), range(at, from, begin)));
          from = begin;
          first = line;
        }
        begin = next;
      }
      add(batches, new Batch(first, (int) (line - first), range(at, from, end)));
      at += end;
    }
    if (batches.isEmpty()) {
      throw EmbedException.texts("file " + name + " has no line");
    }
    return batches;
  }

  /** The texts of a batch. */
  List<String> texts(Batch batch) throws InterruptedException {
    byte[] bytes = read(batch.bytes());
    List<String> texts = new ArrayList<>(batch.lines());
    for (int begin = 0; begin < bytes.length; ) {
      int next = afterLine(bytes, begin, bytes.length);
      texts.add(text(bytes, begin, next, batch.firstLine() + texts.size()));
      begin = next;
    }
    return texts;
  }

  private void add(List<Batch> batches, Batch batch) {
    if (batches.size() == JobPlan.MAX_TASKS) {
      throw ComputeException.tooLarge(
          "file "
              + name
              + " gives more than "
              + JobPlan.MAX_TASKS
              + " tasks of at most "
              + LINES
              + " lines and "
              + BATCH_BYTES
              + " bytes: split it into several files");
    }
    batches.add(batch);
  }

  private byte[] read(ByteRange range) throws InterruptedException {
    byte[] bytes = new byte[(int) range.length()];
    try {
      source.read(range, MemorySegment.ofArray(bytes));
    } catch (SluiceException e) {
      throw ComputeException.busy(e);
    }
    return bytes;
  }

  private static ByteRange range(long at, int from, int to) {
    return ByteRange.between(at + from, at + to);
  }

  private static int afterLastLine(byte[] bytes) {
    int end = bytes.length;
    while (end > 0 && bytes[end - 1] != '\n') {
      end--;
    }
    return end;
  }

  private static int afterLine(byte[] bytes, int begin, int end) {
    int at = begin;
    while (at < end && bytes[at] != '\n') {
      at++;
    }
    return Math.min(end, at + 1);
  }

  private String text(byte[] bytes, int begin, int next, long line) {
    int end = next;
    if (bytes[end - 1] == '\n') {
      end--;
      end -= end > begin && bytes[end - 1] == '\r' ? 1 : 0;
    }
    if (end - begin > MAX_LINE) {
      throw tooLong(line, String.valueOf(end - begin));
    }
    try {
      ByteBuffer of = ByteBuffer.wrap(bytes, begin, end - begin);
      return StandardCharsets.UTF_8.newDecoder().decode(of).toString();
    } catch (CharacterCodingException e) {
      throw EmbedException.texts("line " + (line + 1) + " of file " + name + " is not UTF-8");
    }
  }

  private EmbedException tooLong(long line, String bytes) {
    return EmbedException.texts(
        "a text has at most "
            + MAX_LINE
            + " bytes, line "
            + (line + 1)
            + " of file "
            + name
            + " has "
            + bytes);
  }
}
