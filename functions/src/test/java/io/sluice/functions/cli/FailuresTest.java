package io.sluice.functions.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.BindException;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FailuresTest {
  private final StringWriter err = new StringWriter();

  private int report(Throwable error, boolean verbose) {
    return Failures.report(error, new PrintWriter(err, true), verbose);
  }

  @ParameterizedTest
  @CsvSource({
    "FATAL, 1",
    "INVALID, 2",
    "MISSING, 3",
    "CONFLICT, 4",
    "CORRUPT, 5",
    "CAPACITY, 6",
    "TRANSIENT, 7",
    "FORBIDDEN, 8"
  })
  void everyKindHasItsExitCode(ErrorKind kind, int code) {
    assertThat(report(new SluiceException(kind, "some-code", "what happened"), false))
        .isEqualTo(code);
    assertThat(err).hasToString("sluice: what happened (some-code)\n");
  }

  @Test
  void aMessageOfManyLinesIsOneLine() {
    report(new SluiceException(ErrorKind.FATAL, "c", "first\n  second\r\n\nthird\n"), false);
    assertThat(err).hasToString("sluice: first; second; third (c)\n");
  }

  @Test
  void theErrorOfSluiceIsFoundInWhatOthersWrapAroundIt() {
    SluiceException error = new SluiceException(ErrorKind.MISSING, "model-missing", "no model");
    assertThat(report(new RuntimeException(new ExecutionException(error)), false)).isEqualTo(3);
    assertThat(err).hasToString("sluice: no model (model-missing)\n");
  }

  @Test
  void aPortThatIsTakenIsNoDefect() {
    assertThat(report(new RuntimeException(new BindException("8080")), false)).isEqualTo(2);
    assertThat(err.toString()).contains("8080", "(port-taken)");
  }

  @Test
  void aDefectIsNamedAndItsTraceShownOnlyIfWanted() {
    assertThat(report(new IllegalStateException("oops"), false)).isEqualTo(1);
    assertThat(err.toString()).contains("oops", "(internal)").doesNotContain("\tat ");
    report(new IllegalStateException("oops"), true);
    assertThat(err.toString()).contains("\tat ");
  }
}
