package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;
import java.util.Locale;

/**
 * How far a job is: on a terminal a bar that is drawn over itself, else a plain line now and then.
 */
class ProgressView implements AutoCloseable {
  private static final int BAR = 30;
  private static final long DRAW_NANOS = 100_000_000L;
  private static final long LINE_NANOS = 2_000_000_000L;

  private final String what;
  private final PrintWriter err;
  private final boolean terminal;
  private final int columns;
  private final boolean verbose;
  private final long startedAt = System.nanoTime();

  private String unit = "tasks";
  private String state = "";
  private long tasksDone;
  private long tasksTotal;
  private long bytesDone;
  private long bytesTotal;
  private long firstBytes = -1;
  private long drawnAt;
  private String drawn = "";

  /**
   * @param what what goes on, such as {@code upload}
   * @param columns width of the terminal
   */
  ProgressView(String what, PrintWriter err, boolean terminal, int columns, boolean verbose) {
    this.what = what;
    this.err = err;
    this.terminal = terminal;
    this.columns = columns;
    this.verbose = verbose;
  }

  /** For standard error as it is. */
  static ProgressView onTerminal(String what, PrintWriter err, boolean verbose) {
    return new ProgressView(what, err, Terminal.isStandardError(), Terminal.columns(), verbose);
  }

  /** For when only what goes wrong is of interest. */
  static ProgressView silent(String what, PrintWriter err) {
    return new ProgressView(what, err, false, Integer.MAX_VALUE, false) {
      @Override
      void draw() {
        // nothing is to be seen
      }
    };
  }

  /** Shows an event of a job; see {@link io.sluice.job.JobEvent.Type}. */
  synchronized void event(String type, JsonNode data) {
    switch (type) {
      case "state" -> state(data.path("state").asText());
      case "task", "progress" ->
          update(
              data.path("tasksDone").asLong(),
              data.path("tasksTotal").asLong(),
              data.path("bytesDone").asLong(),
              data.path("bytesTotal").asLong());
      case "round" -> round(data);
      case "retry" ->
          note(data.path("name").asText() + " is tried again: " + data.path("message").asText());
      default -> {
        // an event of a later server
      }
    }
  }

  /**
   * A round is over; of a training, an epoch is worth a line, a step only if much is to be said.
   */
  private void round(JsonNode data) {
    JsonNode note = data.path("note");
    tasksDone = 0;
    bytesDone = 0;
    if (note.path("phase").asText().equals("epoch")) {
      say(
          String.format(
              Locale.ROOT,
              "epoch %d of %d, loss %.5g%s",
              note.path("epoch").asInt(),
              note.path("epochs").asInt(),
              note.path("loss").asDouble(),
              note.has("accuracy")
                  ? String.format(Locale.ROOT, ", accuracy %.4f", note.get("accuracy").asDouble())
                  : ""));
    } else {
      note("round " + data.path("round").asInt() + " is over: " + note);
    }
  }

  /** Names what is counted, if it is not tasks. */
  synchronized void count(String unit) {
    this.unit = unit;
  }

  /** Shows how much is done. */
  synchronized void update(long tasksDone, long tasksTotal, long bytesDone, long bytesTotal) {
    this.tasksDone = tasksDone;
    this.tasksTotal = tasksTotal;
    // Bytes of a task that is done again count anew; a bar never goes back.
    this.bytesDone = Math.max(bytesDone, this.bytesDone);
    this.bytesTotal = bytesTotal;
    if (firstBytes < 0) {
      firstBytes = bytesDone;
    }
    boolean whole = tasksTotal > 0 && tasksDone == tasksTotal;
    long now = System.nanoTime();
    if (whole || now - drawnAt >= (terminal ? DRAW_NANOS : LINE_NANOS)) {
      drawnAt = now;
      draw();
    }
  }

  /** Says something in a line of its own. */
  synchronized void say(String text) {
    wipe();
    err.println(what + ": " + text);
    err.flush();
  }

  /** Says something, if much is to be said. */
  synchronized void note(String text) {
    if (verbose) {
      say(text);
    }
  }

  /** Takes the bar away: what follows begins in an empty line. */
  @Override
  public synchronized void close() {
    wipe();
    err.flush();
  }

  private void state(String now) {
    state = now;
    if (terminal) {
      draw();
    }
  }

  void draw() {
    String line = terminal ? bar() : plain();
    if (line.equals(drawn)) {
      return;
    }
    if (terminal) {
      err.print("\r" + line + "\u001b[K");
    } else {
      err.println(line);
    }
    err.flush();
    drawn = line;
  }

  private void wipe() {
    if (terminal && !drawn.isEmpty()) {
      err.print("\r\u001b[K");
      drawn = "";
    }
  }

  private String bar() {
    if (tasksTotal == 0) {
      return cut(what + "  " + state);
    }
    double part = bytesTotal > 0 ? (double) bytesDone / bytesTotal : 1;
    int full = (int) Math.round(part * BAR);
    String bar = "#".repeat(full) + ".".repeat(BAR - full);
    double seconds = (System.nanoTime() - startedAt) / 1e9;
    return cut(
        String.format(
            Locale.ROOT,
            "%s  [%s] %3.0f %%  %s of %s  %d/%d %s  %s",
            what,
            bar,
            Math.floor(100 * part),
            ByteSize.format(bytesDone),
            ByteSize.format(bytesTotal),
            tasksDone,
            tasksTotal,
            unit,
            ByteSize.rate(bytesDone - firstBytes, seconds)));
  }

  private String plain() {
    return String.format(
        Locale.ROOT,
        "%s: %d of %d %s, %s of %s",
        what,
        tasksDone,
        tasksTotal,
        unit,
        ByteSize.format(bytesDone),
        ByteSize.format(bytesTotal));
  }

  private String cut(String line) {
    return line.length() < columns ? line : line.substring(0, columns - 1);
  }
}
