package io.sluice.acceptance;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;

/**
 * The stores that a model lives in by {@link StoresIT}, each with a real server of its own. One
 * that cannot be started here skips its tests and says so.
 */
enum TestStore {
  FILE {
    @Override
    Running start(Path folder) throws IOException {
      Path root = Files.createDirectories(folder.resolve("file-store"));
      return new Running(Map.of("SLUICE_FILE_ROOT", root.toString()), () -> {});
    }
  };

  /**
   * A store that serves.
   *
   * @param settings environment that leads to it, without SLUICE_STORE
   * @param stop ends its server
   */
  record Running(Map<String, String> settings, Runnable stop) implements AutoCloseable {
    @Override
    public void close() {
      stop.run();
    }
  }

  /** As settings and options spell it. */
  String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Starts its server.
   *
   * @param folder where it may keep what it has
   */
  abstract Running start(Path folder) throws Exception;
}
