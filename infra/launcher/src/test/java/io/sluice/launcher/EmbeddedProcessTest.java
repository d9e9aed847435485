package io.sluice.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launcher against small shell programs that behave and misbehave. */
class EmbeddedProcessTest {
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final EmbeddedEndpoints ENDPOINTS =
      new EmbeddedEndpoints(
          "http://127.0.0.1:1", "us-east-1", "sluice", "AK", "s=e=c", "redis://127.0.0.1:2", 7);

  @Test
  void linesRoundTrip() {
    assertThat(EmbeddedEndpoints.fromLines(ENDPOINTS.toLines())).isEqualTo(ENDPOINTS);
    assertThat(ENDPOINTS.toString()).doesNotContain("s=e=c");
  }

  @Test
  void refusesWrongLines() {
    assertThatThrownBy(() -> EmbeddedEndpoints.fromLines(List.of("pid=1")))
        .hasMessageContaining("ready");
    assertThatThrownBy(() -> EmbeddedEndpoints.fromLines(List.of("pid=1", "ready")))
        .hasMessageContaining("s3.endpoint");
    assertThatThrownBy(() -> EmbeddedEndpoints.fromLines(List.of("nonsense", "ready")))
        .hasMessageContaining("nonsense");
  }

  @Test
  void readsTheEndpointsAndEndsTheProcess(@TempDir Path folder) throws Exception {
    Path ended = folder.resolve("ended");
    EmbeddedProcess process =
        EmbeddedProcess.start(
            sh(announce() + "cat >/dev/null; touch '" + ended + "'; exit 3"), LONG);
    assertThat(process.endpoints()).isEqualTo(ENDPOINTS);
    assertThat(process.isAlive()).isTrue();
    assertThat(ended).doesNotExist();

    process.close();

    assertThat(ended).exists();
    assertThat(process.isAlive()).isFalse();
    assertThat(process.onExit().get(5, TimeUnit.SECONDS)).isEqualTo(3);
    process.close(); // a second time is nothing
  }

  @Test
  void saysWhatAProgramWroteThatEndedEarly() {
    assertThatThrownBy(
            () -> EmbeddedProcess.start(sh("echo pid=1; echo the reason >&2; exit 9"), LONG))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("exit code 9")
        .hasMessageContaining("the reason");
  }

  @Test
  void givesUpAfterTheTimeout() {
    assertThatThrownBy(
            () ->
                EmbeddedProcess.start(
                    sh("echo still warming up >&2; cat >/dev/null"), Duration.ofSeconds(1)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("PT1S")
        .hasMessageContaining("still warming up");
  }

  @Test
  void refusesNonsense() {
    assertThatThrownBy(() -> EmbeddedProcess.start(sh("echo ready; cat >/dev/null"), LONG))
        .isInstanceOf(IOException.class)
        .hasRootCauseMessage("no s3.endpoint among []");
  }

  @Test
  void namesAMissingHome(@TempDir Path folder) {
    assertThatThrownBy(() -> Launch.ofHome(folder))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(folder.resolve(Launch.JAR).toString());
  }

  @Test
  void findsAJavaThatIsNewEnough(@TempDir Path folder) throws IOException {
    Path old = jdk(folder.resolve("old"), "17.0.9");
    Path eight = jdk(folder.resolve("eight"), "1.8.0_392");
    Path recent = jdk(folder.resolve("recent"), "25.0.1");

    assertThat(
            new JavaFinder(
                    Optional.of(old.toString()),
                    Map.of("JAVA_HOME", eight.toString(), "PATH", recent + "/bin"))
                .find())
        .isEqualTo(recent.resolve("bin/java"));
    assertThatThrownBy(
            () ->
                new JavaFinder(
                        Optional.empty(),
                        Map.of("JAVA_HOME", eight.toString(), "PATH", old + "/bin"))
                    .find())
        .isInstanceOf(IOException.class)
        .hasMessageContaining(eight + "/bin/java (JAVA_HOME): is Java 8")
        .hasMessageContaining(old + "/bin/java (PATH): is Java 17");
  }

  private static Path jdk(Path home, String version) throws IOException {
    Files.createDirectories(home.resolve("bin"));
    Files.writeString(
        home.resolve("release"), "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"" + version + "\"\n");
    Files.writeString(home.resolve("bin/java"), "").toFile().setExecutable(true);
    return home.toRealPath();
  }

  private static List<String> sh(String script) {
    return List.of("/bin/sh", "-c", script);
  }

  private static String announce() {
    StringBuilder script = new StringBuilder();
    ENDPOINTS.toLines().forEach(line -> script.append("echo '").append(line).append("'; "));
    return script.toString();
  }
}
