package io.sluice.redis;

import static io.sluice.Eventually.eventually;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.TestPorts;
import io.sluice.launcher.FileTree;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import redis.embedded.core.ExecutableProvider;
import redis.embedded.model.OsArchitecture;

/** A real redis-server on loopback that can be killed and started again with its data. */
public final class TestRedis implements AutoCloseable {
  private static final AtomicInteger PREFIXES = new AtomicInteger();

  private final Path home;
  private final Path binary;
  private final int port;
  private final Thread hook = new Thread(this::cleanUp);
  private Process process;

  /** Starts a server that keeps its data over restarts. */
  public TestRedis() {
    try {
      home = Files.createTempDirectory("sluice-redis");
      Runtime.getRuntime().addShutdownHook(hook);
      binary = home.resolve("redis-server");
      String resource =
          ExecutableProvider.newProvidedVersionsMap().get(OsArchitecture.detectOSandArchitecture());
      try (InputStream in = ExecutableProvider.class.getResourceAsStream(resource)) {
        Files.copy(in, binary);
      }
      if (!binary.toFile().setExecutable(true)) {
        throw new IOException(binary + " cannot be made executable");
      }
      port = TestPorts.fixed();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    start();
  }

  /** The server that most tests share, each under a prefix of its own; ends with the JVM. */
  public static TestRedis shared() {
    return Shared.REDIS;
  }

  /** An event loop for all tests. */
  public static Vertx vertx() {
    return Shared.VERTX;
  }

  /** A prefix of keys that no other test has. */
  public static String prefix() {
    return "{test-" + PREFIXES.incrementAndGet() + "}:";
  }

  public int port() {
    return port;
  }

  /** Process id of the server. */
  public long pid() {
    return process.pid();
  }

  public RedisConfig config() {
    return new RedisConfig("redis://127.0.0.1:" + port, Duration.ofSeconds(20), 8);
  }

  public RedisClient client() {
    return new RedisClient(vertx(), config());
  }

  public void start() {
    try {
      process =
          new ProcessBuilder(
                  binary.toString(),
                  "--port",
                  Integer.toString(port),
                  "--bind",
                  "127.0.0.1",
                  "--dir",
                  home.toString(),
                  "--save",
                  "",
                  "--appendonly",
                  "yes",
                  "--appendfsync",
                  "no")
              .redirectErrorStream(true)
              .redirectOutput(home.resolve("log").toFile())
              .start();
      eventually(
          "Redis on port " + port,
          () -> {
            assertThat(process.isAlive()).as(this::log).isTrue();
            return answers();
          });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Ends the server; its data stay. */
  public void kill() {
    process.destroyForcibly();
    try {
      process.waitFor(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    Runtime.getRuntime().removeShutdownHook(hook);
    cleanUp();
  }

  /** Whether it is this server that answers, and not another one that has the port. */
  private boolean answers() {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 10_000);
      socket.setSoTimeout(10_000);
      socket.getOutputStream().write("CONFIG GET dir\r\nQUIT\r\n".getBytes(UTF_8));
      String said = new String(socket.getInputStream().readAllBytes(), UTF_8);
      return said.contains(home.toRealPath().toString());
    } catch (IOException e) {
      return false; // not yet
    }
  }

  private String log() {
    try {
      return Files.readString(home.resolve("log"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void cleanUp() {
    if (process != null) {
      kill();
    }
    try {
      FileTree.delete(home);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static final class Shared {
    static final TestRedis REDIS = new TestRedis();
    static final Vertx VERTX = Vertx.vertx();
  }
}
