package io.sluice.cache.disk;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How many bytes the files of a cache take: eight bytes in a file that is locked while it is
 * changed, which the system unlocks when a process dies.
 *
 * <p>Room is counted before it is taken and given back after it was freed, so that the count is
 * never too low. A process that is killed in between leaves it too high; counting the files anew,
 * which whoever finds no room does, puts that right. A file that is still being written counts with
 * all bytes that were reserved for it, and begins, gets its name and goes only under the lock: it
 * is seen once by whoever counts, with its room.
 */
final class Ledger {
  private static final Pattern CHUNK = Pattern.compile("[0-9a-f]{64}-[0-9]{1,19}-[0-9]{1,10}");
  private static final Pattern PART = Pattern.compile("[0-9a-f-]{36}-([0-9]{1,10})");

  /** What a killed process left is rubbish after that long; nobody writes one chunk for longer. */
  static final Duration ABANDONED = Duration.ofMinutes(10);

  /** Evicting goes on until so much of the bound is free, so that it is rarely necessary. */
  private static final double FREE = 0.1;

  /**
   * One lock of a file per JVM and path: the system's locks do not tell threads of one process
   * apart, nor two caches on one folder in one process.
   */
  private static final Map<Path, ReentrantLock> LOCKS = new HashMap<>();

  private final Path file;
  private final Path chunks;
  private final Path incoming;
  private final long max;
  private final InstantSource clock;
  private final ReentrantLock lock;
  private boolean closed;

  private record Entry(Path path, long bytes, Instant used) {}

  @FunctionalInterface
  private interface Change {
    /** Given the count, the new one. */
    long apply(long used) throws IOException;
  }

  Ledger(Path home, Path chunks, Path incoming, long max, InstantSource clock) throws IOException {
    this.file = home.resolve("ledger");
    this.chunks = chunks;
    this.incoming = incoming;
    this.max = max;
    this.clock = clock;
    Path real = home.toRealPath();
    synchronized (LOCKS) {
      lock = LOCKS.computeIfAbsent(real, p -> new ReentrantLock());
    }
    change(used -> recount());
  }

  /**
   * Takes room for a file of so many bytes, evicting what was not used for longest.
   *
   * @return the file to write, which exists and is empty, or nothing if there cannot be enough room
   */
  Optional<Path> reserve(long bytes) throws IOException {
    checkOpen();
    if (bytes > max) {
      return Optional.empty();
    }
    Path part = incoming.resolve(UUID.randomUUID() + "-" + bytes);
    boolean[] granted = new boolean[1];
    change(
        used -> {
          long now = used + bytes <= max ? used : evict(bytes);
          granted[0] = now + bytes <= max;
          if (!granted[0]) {
            return now;
          }
          Files.createFile(part);
          return now + bytes;
        });
    return granted[0] ? Optional.of(part) : Optional.empty();
  }

  /** Gives a file that {@link #reserve} made and that is whole now the name of its chunk. */
  void publish(Path part, Path chunk) throws IOException {
    change(
        used -> {
          long replaced = sizeOf(chunk);
          Files.move(part, chunk, StandardCopyOption.ATOMIC_MOVE);
          return Math.max(0, used - replaced);
        });
  }

  /** Deletes a file that {@link #reserve} made, with its room. */
  void abandon(Path part) throws IOException {
    // Whoever took it for rubbish of a killed process has given its room back already.
    change(used -> Files.deleteIfExists(part) ? Math.max(0, used - reservedBy(part, 0)) : used);
  }

  /** Deletes a file with its room. */
  void delete(Path chunk) throws IOException {
    checkOpen();
    change(
        used -> {
          long size = sizeOf(chunk);
          return Files.deleteIfExists(chunk) ? Math.max(0, used - size) : used;
        });
  }

  private static long sizeOf(Path chunk) throws IOException {
    try {
      return Files.size(chunk);
    } catch (NoSuchFileException e) {
      return 0;
    }
  }

  /** Bytes that a file being written will take: its name says so, however many it has yet. */
  private static long reservedBy(Path part, long size) {
    Matcher matcher = PART.matcher(part.getFileName().toString());
    return matcher.matches() ? Math.max(size, Long.parseLong(matcher.group(1))) : size;
  }

  long used() throws IOException {
    checkOpen();
    long[] result = new long[1];
    change(
        used -> {
          result[0] = used;
          return used;
        });
    return result[0];
  }

  /** From now on nothing is begun; who is writing may still end. */
  synchronized void close() {
    closed = true;
  }

  private synchronized void checkOpen() throws IOException {
    if (closed) {
      throw new IOException("the cache is closed");
    }
  }

  private void change(Change change) throws IOException {
    lock.lock();
    try (FileChannel channel =
            FileChannel.open(
                file,
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE);
        FileLock held = channel.lock()) {
      ByteBuffer count = ByteBuffer.allocate(Long.BYTES);
      long used =
          channel.size() == Long.BYTES && channel.read(count, 0) == Long.BYTES
              ? count.flip().getLong()
              : -1;
      if (used < 0) {
        used = recount();
      }
      long now = change.apply(used);
      channel.write(count.clear().putLong(now).flip(), 0);
      channel.truncate(Long.BYTES);
      if (!held.isValid()) {
        throw new IOException("the lock of '" + file + "' was lost");
      }
    } finally {
      lock.unlock();
    }
  }

  private long recount() throws IOException {
    long sum = 0;
    for (Entry entry : scan()) {
      sum += entry.bytes();
    }
    return sum;
  }

  /** Makes room for so many bytes and some more; returns what is taken then. */
  private long evict(long bytes) throws IOException {
    List<Entry> entries = scan();
    long sum = 0;
    for (Entry entry : entries) {
      sum += entry.bytes();
    }
    if (sum + bytes <= max) {
      return sum;
    }
    long goal = Math.max(0, Math.min(max - bytes, (long) (max * (1 - FREE))));
    entries.sort(Comparator.comparing(Entry::used).thenComparing(Entry::path));
    for (Entry entry : entries) {
      if (sum <= goal) {
        break;
      }
      if (entry.path().startsWith(chunks) && Files.deleteIfExists(entry.path())) {
        sum -= entry.bytes();
      }
    }
    return sum;
  }

  /** All files of the cache; rubbish that is old is deleted on the way. */
  private List<Entry> scan() throws IOException {
    List<Entry> entries = new ArrayList<>();
    Instant abandoned = clock.instant().minus(ABANDONED);
    for (Path folder : List.of(chunks, incoming)) {
      try {
        Files.walkFileTree(
            folder,
            new SimpleFileVisitor<>() {
              @Override
              public FileVisitResult visitFile(Path path, BasicFileAttributes attributes)
                  throws IOException {
                Instant modified = attributes.lastModifiedTime().toInstant();
                boolean chunk =
                    folder == chunks && CHUNK.matcher(path.getFileName().toString()).matches();
                if (chunk || modified.isAfter(abandoned)) {
                  long size = attributes.size();
                  entries.add(new Entry(path, chunk ? size : reservedBy(path, size), modified));
                } else {
                  Files.deleteIfExists(path);
                }
                return FileVisitResult.CONTINUE;
              }

              @Override
              public FileVisitResult visitFileFailed(Path path, IOException e) throws IOException {
                if (e instanceof NoSuchFileException) {
                  return FileVisitResult.CONTINUE; // deleted or renamed meanwhile
                }
                throw e;
              }
            });
      } catch (UncheckedIOException e) {
        throw e.getCause();
      }
    }
    return entries;
  }
}
