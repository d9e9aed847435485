package io.sluice.cache.disk;

import io.sluice.cache.CacheException;
import io.sluice.cache.ChunkCache;
import io.sluice.cache.ChunkKey;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.InstantSource;
import java.util.Optional;

/**
 * Chunks as files of a folder that several processes may share, none of which has to be alive.
 *
 * <p>A chunk is written under a name of its own and renamed, so that a file with the name of a
 * chunk is whole or is rubbish of another origin, which the CRC32C finds out. Room is reserved in
 * {@link Ledger} before a byte is written: all files together never take more than the bound,
 * however many processes write and wherever one of them is killed. What was not used for longest
 * goes first; the time of last use is the time of modification of the file.
 *
 * <p>Nothing is synced to the disk: what a power cut damages is found out and dropped.
 */
public final class DiskCache implements ChunkCache {
  private static final int SLICE = 1 << 20;

  private final Path chunks;
  private final Ledger ledger;
  private final InstantSource clock;

  /**
   * Opens or makes the cache.
   *
   * @param root folder that is made if need be; only {@code sluice-chunks} in it is touched
   * @param maxBytes most bytes of all chunks, unfinished ones included
   * @throws CacheException INVALID if the folder cannot be used
   */
  public DiskCache(Path root, long maxBytes) {
    this(root, maxBytes, InstantSource.system());
  }

  DiskCache(Path root, long maxBytes, InstantSource clock) {
    this.clock = clock;
    Path home = root.resolve("sluice-chunks");
    chunks = home.resolve("v1");
    Path incoming = home.resolve("incoming");
    try {
      Files.createDirectories(chunks);
      Files.createDirectories(incoming);
      ledger = new Ledger(home, chunks, incoming, maxBytes, clock);
    } catch (IOException e) {
      throw CacheException.invalid(
          "the folder '" + root + "' cannot be used as a cache: " + describe(e), e);
    }
  }

  @Override
  public String name() {
    return "disk";
  }

  @Override
  public boolean shared() {
    return false;
  }

  @Override
  public boolean get(ChunkKey key, MemorySegment target) {
    Path file = file(key);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      if (channel.size() != key.length()) {
        // A file of this name has this length, or somebody else made it.
        remove(key);
        return false;
      }
      if (!fill(channel, target.asSlice(0, key.length()))) {
        return false;
      }
      touch(file);
      return true;
    } catch (NoSuchFileException e) {
      return false;
    } catch (IOException e) {
      throw CacheException.unavailable("cannot read '" + file + "': " + describe(e), e);
    }
  }

  private static boolean fill(FileChannel channel, MemorySegment target) throws IOException {
    long at = 0;
    while (at < target.byteSize()) {
      ByteBuffer rest = target.asSlice(at, Math.min(SLICE, target.byteSize() - at)).asByteBuffer();
      int count = channel.read(rest, at);
      if (count < 0) {
        return false;
      }
      at += count;
    }
    return true;
  }

  private void touch(Path file) throws IOException {
    try {
      Files.setLastModifiedTime(file, FileTime.from(clock.instant()));
    } catch (NoSuchFileException e) {
      // Evicted by another process: what was read is right all the same.
      return;
    }
  }

  @Override
  public boolean put(ChunkKey key, MemorySegment bytes) {
    Path file = file(key);
    if (Files.exists(file)) {
      return true;
    }
    try {
      Optional<Path> part = ledger.reserve(key.length());
      if (part.isEmpty()) {
        return false;
      }
      try {
        write(part.get(), bytes.asSlice(0, key.length()));
        Files.createDirectories(file.getParent());
        ledger.publish(part.get(), file);
      } catch (IOException | RuntimeException e) {
        abandon(part.get(), e);
        throw e;
      }
      return true;
    } catch (IOException e) {
      throw CacheException.full("cannot write '" + file + "': " + describe(e), e);
    }
  }

  private void abandon(Path part, Exception cause) {
    try {
      ledger.abandon(part);
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
  }

  private void write(Path part, MemorySegment bytes) throws IOException {
    try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
      long at = 0;
      while (at < bytes.byteSize()) {
        at +=
            channel.write(bytes.asSlice(at, Math.min(SLICE, bytes.byteSize() - at)).asByteBuffer());
      }
    }
    Files.setLastModifiedTime(part, FileTime.from(clock.instant()));
  }

  @Override
  public void remove(ChunkKey key) {
    Path file = file(key);
    try {
      ledger.delete(file);
    } catch (IOException e) {
      throw CacheException.unavailable("cannot delete '" + file + "': " + describe(e), e);
    }
  }

  /** Bytes of all chunks as the processes that share the folder have counted them. */
  public long usedBytes() {
    try {
      return ledger.used();
    } catch (IOException e) {
      throw CacheException.unavailable("cannot read the ledger: " + describe(e), e);
    }
  }

  @Override
  public void close() {
    ledger.close();
  }

  /** {@code v1/<first two hex digits>/<shard>-<offset>-<length>}. */
  private Path file(ChunkKey key) {
    return chunks.resolve(key.shard().hex().substring(0, 2)).resolve(key.text());
  }

  private static String describe(IOException e) {
    return e.getClass().getSimpleName() + ": " + e.getMessage();
  }
}
