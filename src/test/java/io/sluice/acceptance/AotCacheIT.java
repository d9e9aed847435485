package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The scripts of the image of the Java program: one trains an AOT cache, the other starts with it.
 */
class AotCacheIT {
  @TempDir Path folder;

  @Test
  void whatWasTrainedIsUsed() throws IOException, InterruptedException {
    Path jar = Path.of(System.getProperty("acceptance.application")).toAbsolutePath().normalize();
    Assumptions.assumeTrue(jar.toString().endsWith(".jar"), "skipped: there is no Java program");
    Path images = Path.of("../../infra/images").toAbsolutePath().normalize();
    Path cache = folder.resolve("sluice.aot");
    Map<String, String> environment =
        Map.of(
            "SLUICE_JAVA", Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "SLUICE_APP", jar.getParent().toString(),
            "SLUICE_AOT", cache.toString());
    run(
        environment,
        "",
        images.resolve("train-aot").toString(),
        jar.getParent().toString(),
        cache.toString());
    assertThat(Files.size(cache)).isGreaterThan(1 << 20);
    // With this mode Java says so, or ends, if it cannot use the cache.
    String version =
        run(
            environment,
            "-XX:AOTMode=on",
            images.resolve("sluice-jvm").toString(),
            "-Xmx256m",
            "--version");
    assertThat(version).containsPattern("(?m)^sluice [0-9]").doesNotContain("[aot]");

    Files.writeString(Path.of(cache + ".path"), "/elsewhere\n");
    String moved =
        run(environment, "-XX:AOTMode=on", images.resolve("sluice-jvm").toString(), "--version");
    assertThat(moved)
        .contains(cache + " is left out: it was made for /elsewhere, this is " + jar.getParent());
  }

  private String run(Map<String, String> environment, String options, String... command)
      throws IOException, InterruptedException {
    Path log = Files.createTempFile(folder, "run", ".log");
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().keySet().removeIf(name -> name.matches("(SLUICE|QUARKUS)_.*"));
    builder.environment().putAll(environment);
    builder.environment().put("SLUICE_JAVA_OPTS", options);
    Process process =
        Application.start(builder.redirectErrorStream(true).redirectOutput(log.toFile()));
    boolean ended = process.waitFor(4, TimeUnit.MINUTES);
    if (!ended) {
      process.descendants().forEach(ProcessHandle::destroy);
      process.destroy();
    }
    assertThat(ended && process.exitValue() == 0)
        .as(Arrays.toString(command) + "\n" + Files.readString(log))
        .isTrue();
    return Files.readString(log);
  }
}
