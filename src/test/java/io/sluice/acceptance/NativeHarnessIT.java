package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The way in which {@code -Dnative} runs these tests, with a script in the place of the binary: it
 * is started as it is, without Java, and the options of its runtime come first.
 */
class NativeHarnessIT {
  @TempDir Path folder;
  private Path binary;

  @BeforeEach
  void standIn() throws IOException {
    String jar = System.getProperty("acceptance.application");
    Assumptions.assumeTrue(jar.endsWith(".jar"), "skipped: the binary itself is tested");
    binary = folder.resolve("sluice-runner");
    Files.writeString(
        binary,
        """
        #!/bin/sh
        echo "$1" >'%s'
        exec '%s' "$1" -XX:+UseSerialGC --enable-native-access=ALL-UNNAMED \\
          --sun-misc-unsafe-memory-access=allow -jar '%s' "$2" "$3"
        """
            .formatted(
                folder.resolve("options"),
                Path.of(System.getProperty("java.home"), "bin", "java"),
                Path.of(jar).toAbsolutePath()));
    Files.setPosixFilePermissions(binary, PosixFilePermissions.fromString("rwx------"));
  }

  @Test
  void anExecutableIsStartedWithoutJava() throws IOException, InterruptedException {
    Map<String, String> environment = Stack.shared().environment();
    environment.put("SLUICE_REDIS_PREFIX", "{native-harness}:");
    environment.put("SLUICE_S3_PREFIX", "native-harness/");
    ProcessBuilder builder = Application.builder(binary, List.of("--json", "rebuild"), environment);
    assertThat(builder.command().getFirst()).isEqualTo(binary.toString());
    Path out = folder.resolve("out");
    Path err = folder.resolve("err");
    Process process =
        Application.start(builder.redirectOutput(out.toFile()).redirectError(err.toFile()));
    assertThat(process.waitFor(Await.LONG.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(Files.readString(err)).isZero();
    JsonNode answer = Api.parse(Files.readString(out));
    assertThat(answer.get("versions").intValue()).isZero();
    assertThat(folder.resolve("options")).hasContent("-Xmx256m");
  }
}
