package io.sluice.storage.gluster;

import io.sluice.model.ByteRange;
import io.sluice.storage.FileTree;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ReadObserver;
import io.sluice.storage.SegmentFiller;
import io.sluice.storage.ShardStore;
import io.sluice.storage.StorageException;
import io.sluice.storage.TransientStorageException;
import io.sluice.storage.gluster.FileLayout.Stat;
import io.sluice.storage.gluster.FileLayout.Type;
import io.sluice.storage.gluster.GlusterVolume.Entry;
import io.sluice.storage.gluster.GlusterVolume.Handle;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * Objects as files of a GlusterFS volume, without mounting it: through libgfapi, the library of
 * GlusterFS, which talks to the bricks from this process and needs no privileges.
 *
 * <p>Files lie as those of the file store do ({@link FileTree}), so that the same objects are there
 * for who mounts the volume. An object is written to a file in {@value FileTree#TEMP}, synced, and
 * then hard-linked to its name, which is atomic and fails if the name is taken, on replicated and
 * distributed volumes alike. It is synced once more then: on journalling file systems that makes
 * the new name durable too.
 *
 * <p>What a volume survives, the store survives: of three replicas one may be lost at any moment,
 * and reads and writes go on. With fewer than its quorum of bricks, calls fail for the moment. A
 * machine that dies without closing its connections holds calls up for the volume's {@code
 * network.ping-timeout}, 42 s if it was not changed. A distributed volume of which a part is away
 * goes on with what lies in the others; nothing is said to be missing, or to be all there is, until
 * every part can be asked.
 *
 * <p>An etag is made of the size and the identity of the file in the volume, not of its times,
 * which may differ from brick to brick. A file that is rewritten in place with as many bytes keeps
 * it; nothing here does that.
 */
public final class GlusterShardStore implements ShardStore {
  /** About as much as one call moves; larger ones were measured not to be faster. */
  private static final long SLICE = 4 << 20;

  /** Memory through which bytes go from and to the heap. */
  private static final long HEAP_SLICE = 1 << 20;

  /** Of what fails only because others do the same at the same moment. */
  private static final int TRIES = 10;

  /** Entries of a directory that are read at a time. */
  private static final int PAGE = 64;

  private final GlusterVolume volume;
  private final String root;
  private final FileTree.Sweeps sweeps = new FileTree.Sweeps(FileTree.TEMP_AGE);

  /**
   * @throws StorageException FATAL if libgfapi cannot be loaded; whether the volume can be reached
   *     is seen by the first call
   */
  public GlusterShardStore(GlusterSettings settings) {
    this.volume = GlusterVolume.of(settings);
    this.root = settings.root().isEmpty() ? "/" : "/" + settings.root() + "/";
  }

  @Override
  public ObjectInfo head(String key) {
    String path = path(key);
    try {
      return info(key, volume.stat(path));
    } catch (GlusterFailure e) {
      throw GlusterErrors.reading(key, 0, e);
    }
  }

  private static ObjectInfo info(String key, Stat stat) {
    if (!stat.regular()) {
      throw StorageException.missing(key, null);
    }
    String etag = Long.toHexString(stat.size()) + "-" + Long.toHexString(stat.inode());
    return new ObjectInfo(key, stat.size(), etag, stat.modified());
  }

  // ---- reading

  @Override
  public void read(
      String key,
      Optional<String> etag,
      ByteRange range,
      MemorySegment target,
      ReadObserver observer) {
    String path = path(key);
    SegmentFiller filler = new SegmentFiller(key, range, target);
    if (range.length() == 0) {
      return;
    }
    try (Handle file = volume.open(path)) {
      ObjectInfo info = info(key, volume.stat(file));
      if (etag.isPresent() && !etag.get().equals(info.etag())) {
        throw StorageException.changed(key, null);
      }
      if (range.end() > info.size()) {
        throw StorageException.rangeInvalid(key, range, info.size());
      }
      observer.answered(info.etag());
      fill(key, file, range.offset(), filler, target, observer);
    } catch (GlusterFailure e) {
      throw GlusterErrors.reading(key, filler.transferred(), e);
    }
  }

