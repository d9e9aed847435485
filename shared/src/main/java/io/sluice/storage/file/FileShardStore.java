package io.sluice.storage.file;

import io.sluice.model.ByteRange;
import io.sluice.model.ErrorKind;
import io.sluice.storage.FileTree;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ReadObserver;
import io.sluice.storage.SegmentFiller;
import io.sluice.storage.ShardStore;
import io.sluice.storage.StorageException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Iterator;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * Objects as files below a root directory: a local disk, or a mounted NFS or GlusterFS that many
 * workers share.
 *
 * <p>An object is written to a file in {@value FileTree#TEMP} below the root, synced, and then
 * hard-linked to its name, which is atomic and fails if the name is taken, on POSIX file systems
 * and over NFS alike. Where there are no hard links, an exclusively created claim file makes one of
 * several writers the one that may rename; claims last for a rename only, and one that a crashed
 * writer left behind holds its key up until it is old enough to be removed with the other
 * left-overs.
 *
 * <p>The root may also be a folder that somebody else fills, to read from. Symbolic links are
 * followed only to files below the root. A key that goes on behind a slash where another key ends
 * cannot be stored: a file is no directory.
 *
 * <p>An etag is made of size, time of modification and inode number, not of the device number,
 * which differs between the machines that mount a shared file system.
 */
public final class FileShardStore implements ShardStore {
  private static final int NATIVE_SLICE = 1 << 30;
  private static final int HEAP_SLICE = 1 << 20;
  private static final Duration CLAIM_PATIENCE = Duration.ofSeconds(5);

  private final Path root;
  private final Path temp;
  private final boolean posix;
  private final boolean unix;
  private final boolean hardLinks;
  private final Duration claimPatience;
  private final FileTree.Sweeps sweeps;

  /**
   * @param root an existing directory; it is not created, since a mount point that is missing must
   *     not turn into a local folder
   * @throws StorageException MISSING if there is no such directory
   */
  public FileShardStore(Path root) {
    this(root, true, FileTree.TEMP_AGE, CLAIM_PATIENCE);
  }

  FileShardStore(Path root, boolean hardLinks, Duration tempAge, Duration claimPatience) {
    Objects.requireNonNull(root, "root");
    try {
      this.root = root.toRealPath();
    } catch (IOException e) {
      throw new StorageException(
          ErrorKind.MISSING, "root-missing", "", "no directory '" + root + "' to store in", e);
    }
    if (!Files.isDirectory(this.root)) {
      throw new StorageException(
          ErrorKind.MISSING, "root-missing", "", "'" + root + "' is no directory", null);
    }
    this.temp = this.root.resolve(FileTree.TEMP);
    this.posix = root.getFileSystem().supportedFileAttributeViews().contains("posix");
    this.unix = root.getFileSystem().supportedFileAttributeViews().contains("unix");
    this.hardLinks = hardLinks;
    this.claimPatience = claimPatience;
    this.sweeps = new FileTree.Sweeps(tempAge);
  }

  @Override
  public ObjectInfo head(String key) {
    try {
      return info(key, real(key));
    } catch (IOException e) {
      throw FileErrors.reading(key, 0, e);
    }
  }

  @Override
  public void read(
      String key,
      Optional<String> etag,
      ByteRange range,
      MemorySegment target,
      ReadObserver observer) {
    resolve(key);
    SegmentFiller filler = new SegmentFiller(key, range, target);
    if (range.length() == 0) {
      return;
    }
    try {
      Path file = real(key);
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
        ObjectInfo info = info(key, file);
        if (etag.isPresent() && !etag.get().equals(info.etag())) {
          throw StorageException.changed(key, null);
        }
        if (range.end() > info.size()) {
          throw StorageException.rangeInvalid(key, range, info.size());
        }
        fill(channel, range.offset(), filler, target);
        if (!filler.complete() || (etag.isPresent() && !unchanged(key, file, etag.get()))) {
          throw StorageException.changed(key, null);
        }
      }
    } catch (IOException e) {
      throw FileErrors.reading(key, filler.transferred(), e);
    }
    observer.received(range.length());
  }

  private static void fill(
      FileChannel channel, long offset, SegmentFiller filler, MemorySegment target)
      throws IOException {
    ByteBuffer heap =
        target.isNative()
            ? null
            : ByteBuffer.allocate((int) Math.min(HEAP_SLICE, filler.missing()));
    while (!filler.complete()) {
      int read;
      if (heap == null) {
        read = channel.read(filler.rest(NATIVE_SLICE), offset + filler.transferred());
        if (read > 0) {
          filler.advance(read);
        }
      } else {
        heap.clear().limit((int) Math.min(heap.capacity(), filler.missing()));
        read = channel.read(heap, offset + filler.transferred());
        filler.put(heap.flip());
      }
      if (read < 0) {
        return;
      }
    }
  }

  private boolean unchanged(String key, Path file, String etag) throws IOException {
    try {
      return info(key, file).etag().equals(etag);
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  @Override
  public boolean putIfAbsent(String key, MemorySegment bytes) {
    Path target = resolve(key);
    try {
      if (taken(key, target)) {
        return false;
      }
      makeDirectory(key, target.getParent());
      makeDirectory(key, temp);
      sweep();
      Path file = temp.resolve(UUID.randomUUID() + ".part");
      try {
        write(file, bytes);
        boolean stored = link(key, file, target);
        sync(target.getParent());
        return stored;
      } finally {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      throw FileErrors.writing(key, root, bytes.byteSize(), e);
    }
  }

  private boolean taken(String key, Path target) throws IOException {
    if (!Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
      return false;
    }
    if (Files.isDirectory(target, LinkOption.NOFOLLOW_LINKS)) {
      throw FileTree.isDirectory(key);
    }
    return true;
  }

  private static void write(Path file, MemorySegment bytes) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      int max = bytes.isNative() ? NATIVE_SLICE : HEAP_SLICE;
      byte[] heap = bytes.isNative() ? null : new byte[(int) Math.min(max, bytes.byteSize())];
      for (long offset = 0; offset < bytes.byteSize(); offset += max) {
        int length = (int) Math.min(max, bytes.byteSize() - offset);
        ByteBuffer slice;
        if (heap == null) {
          slice = bytes.asSlice(offset, length).asByteBuffer();
        } else {
          MemorySegment.copy(bytes, offset, MemorySegment.ofArray(heap), 0, length);
          slice = ByteBuffer.wrap(heap, 0, length);
        }
        while (slice.hasRemaining()) {
          channel.write(slice);
        }
      }
      channel.force(true);
    }
  }

  private boolean link(String key, Path file, Path target) throws IOException {
    if (!hardLinks) {
      return claimAndRename(key, file, target);
    }
    try {
      Files.createLink(target, file);
      return true;
    } catch (FileAlreadyExistsException e) {
      // Over NFS the answer to the link that succeeded may get lost, and the repeated call fails.
      return Files.isSameFile(target, file);
    } catch (UnsupportedOperationException e) {
      return claimAndRename(key, file, target);
    } catch (FileSystemException e) {
      if (FileErrors.linksUnsupported(e)) {
        return claimAndRename(key, file, target);
      }
      throw e;
    }
  }

  /** The way without hard links; see the class comment. */
  private boolean claimAndRename(String key, Path file, Path target) throws IOException {
    Path claim =
        temp.resolve(UUID.nameUUIDFromBytes(key.getBytes(StandardCharsets.UTF_8)) + ".claim");
    long begin = System.nanoTime();
    while (true) {
      try {
        Files.createFile(claim);
        break;
      } catch (FileAlreadyExistsException e) {
        if (taken(key, target)) {
          return false;
        }
        if (System.nanoTime() - begin > claimPatience.toNanos()) {
          throw new FileSystemException(
              claim.toString(), null, "another writer has claimed the key for too long");
        }
        pause();
      }
    }
    try {
      if (taken(key, target)) {
        return false;
      }
      Files.move(file, target, StandardCopyOption.ATOMIC_MOVE);
      return true;
    } finally {
      Files.deleteIfExists(claim);
    }
  }

  private static void pause() throws IOException {
    try {
      Thread.sleep(5);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  /** Creates a directory below the root, durably, and refuses one that leads out of it. */
  private void makeDirectory(String key, Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      Path existing = directory;
      while (!Files.exists(existing, LinkOption.NOFOLLOW_LINKS)) {
        existing = existing.getParent();
      }
      if (!Files.isDirectory(existing)) {
        throw FileTree.behindObject(key, keyOf(existing));
      }
      checkInside(key, existing.toRealPath());
      Files.createDirectories(directory);
      for (Path made = directory; !made.equals(existing); made = made.getParent()) {
        sync(made.getParent());
      }
    }
    checkInside(key, directory.toRealPath());
  }

  /** Makes the names in a directory durable, where a directory can be opened. */
  private void sync(Path directory) throws IOException {
    if (posix) {
      try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
        channel.force(true);
      }
    }
  }

  /** Removes, once in a while, what crashed writers left. */
  private void sweep() throws IOException {
    Optional<Instant> leftBehind = sweeps.due();
    if (leftBehind.isEmpty()) {
      return;
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(temp)) {
      for (Path file : files) {
        try {
          if (Files.getLastModifiedTime(file).toInstant().isBefore(leftBehind.get())) {
            Files.deleteIfExists(file);
          }
        } catch (NoSuchFileException e) {
          continue; // its writer has finished
        }
      }
    }
  }

  @Override
  public void delete(String key) {
    Path target = resolve(key);
    try {
      if (Files.isDirectory(target, LinkOption.NOFOLLOW_LINKS)) {
        return;
      }
      Path parent = target.getParent();
      if (Files.isDirectory(parent)) {
        checkInside(key, parent.toRealPath());
        Files.deleteIfExists(target);
      }
    } catch (IOException e) {
      throw FileErrors.writing(key, root, 0, e);
    }
  }

  /**
   * {@inheritDoc}
   *
   * <p>Linked directories are not entered; files that no key can name are left out.
   */
  @Override
  public void list(String prefix, Consumer<ObjectInfo> each) {
    String directory = FileTree.directoryOf(prefix);
    Path start = directory.isEmpty() ? root : resolve(directory);
    try {
      if (Files.isDirectory(start, LinkOption.NOFOLLOW_LINKS)) {
        checkInside(prefix, start.toRealPath());
        Files.walkFileTree(start, new Lister(prefix, each));
      }
    } catch (IOException e) {
      throw FileErrors.reading(prefix, 0, e);
    }
  }

  private final class Lister extends SimpleFileVisitor<Path> {
    private final String prefix;
    private final Consumer<ObjectInfo> each;

    Lister(String prefix, Consumer<ObjectInfo> each) {
      this.prefix = prefix;
      this.each = each;
    }

    @Override
    public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes) {
      return FileTree.leads(keyOf(directory), prefix)
          ? FileVisitResult.CONTINUE
          : FileVisitResult.SKIP_SUBTREE;
    }

    @Override
    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
      String key = keyOf(file);
      if (key.startsWith(prefix)) {
        readable(key).ifPresent(each);
      }
      return FileVisitResult.CONTINUE;
    }

    /** Empty for what was deleted meanwhile, for directories, and for what a read would refuse. */
    private Optional<ObjectInfo> readable(String key) throws IOException {
      try {
        return Optional.of(info(key, real(key)));
      } catch (NoSuchFileException e) {
        return Optional.empty();
      } catch (StorageException e) {
        if (e.kind() == ErrorKind.INVALID || e.kind() == ErrorKind.FORBIDDEN) {
          return Optional.empty();
        }
        throw e;
      }
    }

    @Override
    public FileVisitResult visitFileFailed(Path file, IOException failure) throws IOException {
      if (failure instanceof NoSuchFileException) {
        return FileVisitResult.CONTINUE;
      }
      throw failure;
    }
  }

  @Override
  public void close() {}

  @Override
  public String toString() {
    return root.toUri().toString();
  }

  private String keyOf(Path path) {
    StringBuilder key = new StringBuilder();
    Iterator<Path> names = root.relativize(path).iterator();
    while (names.hasNext()) {
      key.append(names.next()).append(names.hasNext() ? "/" : "");
    }
    return key.toString();
  }

  private Path resolve(String key) {
    FileTree.check(key);
    try {
      return root.resolve(key);
    } catch (InvalidPathException e) {
      throw new StorageException(
          ErrorKind.INVALID,
          "key-unsupported",
          key,
          "the file system takes no key '"
              + key
              + "' (names are encoded as "
              + System.getProperty("sun.jnu.encoding")
              + "): "
              + e.getReason(),
          e);
    }
  }

  /** The file of an object, with all links resolved. */
  private Path real(String key) throws IOException {
    Path file = resolve(key).toRealPath();
    checkInside(key, file);
    if (!Files.isRegularFile(file)) {
      throw new NoSuchFileException(key, null, "no regular file");
    }
    return file;
  }

  private void checkInside(String key, Path real) {
    if (!real.startsWith(root)) {
      throw new StorageException(
          ErrorKind.FORBIDDEN,
          "link-outside-root",
          key,
          "key '" + key + "' leads through a symbolic link out of the root '" + root + "'",
          null);
    }
  }

  private ObjectInfo info(String key, Path file) throws IOException {
    Map<String, Object> attributes =
        Files.readAttributes(
            file, unix ? "unix:size,lastModifiedTime,ino" : "size,lastModifiedTime");
    long size = (Long) attributes.get("size");
    Instant modified = ((FileTime) attributes.get("lastModifiedTime")).toInstant();
    long inode = unix ? ((Number) attributes.get("ino")).longValue() : 0;
    String etag =
        Long.toHexString(size)
            + "-"
            + Long.toHexString(modified.getEpochSecond())
            + "."
            + Integer.toHexString(modified.getNano())
            + "-"
            + Long.toHexString(inode);
    return new ObjectInfo(key, size, etag, modified);
  }
}
