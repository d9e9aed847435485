package io.sluice.upload;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import io.sluice.model.ByteRange;
import io.sluice.model.Crc32c;
import io.sluice.model.ErrorKind;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Bytes of a source file that a task has read. The checksum of the whole file follows from those of
 * its runs, so that nobody reads the file for it.
 *
 * @param file index of the file
 * @param range where they lie in the file
 * @param crc32c their CRC32C
 */
record SourceRun(int file, ByteRange range, int crc32c) {
  /** Adds a run to a list, to the last one if it goes on with it. */
  static void append(List<SourceRun> runs, SourceRun run) {
    SourceRun last = runs.isEmpty() ? null : runs.getLast();
    if (last != null && last.file == run.file && last.range.end() == run.range.offset()) {
      runs.set(
          runs.size() - 1,
          new SourceRun(
              run.file,
              ByteRange.between(last.range.offset(), run.range.end()),
              Crc32c.combine(last.crc32c, run.crc32c, run.range.length())));
    } else {
      runs.add(run);
    }
  }

  /**
   * The checksum of a file.
   *
   * @param path for the message
   * @param size bytes of the file
   * @param runs the runs that it is made of, in any order
   * @throws UploadException FATAL if they are not exactly the file
   */
  static int whole(String path, long size, List<SourceRun> runs) {
    List<SourceRun> joined = new ArrayList<>();
    runs.stream()
        .filter(run -> run.range.length() > 0)
        .sorted(Comparator.comparingLong(run -> run.range.offset()))
        .forEach(run -> append(joined, run));
    if (joined.isEmpty() && size == 0) {
      return 0;
    }
    if (joined.size() != 1 || !joined.getFirst().range.equals(new ByteRange(0, size))) {
      throw new UploadException(
          ErrorKind.FATAL,
          "file-not-covered",
          "file '"
              + path
              + "' has "
              + size
              + " bytes, the tasks have read "
              + joined.stream().limit(4).map(run -> run.range.toString()).toList()
              + (joined.size() > 4 ? " and others" : ""));
    }
    return joined.getFirst().crc32c;
  }

  static void write(ArrayNode array, List<SourceRun> runs) {
    for (SourceRun run : runs) {
      array
          .addArray()
          .add(run.file)
          .add(run.range.offset())
          .add(run.range.length())
          .add(Integer.toUnsignedLong(run.crc32c));
    }
  }

  static void read(JsonNode array, List<List<SourceRun>> byFile) {
    for (JsonNode run : array) {
      int file = run.get(0).intValue();
      byFile
          .get(file)
          .add(
              new SourceRun(
                  file,
                  new ByteRange(run.get(1).longValue(), run.get(2).longValue()),
                  (int) run.get(3).longValue()));
    }
  }
}
