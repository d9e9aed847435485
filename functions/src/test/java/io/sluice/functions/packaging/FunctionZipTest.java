package io.sluice.functions.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The function.zip that the build has made, with a stand-in where the native binary will be. */
class FunctionZipTest {
  private static final Path ZIP = Path.of("target", "test-packaging", "function.zip");

  @TempDir Path folder;

  @Test
  @Timeout(60)
  void lambdaFindsABootstrapThatStartsTheBinary() throws IOException, InterruptedException {
    Assumptions.assumeTrue(
        System.getProperty("native") == null, "skipped: this build packages the binary itself");
    Map<String, String> modes = new TreeMap<>();
    try (FileSystem zip =
            FileSystems.newFileSystem(ZIP, Map.of("enablePosixFileAttributes", true));
        Stream<Path> files = Files.list(zip.getPath("/"))) {
      for (Path file : files.toList()) {
        modes.put(
            file.toString(), PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        Path target = folder.resolve(file.getFileName().toString());
        Files.copy(file, target);
        Files.setPosixFilePermissions(target, Files.getPosixFilePermissions(file));
      }
    }
    assertThat(modes).isEqualTo(Map.of("/bootstrap", "rwxr-xr-x", "/sluice", "rwxr-xr-x"));
    assertThat(run(Map.of())).isEqualTo("engine=lambda arguments=serve");
    assertThat(run(Map.of("SLUICE_NATIVE_OPTS", "-Xmx1g -Xmn1m", "SLUICE_ENGINE", "http")))
        .isEqualTo("engine=http arguments=-Xmx1g -Xmn1m serve");
  }

  private String run(Map<String, String> environment) throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(folder.resolve("bootstrap").toString());
    builder.directory(Path.of("/").toFile());
    builder.environment().keySet().removeIf(name -> name.startsWith("SLUICE_"));
    builder.environment().putAll(environment);
    builder.redirectErrorStream(true);
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(output).isZero();
    return output.strip();
  }
}
