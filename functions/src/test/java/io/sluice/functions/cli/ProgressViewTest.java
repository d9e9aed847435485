package io.sluice.functions.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class ProgressViewTest {
  private static final long MIB = 1 << 20;

  private final StringWriter err = new StringWriter();

  private ProgressView view(boolean terminal, int columns) {
    return new ProgressView("load", new PrintWriter(err), terminal, columns, false);
  }

  @Test
  void plainLinesWithoutATerminal() {
    try (ProgressView view = view(false, 80)) {
      view.update(0, 4, MIB, 8 * MIB);
      view.update(1, 4, 2 * MIB, 8 * MIB); // too soon after the first
      view.update(4, 4, 8 * MIB, 8 * MIB);
    }
    assertThat(err.toString().lines())
        .containsExactly(
            "load: 0 of 4 tasks, 1.0 MiB of 8.0 MiB", "load: 4 of 4 tasks, 8.0 MiB of 8.0 MiB");
    assertThat(err.toString()).doesNotContain("\r", "\u001b");
  }

  @Test
  void aBarOnATerminalIsWipedAtTheEnd() {
    try (ProgressView view = view(true, 120)) {
      view.update(2, 4, 4 * MIB, 8 * MIB);
      assertThat(err.toString())
          .startsWith("\rload  [" + "#".repeat(15) + ".".repeat(15) + "]  50 %")
          .contains("2/4 tasks")
          .endsWith("\u001b[K");
    }
    assertThat(err.toString()).endsWith("\r\u001b[K").doesNotContain("\n");
  }

  @Test
  void aBarIsNeverWiderThanTheTerminal() {
    try (ProgressView view = view(true, 40)) {
      view.update(4, 4, 8 * MIB, 8 * MIB);
    }
    assertThat(err.toString().replaceAll("\u001b\\[K", "").split("\r"))
        .allSatisfy(line -> assertThat(line.length()).isLessThan(40));
  }

  @Test
  void aBarNeverGoesBack() {
    try (ProgressView view = view(false, 80)) {
      view.update(3, 4, 6 * MIB, 8 * MIB);
      view.update(4, 4, 2 * MIB, 8 * MIB);
    }
    assertThat(err.toString()).contains("4 of 4 tasks, 6.0 MiB");
  }

  @Test
  void anEpochIsALine() throws IOException {
    ObjectMapper json = new ObjectMapper();
    try (ProgressView view = view(false, 80)) {
      view.event(
          "round",
          json.readTree("{\"round\":3,\"note\":{\"phase\":\"step\",\"epoch\":1,\"loss\":2}}"));
      view.event(
          "round",
          json.readTree(
              "{\"round\":4,\"note\":{\"phase\":\"epoch\",\"epoch\":1,\"epochs\":9,"
                  + "\"loss\":0.5,\"accuracy\":0.75}}"));
    }
    assertThat(err.toString().strip())
        .isEqualTo("load: epoch 1 of 9, loss 0.50000, accuracy 0.7500");
  }

  @Test
  void readsTheEventsOfJobs() throws IOException {
    ObjectMapper json = new ObjectMapper();
    try (ProgressView view = view(false, 80)) {
      view.event("state", json.readTree("{\"state\":\"running\"}"));
      view.event(
          "task",
          json.readTree(
              "{\"task\":0,\"tasksDone\":2,\"tasksTotal\":2,\"bytesDone\":5,\"bytesTotal\":5}"));
      view.event("of-tomorrow", json.readTree("{}"));
    }
    assertThat(err.toString().strip()).isEqualTo("load: 2 of 2 tasks, 5 B of 5 B");
  }
}