  private void fill(
      String key,
      Handle file,
      long offset,
      SegmentFiller filler,
      MemorySegment target,
      ReadObserver observer)
      throws GlusterFailure {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment shared =
          target.isNative()
              ? ofNoThread(target)
              : ofNoThread(arena.allocate(Math.min(HEAP_SLICE, filler.missing())));
      while (!filler.complete()) {
        checkNotInterrupted(key, filler.transferred());
        long at = filler.transferred();
        long count;
        if (target.isNative()) {
          MemorySegment slice = shared.asSlice(at, Math.min(SLICE, filler.missing()));
          count = volume.read(file, offset + at, slice);
          filler.advance((int) count);
        } else {
          MemorySegment slice = shared.asSlice(0, Math.min(shared.byteSize(), filler.missing()));
          count = volume.read(file, offset + at, slice);
          filler.put(slice.asSlice(0, count).asByteBuffer());
        }
        if (count == 0) {
          throw StorageException.changed(key, null);
        }
        observer.received(filler.transferred());
      }
    } finally {
      Reference.reachabilityFence(target);
    }
  }

  /**
   * The same memory, for threads that may not touch memory of a confined arena; the caller waits
   * for them, so it does not go away.
   */
  @SuppressWarnings("restricted") // the same address and size
  private static MemorySegment ofNoThread(MemorySegment bytes) {
    return MemorySegment.ofAddress(bytes.address()).reinterpret(bytes.byteSize());
  }

  private static void checkNotInterrupted(String key, long transferred) {
    if (Thread.currentThread().isInterrupted()) {
      throw new TransientStorageException(
          key, transferred, "interrupted on the way of object '" + key + "'", null);
    }
  }

  // ---- writing

  @Override
  public boolean putIfAbsent(String key, MemorySegment bytes) {
    String path = path(key);
    try {
      if (taken(key, path)) {
        return false;
      }
      makeParents(key, path);
      makeDirectories(key, temp());
      sweep();
      return write(key, path, bytes);
    } catch (GlusterFailure e) {
      throw GlusterErrors.writing(key, bytes.byteSize(), this::free, e);
    }
  }

  private boolean write(String key, String path, MemorySegment bytes) throws GlusterFailure {
    String part = temp() + "/" + UUID.randomUUID() + ".part";
    try (Handle file = volume.create(part)) {
      try {
        fill(key, file, bytes);
        volume.sync(file);
        boolean stored = link(key, part, path, file);
        volume.sync(file);
        return stored;
      } finally {
        unlink(part);
      }
    }
  }

  private boolean taken(String key, String path) throws GlusterFailure {
    Optional<Stat> there = lookUp(path);
    if (there.isPresent() && there.get().directory()) {
      throw FileTree.isDirectory(key);
    }
    return there.isPresent();
  }

  private void fill(String key, Handle file, MemorySegment bytes) throws GlusterFailure {
    long max = bytes.isNative() ? SLICE : HEAP_SLICE;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment shared =
          ofNoThread(bytes.isNative() ? bytes : arena.allocate(Math.min(max, bytes.byteSize())));
      for (long at = 0; at < bytes.byteSize(); ) {
        checkNotInterrupted(key, 0);
        long length = Math.min(max, bytes.byteSize() - at);
        MemorySegment slice;
        if (bytes.isNative()) {
          slice = shared.asSlice(at, length);
        } else {
          slice = shared.asSlice(0, length).copyFrom(bytes.asSlice(at, length));
        }
        at += volume.write(file, at, slice);
      }
    } finally {
      Reference.reachabilityFence(bytes);
    }
  }

  /**
   * Gives the file its name. Of several that want the same one, a distributed volume tells some
   * that it is stale, not that the name is taken, while the winner's name is being made, and may
   * let two succeed whose files lie in different parts of it; and the answer to a link that
   * succeeded may get lost with a brick. So what is there decides.
   */
  private boolean link(String key, String part, String path, Handle file) throws GlusterFailure {
    for (int tries = 1; ; tries++) {
      boolean linked = false;
      try {
        volume.link(part, path);
        linked = true;
      } catch (GlusterFailure e) {
        if (e.errno() != GlusterFailure.EEXIST && e.errno() != GlusterFailure.ESTALE) {
          throw e;
        }
        if (tries == TRIES && lookUp(path).isEmpty()) {
          throw e;
        }
      }
      Optional<Stat> there = lookUp(path);
      if (there.isPresent()) {
        return there.get().inode() == volume.stat(file).inode();
      }
      if (linked) {
        return true; // and somebody has deleted it since
      }
      pause(key, tries);
    }
  }

  private static void pause(String key, int tries) {
    try {
      Thread.sleep(10L * tries);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      checkNotInterrupted(key, 0);
    }
  }

  /** Empty if there is no such file, or if a file stands where the path needs a directory. */
  private Optional<Stat> lookUp(String path) throws GlusterFailure {
    try {
      return Optional.of(volume.stat(path));
    } catch (GlusterFailure e) {
      if (e.errno() == GlusterFailure.ENOENT || e.errno() == GlusterFailure.ENOTDIR) {
        return Optional.empty();
      }
      throw e;
    }
  }

  private void makeParents(String key, String path) throws GlusterFailure {
    String parent = parent(path);
    try {
      makeDirectories(key, parent);
    } catch (GlusterFailure e) {
      if (e.errno() != GlusterFailure.ENOTDIR) {
        throw e;
      }
      String object = parent;
      while (lookUp(object).isEmpty() && object.length() > root.length()) {
        object = parent(object);
      }
      throw FileTree.behindObject(key, object.substring(Math.min(root.length(), object.length())));
    }
  }

  /**
   * Makes a directory and those that lead to it.
   *
   * @throws GlusterFailure ENOTDIR if a file stands in the way
   */
  private void makeDirectories(String key, String path) throws GlusterFailure {
    if (path.isEmpty()) {
      return;
    }
    Optional<Stat> there = lookUp(path);
    if (there.isEmpty()) {
      makeDirectories(key, parent(path));
      there = makeDirectory(key, path);
    }
    if (!there.get().directory()) {
      throw new GlusterFailure("mkdir", GlusterFailure.ENOTDIR);
    }
  }

  /**
   * Makes a directory, if nothing has its name. Of several that make it at once, a distributed
   * volume tells some of errors of the disk, so what is there decides.
   *
   * @return what has the name now
   */
  private Optional<Stat> makeDirectory(String key, String path) throws GlusterFailure {
    for (int tries = 1; ; tries++) {
      GlusterFailure failure = null;
      try {
        volume.makeDirectory(path);
      } catch (GlusterFailure e) {
        failure = e;
      }
      Optional<Stat> there = lookUp(path);
      if (there.isPresent()) {
        return there;
      }
      if (failure != null && (failure.errno() != GlusterFailure.EIO || tries == TRIES)) {
        throw failure;
      }
      pause(key, tries);
    }
  }

  /** The path up to its last slash; empty for what lies in the volume itself. */
  private static String parent(String path) {
    return path.substring(0, Math.max(path.lastIndexOf('/'), 0));
  }

  private String free() {
    try {
      return volume.available() + " free";
    } catch (GlusterFailure e) {
      return "how much is free is not known: " + e.getMessage();
    }
  }

  /** Removes, once in a while, what crashed writers left. */
  private void sweep() throws GlusterFailure {
    Optional<Instant> leftBehind = sweeps.due();
    if (leftBehind.isPresent()) {
      eachEntry(
          temp(),
          entry -> {
            if (entry.stat().regular() && entry.stat().modified().isBefore(leftBehind.get())) {
              unlink(temp() + "/" + entry.name());
            }
          });
    }
  }

  @Override
  public void delete(String key) {
    String path = path(key);
    try {
      Optional<Stat> there = lookUp(path);
      if (there.isPresent() && !there.get().directory()) {
        unlink(path);
      }
    } catch (GlusterFailure e) {
      throw GlusterErrors.writing(key, 0, this::free, e);
    }
  }

  private void unlink(String path) throws GlusterFailure {
    try {
      volume.unlink(path);
    } catch (GlusterFailure e) {
      if (e.errno() != GlusterFailure.ENOENT) {
        throw e;
      }
    }
  }

  // ---- listing

  /**
   * {@inheritDoc}
   *
   * <p>Linked directories are not entered; files that no key can name are left out. A volume of
   * which a part is away would leave out what lies there, so that fails, perhaps after entries were
   * told.
   */
  @Override
  public void list(String prefix, Consumer<ObjectInfo> each) {
    Deque<String> directories = new ArrayDeque<>();
    directories.push(FileTree.directoryOf(prefix));
    try {
      volume.requireAllParts(); // before and after each directory
      while (!directories.isEmpty()) {
        String directory = directories.pop();
        if (!isDirectory(root + directory)) {
          continue; // there is none, or it went meanwhile
        }
        eachEntry(
            root + directory,
            entry -> {
              String key = directory.isEmpty() ? entry.name() : directory + "/" + entry.name();
              if (entry.stat().directory()) {
                if (FileTree.leads(key, prefix)) {
                  directories.push(key);
                }
              } else if (key.startsWith(prefix)) {
                readable(key, entry.stat()).ifPresent(each);
              }
            });
        volume.requireAllParts();
      }
    } catch (GlusterFailure e) {
      throw GlusterErrors.reading(prefix, 0, e);
    }
  }

  private boolean isDirectory(String path) throws GlusterFailure {
    return lookUp(path).filter(Stat::directory).isPresent();
  }

  /** Empty for what no key can name, and for links that do not lead to a file. */
  private Optional<ObjectInfo> readable(String key, Stat listed) throws GlusterFailure {
    String path;
    try {
      path = path(key);
    } catch (StorageException e) {
      return Optional.empty();
    }
    Optional<Stat> stat = listed.type() == Type.OTHER ? lookUp(path) : Optional.of(listed);
    return stat.filter(Stat::regular).map(there -> info(key, there));
  }

  @FunctionalInterface
  private interface EntryConsumer {
    void accept(Entry entry) throws GlusterFailure;
  }

  /**
   * Every entry of a directory but itself and its parent, once: while a brick catches up, a
   * distributed volume lists a file twice if its name and its bytes lie in different places. The
   * names of one directory are remembered for that.
   */
  private void eachEntry(String path, EntryConsumer each) throws GlusterFailure {
    Set<String> seen = new HashSet<>(Set.of(".", ".."));
    try (Handle directory = volume.openDirectory(path)) {
      List<Entry> page;
      do {
        page = volume.readDirectory(directory, PAGE);
        for (Entry entry : page) {
          if (seen.add(entry.name())) {
            Optional<Stat> stat =
                entry.stat().type() == Type.UNKNOWN
                    ? lookUp(path + "/" + entry.name())
                    : Optional.of(entry.stat());
            if (stat.isPresent()) {
              each.accept(new Entry(entry.name(), stat.get()));
            }
          }
        }
      } while (!page.isEmpty());
    }
  }

  /** Nothing: the connection stays for other stores of this process, and ends with it. */
  @Override
  public void close() {}

  @Override
  public String toString() {
    return volume + root;
  }

  private String temp() {
    return root + FileTree.TEMP;
  }

  private String path(String key) {
    return root + FileTree.check(key);
  }
}
