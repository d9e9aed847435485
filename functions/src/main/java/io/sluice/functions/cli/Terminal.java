package io.sluice.functions.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What standard error is. */
final class Terminal {
  private static final int DEFAULT_COLUMNS = 80;

  private Terminal() {}

  /** Whether standard error is a terminal that can be drawn on. */
  static boolean isStandardError() {
    if ("dumb".equals(System.getenv("TERM")) || System.getenv("TERM") == null) {
      return false;
    }
    try {
      String device = Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
      return device.startsWith("/dev/pts/") || device.startsWith("/dev/tty");
    } catch (IOException | UnsupportedOperationException e) {
      // No such file outside of Linux: there the console tells of input and output at least.
      return System.console() != null && System.console().isTerminal();
    }
  }

  /** Width of the terminal as the shell says it. */
  static int columns() {
    String columns = System.getenv("COLUMNS");
    return columns != null && columns.matches("[1-9][0-9]{1,3}")
        ? Integer.parseInt(columns)
        : DEFAULT_COLUMNS;
  }
}
