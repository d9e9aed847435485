package io.sluice.functions.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;

/** Rows under a heading, each column as wide as it must be; numbers stand to the right. */
final class Table {
  /** A text that stands to the right as numbers do. */
  record Right(String text) {
    @Override
    public String toString() {
      return text;
    }
  }

  private final List<Object[]> rows = new ArrayList<>();
  private final int columns;

  Table(String... heading) {
    columns = heading.length;
    rows.add(heading.clone());
  }

  void row(Object... cells) {
    if (cells.length != columns) {
      throw new IllegalArgumentException(cells.length + " cells for " + columns + " columns");
    }
    rows.add(cells);
  }

  void print(PrintWriter out) {
    int[] width = new int[columns];
    boolean[] right = new boolean[columns];
    for (Object[] row : rows) {
      for (int i = 0; i < columns; i++) {
        String text = String.valueOf(row[i]);
        width[i] = Math.max(width[i], text.codePointCount(0, text.length()));
        right[i] |= row[i] instanceof Number || row[i] instanceof Right;
      }
    }
    for (Object[] row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < columns; i++) {
        String text = String.valueOf(row[i]);
        String padding = " ".repeat(width[i] - text.codePointCount(0, text.length()));
        line.append(right[i] ? padding + text : text + padding).append("  ");
      }
      out.println(line.toString().stripTrailing());
    }
  }
}
