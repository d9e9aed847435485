package io.sluice.storage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** A small file system of its own, in memory. Only root can make one, and not everywhere. */
public final class SmallDisk implements AutoCloseable {
  private final Path folder;
  private final Thread hook = new Thread(this::unmount);
  private boolean open = true;

  private SmallDisk(Path folder) {
    this.folder = folder;
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /** Mounts one; empty if that is not allowed here. */
  public static Optional<SmallDisk> mount(long bytes) throws IOException {
    if (!"root".equals(System.getProperty("user.name"))
        || !Files.isExecutable(Path.of("/bin/mount"))) {
      return Optional.empty();
    }
    Path folder = Files.createTempDirectory("sluice-small-disk");
    if (!run("/bin/mount", "-t", "tmpfs", "-o", "size=" + bytes, "tmpfs", folder.toString())) {
      Files.delete(folder);
      return Optional.empty();
    }
    return Optional.of(new SmallDisk(folder));
  }

  /** Where it is mounted. */
  public Path folder() {
    return folder;
  }

  @Override
  public void close() throws IOException {
    Runtime.getRuntime().removeShutdownHook(hook);
    unmount();
    Files.delete(folder);
  }

  private synchronized void unmount() {
    if (open) {
      open = false;
      run("/bin/umount", "--lazy", folder.toString());
    }
  }

  private static boolean run(String... command) {
    try {
      return new ProcessBuilder(List.of(command))
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start()
              .waitFor()
          == 0;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
