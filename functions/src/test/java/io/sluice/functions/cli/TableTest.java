package io.sluice.functions.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class TableTest {
  @Test
  void columnsAreAsWideAsTheyMustBeAndNumbersStandToTheRight() {
    Table table = new Table("NAME", "N", "NOTE");
    table.row("a", 7, "x");
    table.row("größer", 1234, "");
    StringWriter out = new StringWriter();
    table.print(new PrintWriter(out));
    assertThat(out.toString().lines())
        .containsExactly("NAME       N  NOTE", "a          7  x", "größer  1234");
  }
}
