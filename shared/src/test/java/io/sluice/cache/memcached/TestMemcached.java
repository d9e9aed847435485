package io.sluice.cache.memcached;

import static io.sluice.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.sluice.TestPorts;
import io.sluice.model.HostPort;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A real memcached on loopback that can be killed and started again, empty then. */
final class TestMemcached implements AutoCloseable {
  /** Set by CI, which installs memcached: then its absence is a failure. */
  private static final String REQUIRED = "SLUICE_REQUIRE_MEMCACHED";

  private final int port;
  private final Thread hook = new Thread(this::kill);
  private List<String> arguments;
  private Process process;

  /**
   * @param arguments of memcached besides its address
   */
  TestMemcached(String... arguments) {
    this.arguments = List.of(arguments);
    port = TestPorts.fixed();
    Runtime.getRuntime().addShutdownHook(hook);
    start();
  }

  /** Skips the test where there is no memcached, unless it has to be there. */
  static void assumeThere() {
    if ("true".equals(System.getenv(REQUIRED))) {
      assertThat(binary()).as("memcached, which %s demands", REQUIRED).isPresent();
    }
    assumeThat(binary())
        .as("SKIPPED: there is no memcached on the PATH; install it to test the cache")
        .isPresent();
  }

  private static Optional<Path> binary() {
    return Stream.of(System.getenv("PATH").split(":"))
        .map(folder -> Path.of(folder, "memcached"))
        .filter(Files::isExecutable)
        .findFirst();
  }

  HostPort address() {
    return new HostPort("127.0.0.1", port);
  }

  long pid() {
    return process.pid();
  }

  void start(String... others) {
    arguments = List.of(others);
    start();
  }

  void start() {
    List<String> command = new java.util.ArrayList<>();
    command.add(binary().orElseThrow().toString());
    command.addAll(List.of("-l", "127.0.0.1", "-p", Integer.toString(port), "-U", "0"));
    if (System.getProperty("user.name").equals("root")) {
      command.addAll(List.of("-u", "root"));
    }
    command.addAll(arguments);
    try {
      process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.INHERIT)
              .start();
      eventually(
          "memcached on port " + port,
          () -> {
            assertThat(process.isAlive()).as("still there: " + command).isTrue();
            return listening();
          });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  void kill() {
    process.destroyForcibly();
    try {
      process.waitFor(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Says something and returns the first line of the answer. */
  String say(String text) {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1_000);
      socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
      return new java.io.BufferedReader(
              new java.io.InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1))
          .readLine();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private boolean listening() {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1_000);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  @Override
  public void close() {
    Runtime.getRuntime().removeShutdownHook(hook);
    kill();
  }
}
