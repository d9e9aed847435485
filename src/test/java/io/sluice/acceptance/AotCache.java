package io.sluice.acceptance;

import io.sluice.launcher.FileTree;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * What Java keeps of the start of the packaged application, as its image does: tests start it some
 * hundred times. The first test that needs a cache makes it, for all processes with the same
 * options; one that was made of other files is not used.
 */
final class AotCache {
  private static final Path FOLDER = Path.of("target", "aot").toAbsolutePath();

  /** Those that are known to be there, by the command of Java. */
  private static final Map<List<String>, Path> CACHES = new HashMap<>();

  private AotCache() {}

  /**
   * The cache of the application.
   *
   * @param jar the application
   * @param java the command of Java with all options that its processes have
   */
  static synchronized Path of(Path jar, List<String> java) {
    return CACHES.computeIfAbsent(java, options -> find(jar, options));
  }

  private static Path find(Path jar, List<String> java) {
    try {
      Files.createDirectories(FOLDER);
      String key = Integer.toHexString(java.hashCode()) + "-" + newest(jar.getParent());
      Path cache = FOLDER.resolve(key + ".aot");
      try (FileChannel channel =
              FileChannel.open(
                  FOLDER.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
          FileLock _ = channel.lock()) {
        if (!Files.exists(cache)) {
          train(jar, java, cache);
        }
      }
      return cache;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static long newest(Path application) throws IOException {
    try (Stream<Path> files = Files.walk(application)) {
      long newest = 0;
      for (Path file : (Iterable<Path>) files::iterator) {
        newest = Math.max(newest, Files.getLastModifiedTime(file).toMillis());
      }
      return newest;
    }
  }

  /** Serves once, without a store and without Redis, and ends: with that Java writes the cache. */
  private static void train(Path jar, List<String> java, Path cache) throws IOException {
    Path store = Files.createTempDirectory(FOLDER, "store-");
    Path log = Path.of(cache + ".log");
    Path made = Path.of(cache + ".new");
    List<String> command = new ArrayList<>(java);
    command.addAll(List.of("-XX:AOTCacheOutput=" + made, "-jar", jar.toString(), "serve"));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().keySet().removeIf(name -> name.matches("(SLUICE|QUARKUS)_.*"));
    builder
        .environment()
        .putAll(
            Map.of(
                "SLUICE_AUTH_MODE", "open",
                "SLUICE_STORE", "file",
                "SLUICE_FILE_ROOT", store.toString(),
                "SLUICE_WORKER_ENABLED", "false",
                "QUARKUS_REDIS_HOSTS", "redis://127.0.0.1:1",
                "QUARKUS_HTTP_PORT", "0"));
    Process process = builder.redirectErrorStream(true).redirectOutput(log.toFile()).start();
    try {
      Await.untilTrue(
          "the application to listen, see " + log,
          () -> {
            try {
              String said = Files.readString(log);
              if (!process.isAlive()) {
                throw new AssertionError("the application did not start: " + said);
              }
              return said.contains("Listening on");
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
      process.destroy();
      if (!process.waitFor(Await.LONG.toSeconds(), TimeUnit.SECONDS) || !Files.exists(made)) {
        throw new IllegalStateException("no AOT cache was written, see " + log);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    } finally {
      process.destroyForcibly();
      FileTree.delete(store);
    }
    Files.move(made, cache, StandardCopyOption.ATOMIC_MOVE);
  }
}
