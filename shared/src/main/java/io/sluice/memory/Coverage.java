package io.sluice.memory;

import io.sluice.model.ByteRange;
import io.sluice.model.InvalidValueException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Which bytes of a shard object are held: as text {@code begin:end,begin:end}, end exclusive.
 *
 * @param runs sorted, without overlaps, none empty; each lies in memory in one piece
 */
public record Coverage(List<ByteRange> runs) {
  private static final Pattern RUN = Pattern.compile("(\\d{1,19}):(\\d{1,19})");

  public Coverage {
    runs = List.copyOf(runs);
    long end = 0;
    for (ByteRange run : runs) {
      if (run.length() == 0 || run.offset() < end) {
        throw new InvalidValueException(
            "coverage-invalid", "runs of bytes are sorted and apart, got " + runs);
      }
      end = run.end();
    }
  }

  /** Reads what {@link #toString} wrote. */
  public static Coverage parse(String text) {
    List<ByteRange> runs = new ArrayList<>();
    if (!text.isEmpty()) {
      for (String part : text.split(",", -1)) {
        var matcher = RUN.matcher(part);
        if (!matcher.matches()) {
          throw invalid(part);
        }
        try {
          runs.add(
              ByteRange.between(
                  Long.parseLong(matcher.group(1)), Long.parseLong(matcher.group(2))));
        } catch (NumberFormatException e) {
          throw invalid(part);
        }
      }
    }
    return new Coverage(runs);
  }

  private static InvalidValueException invalid(String part) {
    return new InvalidValueException(
        "coverage-invalid", "a run of bytes is 'begin:end', got '" + part + "'");
  }

  /** Whether the bytes are held, in one piece. */
  public boolean contains(ByteRange range) {
    return runs.stream().anyMatch(run -> run.contains(range));
  }

  /** Whether each of the ranges is held, in one piece each; one of no bytes always is. */
  public boolean containsAll(List<ByteRange> ranges) {
    return ranges.stream().allMatch(range -> range.length() == 0 || contains(range));
  }

  /** Number of bytes held. */
  public long bytes() {
    return runs.stream().mapToLong(ByteRange::length).sum();
  }

  /**
   * What to load so that each of the ranges is held in one piece: the ranges that are not, joined
   * with each other where they touch and with the held runs that they overlap. Put in memory, the
   * result replaces those runs.
   */
  public List<ByteRange> missing(List<ByteRange> wanted) {
    List<ByteRange> sorted = wanted.stream().filter(r -> r.length() > 0).sorted().toList();
    List<ByteRange> joined = new ArrayList<>();
    for (ByteRange range : sorted) {
      if (!joined.isEmpty() && range.offset() <= joined.getLast().end()) {
        ByteRange last = joined.removeLast();
        joined.add(ByteRange.between(last.offset(), Math.max(last.end(), range.end())));
      } else {
        joined.add(range);
      }
    }
    List<ByteRange> missing = new ArrayList<>();
    for (ByteRange range : joined) {
      if (!contains(range)) {
        long begin = range.offset();
        long end = range.end();
        for (ByteRange run : runs) {
          if (run.overlaps(range)) {
            begin = Math.min(begin, run.offset());
            end = Math.max(end, run.end());
          }
        }
        if (!missing.isEmpty() && begin < missing.getLast().end()) {
          // Both overlap one run.
          begin = missing.removeLast().offset();
        }
        missing.add(ByteRange.between(begin, end));
      }
    }
    return missing;
  }

  @Override
  public String toString() {
    return runs.stream().map(r -> r.offset() + ":" + r.end()).collect(Collectors.joining(","));
  }
}
