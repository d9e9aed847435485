package io.sluice.pull;

import io.sluice.model.ErrorKind;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.UUID;

/**
 * The files while they are made: in a directory beside the target, which becomes the target when
 * all is well, and goes away when not.
 */
final class Staging implements AutoCloseable {
  private final Path target;
  private final Path directory;
  private final List<String> paths;
  private final boolean merge;

  private Staging(Path target, Path directory, List<String> paths, boolean merge) {
    this.target = target;
    this.directory = directory;
    this.paths = paths;
    this.merge = merge;
  }

  /**
   * Makes the directory and all files in it, empty.
   *
   * @param paths of the files
   * @param bytes of all of them
   * @param force whether a target that is not empty will do
   */
  static Staging open(Path target, List<String> paths, long bytes, boolean force) {
    try {
      Path real = Files.exists(target) ? target.toRealPath() : target.toAbsolutePath().normalize();
      boolean merge = holdsSomething(real);
      if (merge && !force) {
        throw new PullException(
            ErrorKind.CONFLICT,
            "target-not-empty",
            "'" + target + "' is not empty; --force replaces the files of the model in it");
      }
      Path parent = real.getParent();
      if (parent == null) {
        throw new PullException(
            ErrorKind.INVALID, "target-invalid", "the target '" + target + "' has no parent");
      }
      Files.createDirectories(parent);
      checkRoom(parent, bytes);
      Path directory = parent.resolve("." + real.getFileName() + ".sluice-" + UUID.randomUUID());
      Files.createDirectory(directory);
      Staging staging = new Staging(real, directory, paths, merge);
      try {
        staging.create();
        return staging;
      } catch (IOException | RuntimeException e) {
        staging.close();
        throw e;
      }
    } catch (IOException e) {
      throw PullException.of("cannot make '" + target + "'", e);
    }
  }

  /** The file while it is made. */
  Path file(int index) {
    return resolve(directory, paths.get(index));
  }

  /** Makes the files those of the target. */
  void publish() {
    try {
      if (!merge) {
        // The target is not there or is empty: one rename, and all files are there.
        Files.move(directory, target, StandardCopyOption.ATOMIC_MOVE);
        return;
      }
      for (int i = 0; i < paths.size(); i++) {
        Path to = resolve(target, paths.get(i));
        makeParents(to);
        Files.move(file(i), to, StandardCopyOption.ATOMIC_MOVE);
      }
    } catch (IOException e) {
      throw PullException.of("cannot put the files into '" + target + "'", e);
    }
  }

  /** Deletes what was not published. */
  @Override
  public void close() {
    if (!Files.exists(directory)) {
      return;
    }
    try {
      Files.walkFileTree(
          directory,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
              Files.delete(file);
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path folder, IOException e)
                throws IOException {
              if (e != null) {
                throw e;
              }
              Files.delete(folder);
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException e) {
      throw PullException.of("cannot delete '" + directory + "'", e);
    }
  }

  private void create() throws IOException {
    for (int i = 0; i < paths.size(); i++) {
      Path file = file(i);
      Files.createDirectories(file.getParent());
      try {
        Files.createFile(file);
      } catch (FileAlreadyExistsException e) {
        throw new PullException(
            ErrorKind.INVALID,
            "target-ambiguous",
            "'" + paths.get(i) + "' and another file of the model have one name here");
      }
    }
  }

  /** Makes the directories above a file of the target; a link among them could lead elsewhere. */
  private void makeParents(Path file) throws IOException {
    Path at = target;
    for (Path name : target.relativize(file.getParent())) {
      at = at.resolve(name);
      if (at.equals(target)) {
        continue;
      }
      if (!Files.exists(at, LinkOption.NOFOLLOW_LINKS)) {
        Files.createDirectory(at);
      } else if (!Files.isDirectory(at, LinkOption.NOFOLLOW_LINKS)) {
        throw new PullException(
            ErrorKind.CONFLICT, "target-blocked", "'" + at + "' is in the way: it is no directory");
      }
    }
  }

  /** The manifest has checked its paths; a path that leads out of the folder is a defect there. */
  private static Path resolve(Path folder, String path) {
    Path file = folder.resolve(path).normalize();
    if (!file.startsWith(folder) || file.equals(folder)) {
      throw new PullException(
          ErrorKind.CORRUPT, "path-invalid", "the path '" + path + "' leads out of the folder");
    }
    return file;
  }

  private static boolean holdsSomething(Path target) throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(target)) {
      return entries.iterator().hasNext();
    } catch (NoSuchFileException e) {
      return false;
    } catch (java.nio.file.NotDirectoryException e) {
      throw new PullException(
          ErrorKind.INVALID, "target-invalid", "'" + target + "' is a file, not a folder");
    }
  }

  private static void checkRoom(Path folder, long bytes) throws IOException {
    long free = Files.getFileStore(folder).getUsableSpace();
    if (free < bytes) {
      throw new PullException(
          ErrorKind.CAPACITY,
          "target-too-small",
          "the files have " + bytes + " bytes, at '" + folder + "' are " + free + " free");
    }
  }
}
