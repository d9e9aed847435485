package io.sluice.source;

import io.sluice.model.ByteRange;
import io.sluice.model.ErrorKind;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ReadObserver;
import io.sluice.storage.ShardReader;
import io.sluice.storage.StorageException;
import io.sluice.storage.TransientStorageException;
import io.sluice.upload.ModelSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * A model in a local folder, or a single local file.
 *
 * <p>Links are followed (download caches are made of them) but every file must really lie where the
 * caller allows. Hidden files and folders are left out. A file that changes while it is read is an
 * error: its size and its time of change are its etag.
 */
public final class FolderSource implements ModelSource, ShardReader {
  /** Most files of a folder. */
  public static final int MAX_FILES = 100_000;

  private static final int MAX_DEPTH = 16;

  private final Path path;
  private final Path folder;
  private final Predicate<Path> allowed;
  private final Map<String, FileChannel> channels = new ConcurrentHashMap<>();

  /**
   * @param path the folder or file
   * @param allowed whether a file may be read, by its real path
   */
  public FolderSource(Path path, Predicate<Path> allowed) {
    this.path = path.toAbsolutePath().normalize();
    this.folder = Files.isRegularFile(path) ? this.path.getParent() : this.path;
    this.allowed = allowed;
  }

  /**
   * {@inheritDoc}
   *
   * @throws StorageException MISSING if there is nothing, FORBIDDEN if a file is not allowed
   */
  @Override
  public List<ObjectInfo> files() {
    try {
      List<ObjectInfo> files = keys().stream().map(this::head).toList();
      if (files.isEmpty()) {
        throw new StorageException(
            ErrorKind.MISSING,
            "source-missing",
            path.toString(),
            "no file in '" + path + "'",
            null);
      }
      return files;
    } catch (IOException e) {
      throw failed(path.toString(), e);
    }
  }

  @Override
  public ShardReader reader() {
    return this;
  }

  @Override
  public ObjectInfo head(String key) {
    try {
      BasicFileAttributes attributes = Files.readAttributes(path(key), BasicFileAttributes.class);
      return new ObjectInfo(
          key,
          attributes.size(),
          attributes.size() + "-" + attributes.lastModifiedTime().toInstant(),
          attributes.lastModifiedTime().toInstant());
    } catch (IOException e) {
      throw failed(key, e);
    }
  }

  @Override
  public void read(
      String key,
      Optional<String> etag,
      ByteRange range,
      MemorySegment target,
      ReadObserver observer) {
    if (etag.isPresent() && !head(key).etag().equals(etag.get())) {
      throw StorageException.changed(key, null);
    }
    try {
      FileChannel channel = channel(key);
      long done = 0;
      while (done < range.length()) {
        long step = Math.min(range.length() - done, 1L << 30);
        ByteBuffer buffer = target.asSlice(done, step).asByteBuffer();
        int read = channel.read(buffer, range.offset() + done);
        if (read < 0) {
          throw StorageException.changed(key, null);
        }
        done += read;
      }
    } catch (IOException e) {
      throw failed(key, e);
    }
    observer.received(range.length());
  }

  @Override
  public void close() {
    for (FileChannel channel : channels.values()) {
      try {
        channel.close();
      } catch (IOException e) {
        throw failed("source", e);
      }
    }
    channels.clear();
  }

  private FileChannel channel(String key) throws IOException {
    FileChannel open = channels.get(key);
    if (open != null) {
      return open;
    }
    FileChannel mine = FileChannel.open(path(key), StandardOpenOption.READ);
    FileChannel other = channels.putIfAbsent(key, mine);
    if (other != null) {
      mine.close();
      return other;
    }
    return mine;
  }

  private Path path(String key) throws IOException {
    Path file = folder.resolve(key).normalize();
    if (!file.startsWith(folder) || !allowed.test(file.toRealPath())) {
      throw new StorageException(
          ErrorKind.FORBIDDEN,
          "source-forbidden",
          key,
          "'" + file + "' lies under none of the folders that sluice.sources.roots allows",
          null);
    }
    return file;
  }

  private SortedSet<String> keys() throws IOException {
    if (!folder.equals(path)) {
      return new TreeSet<>(List.of(path.getFileName().toString()));
    }
    SortedSet<String> found = new TreeSet<>();
    try (Stream<Path> walk = Files.walk(folder, MAX_DEPTH, FileVisitOption.FOLLOW_LINKS)) {
      for (Path file : (Iterable<Path>) walk::iterator) {
        Path relative = folder.relativize(file);
        if (Files.isRegularFile(file) && !hidden(relative)) {
          found.add(relative.toString().replace('\\', '/'));
          if (found.size() > MAX_FILES) {
            throw new StorageException(
                ErrorKind.INVALID,
                "source-too-large",
                path.toString(),
                "'" + path + "' has more than " + MAX_FILES + " files",
                null);
          }
        }
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    return found;
  }

  private static boolean hidden(Path relative) {
    for (Path name : relative) {
      if (name.toString().startsWith(".")) {
        return true;
      }
    }
    return false;
  }

  private static StorageException failed(String what, IOException e) {
    if (e instanceof NoSuchFileException) {
      return new StorageException(
          ErrorKind.MISSING, "source-missing", what, "no such file or folder: '" + what + "'", e);
    }
    if (e instanceof java.nio.file.AccessDeniedException) {
      return new StorageException(
          ErrorKind.FORBIDDEN, "source-forbidden", what, "'" + what + "' may not be read", e);
    }
    return new TransientStorageException(what, 0, "cannot read '" + what + "': " + e, e);
  }
}
