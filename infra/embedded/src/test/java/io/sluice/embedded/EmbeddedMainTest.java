package io.sluice.embedded;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.launcher.EmbeddedEndpoints;
import io.sluice.launcher.EmbeddedProcess;
import io.sluice.launcher.Launch;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The program as its users see it: a process. */
class EmbeddedMainTest {
  private static final String CLASS_PATH =
      System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));

  @TempDir Path temporary;

  @Test
  void endsWhenStandardInputEnds() throws Exception {
    Process process = program();
    EmbeddedEndpoints endpoints = announced(process);
    assertThat(listens(endpoints.endpoint())).isTrue();
    assertThat(listens(endpoints.redisUrl())).isTrue();

    process.getOutputStream().close();

    assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isZero();
    assertThat(process.inputReader().readLine()).as("a line after the announcement").isNull();
    assertGone(endpoints);
  }

  @Test
  void endsAtSigterm() throws Exception {
    Process process = program();
    EmbeddedEndpoints endpoints = announced(process);

    process.destroy();

    assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertGone(endpoints);
  }

  @Test
  void leavesNothingWhenKilled() throws Exception {
    Process process = program();
    EmbeddedEndpoints endpoints = announced(process);
    assertThat(files()).as("the temporary directory").isNotEmpty();

    process.destroyForcibly(); // SIGKILL: the JVM can do nothing any more

    assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertGone(endpoints);
  }

  @Test
  void isForkedByTheLauncher() throws Exception {
    EmbeddedEndpoints endpoints;
    try (EmbeddedProcess process =
        EmbeddedProcess.start(launch().withData(temporary.resolve("data")).withBucket("other"))) {
      endpoints = process.endpoints();
      assertThat(process.isAlive()).isTrue();
      assertThat(endpoints.bucket()).isEqualTo("other");
      assertThat(temporary.resolve("data/s3/other")).isDirectory();
      assertThat(listens(endpoints.redisUrl())).isTrue();
    }
    assertThat(listens(endpoints.redisUrl())).isFalse();
    assertThat(listens(endpoints.endpoint())).isFalse();
    assertThat(temporary.resolve("data/s3/other")).isDirectory();
  }

  @Test
  void tellsTheLauncherWhyItCannotStart() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      assertThatThrownBy(() -> EmbeddedProcess.start(launch().withS3Port(taken.getLocalPort())))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("exit code 1")
          .hasMessageContaining("127.0.0.1:" + taken.getLocalPort());
    }
  }

  @Test
  void refusesWrongArguments() throws Exception {
    Process process = program("--bukket", "x");

    assertThat(new String(process.getErrorStream().readAllBytes(), UTF_8)).contains("--bukket");
    assertThat(process.waitFor()).isEqualTo(2);
    assertThat(process.getInputStream().readAllBytes()).isEmpty();
  }

  private static Launch launch() {
    return Launch.ofClassPath(
        Stream.of(CLASS_PATH.split(File.pathSeparator)).map(Path::of).toList());
  }

  /** The program with its temporary files under {@link #temporary}. */
  private Process program(String... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Djava.io.tmpdir=" + temporary);
    command.addAll(List.of("-cp", CLASS_PATH, EmbeddedMain.class.getName()));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).start();
  }

  private static EmbeddedEndpoints announced(Process process) throws IOException {
    BufferedReader reader = process.inputReader();
    List<String> lines = new ArrayList<>();
    do {
      String line = reader.readLine();
      if (line == null) {
        throw new IOException(new String(process.getErrorStream().readAllBytes(), UTF_8));
      }
      lines.add(line);
    } while (!lines.getLast().equals("ready"));
    assertThat(lines).hasSize(8);
    EmbeddedEndpoints endpoints = EmbeddedEndpoints.fromLines(lines);
    assertThat(endpoints.pid()).isEqualTo(process.pid());
    return endpoints;
  }

  private void assertGone(EmbeddedEndpoints endpoints) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (System.nanoTime() - deadline < 0
        && (listens(endpoints.redisUrl()) || !files().isEmpty())) {
      Thread.sleep(20);
    }
    assertThat(listens(endpoints.redisUrl())).as("Redis still listens").isFalse();
    assertThat(listens(endpoints.endpoint())).as("S3 still listens").isFalse();
    assertThat(files()).as("left behind").isEmpty();
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(temporary)) {
      return files.filter(file -> !file.endsWith("hsperfdata_root")).toList();
    }
  }

  private static boolean listens(String url) {
    URI uri = URI.create(url);
    try (Socket socket = new Socket(uri.getHost(), uri.getPort())) {
      return socket.isConnected();
    } catch (IOException e) {
      return false;
    }
  }
}
