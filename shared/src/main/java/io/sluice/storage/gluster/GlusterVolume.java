package io.sluice.storage.gluster;

import static java.lang.foreign.ValueLayout.ADDRESS;

import io.sluice.model.ErrorKind;
import io.sluice.model.HostPort;
import io.sluice.storage.StorageException;
import io.sluice.storage.TransientStorageException;
import io.sluice.storage.gluster.FileLayout.Stat;
import io.sluice.storage.gluster.Gfapi.Function;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * The connection of this process to a volume: the calls of libgfapi that the store needs, each of
 * which waits for its answer. Safe for many threads.
 *
 * <p>There is one a process for each volume, which stays until the process ends: giving it up
 * ({@code glfs_fini}) takes up to seven seconds and nothing needs it, since what was synced is in
 * the bricks. It is made by the first call, and again by the next one if that failed.
 *
 * <p>A call into C blocks the carrier of a virtual thread, of which there are as few as cores. So
 * calls are made by platform threads of their own, as many at a time as the settings say; who calls
 * waits, even if interrupted: a call cannot be taken back, and it may be writing into memory.
 *
 * <p>Where something is said not to be there (ENOENT), that was so while every part of the volume
 * could be asked; otherwise the failure is ENOTCONN.
 */
final class GlusterVolume {
  private static final int O_RDONLY = 0;
  private static final int O_CREAT_EXCL_WRONLY = 0100 | 0200 | 1;
  private static final int FILE_MODE = 0644;
  private static final int DIRECTORY_MODE = 0755;
  private static final int LOG_WARNING = 5;

  /** Bytes of a text that are read. */
  private static final long TEXT = 16 << 10;

  private static final Map<GlusterSettings, GlusterVolume> OPEN = new ConcurrentHashMap<>();

  private final GlusterSettings settings;
  private final Gfapi library;
  private final Executor threads;
  private final VolumeParts parts;
  private final Object connecting = new Object();
  private volatile MemorySegment connection;

  private GlusterVolume(GlusterSettings settings) {
    this.settings = settings;
    this.library = Gfapi.load(settings.library());
    this.parts = new VolumeParts(this, settings.volume());
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            settings.threads(),
            settings.threads(),
            30,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            Thread.ofPlatform().daemon().name("sluice-gluster-", 0).factory());
    pool.allowCoreThreadTimeOut(true);
    this.threads = pool;
  }

  /**
   * The volume of these settings; the roots of stores in it make no difference.
   *
   * @throws StorageException FATAL if the library is not there
   */
  static GlusterVolume of(GlusterSettings settings) {
    return OPEN.computeIfAbsent(settings.below(""), GlusterVolume::new);
  }

  /** An open file or directory. */
  final class Handle implements AutoCloseable {
    private final MemorySegment pointer;
    private final Function close;

    private Handle(MemorySegment pointer, Function close) {
      this.pointer = pointer;
      this.close = close;
    }

    private MemorySegment pointer() {
      return pointer;
    }

    @Override
    public void close() throws GlusterFailure {
      call(
          (volume, call) ->
              call.check(close, (int) handle(close).invokeExact(call.state(), pointer)));
    }
  }

  /** A file or directory in a directory. */
  record Entry(String name, Stat stat) {}

  Stat stat(String path) throws GlusterFailure {
    return lookUp(
        (volume, call) -> {
          MemorySegment stat = call.arena().allocate(FileLayout.STAT, 8);
          MemorySegment name = call.arena().allocateFrom(path);
          call.check(
              Function.glfs_stat,
              (int) handle(Function.glfs_stat).invokeExact(call.state(), volume, name, stat));
          return library.files().stat(stat);
        });
  }

  Stat stat(Handle file) throws GlusterFailure {
    return lookUp(
        (volume, call) -> {
          MemorySegment stat = call.arena().allocate(FileLayout.STAT, 8);
          call.check(
              Function.glfs_fstat,
              (int) handle(Function.glfs_fstat).invokeExact(call.state(), file.pointer(), stat));
          return library.files().stat(stat);
        });
  }

  /** Bytes that the volume has room for. */
  long available() throws GlusterFailure {
    return call(
        (volume, call) -> {
          MemorySegment statvfs = call.arena().allocate(FileLayout.STATVFS, 8);
          MemorySegment name = call.arena().allocateFrom("/");
          call.check(
              Function.glfs_statvfs,
              (int) handle(Function.glfs_statvfs).invokeExact(call.state(), volume, name, statvfs));
          return library.files().available(statvfs);
        });
  }

  Handle open(String path) throws GlusterFailure {
    return lookUp(
        (volume, call) -> {
          MemorySegment name = call.arena().allocateFrom(path);
          return new Handle(
              call.check(
                  Function.glfs_open,
                  (MemorySegment)
                      handle(Function.glfs_open).invokeExact(call.state(), volume, name, O_RDONLY)),
              Function.glfs_close);
        });
  }

  /** Makes a file that is not there yet, to write. */
  Handle create(String path) throws GlusterFailure {
    return call(
        (volume, call) -> {
          MemorySegment name = call.arena().allocateFrom(path);
          return new Handle(
              call.check(
                  Function.glfs_creat,
                  (MemorySegment)
                      handle(Function.glfs_creat)
                          .invokeExact(call.state(), volume, name, O_CREAT_EXCL_WRONLY, FILE_MODE)),
              Function.glfs_close);
        });
  }

  /**
   * Reads at most as much as the memory has room for.
   *
   * @param target native, and of no thread in particular
   * @return bytes read; 0 at the end of the file
   */
  long read(Handle file, long offset, MemorySegment target) throws GlusterFailure {
    return lookUp(
        (volume, call) ->
            call.check(
                Function.glfs_pread,
                (long)
                    handle(Function.glfs_pread)
                        .invokeExact(
                            call.state(),
                            file.pointer(),
                            target,
                            target.byteSize(),
                            offset,
                            0,
                            MemorySegment.NULL)));
  }

  /**
   * Writes some of the bytes.
   *
   * @param source native, and of no thread in particular
   * @return how many
   */
  long write(Handle file, long offset, MemorySegment source) throws GlusterFailure {
    return call(
        (volume, call) ->
            call.check(
                Function.glfs_pwrite,
                (long)
                    handle(Function.glfs_pwrite)
                        .invokeExact(
                            call.state(),
                            file.pointer(),
                            source,
                            source.byteSize(),
                            offset,
                            0,
                            MemorySegment.NULL,
                            MemorySegment.NULL)));
  }

  /** Waits until what was written is on the disks. */
  void sync(Handle file) throws GlusterFailure {
    call(
        (volume, call) ->
            call.check(
                Function.glfs_fsync,
                (int)
                    handle(Function.glfs_fsync)
                        .invokeExact(
                            call.state(), file.pointer(), MemorySegment.NULL, MemorySegment.NULL)));
  }

  /** Gives a file another name, if the name is free. */
  void link(String path, String other) throws GlusterFailure {
    call(
        (volume, call) -> {
          MemorySegment from = call.arena().allocateFrom(path);
          MemorySegment to = call.arena().allocateFrom(other);
          return call.check(
              Function.glfs_link,
              (int) handle(Function.glfs_link).invokeExact(call.state(), volume, from, to));
        });
  }

  void unlink(String path) throws GlusterFailure {
    lookUp(
        (volume, call) -> {
          MemorySegment name = call.arena().allocateFrom(path);
          return call.check(
              Function.glfs_unlink,
              (int) handle(Function.glfs_unlink).invokeExact(call.state(), volume, name));
        });
  }

  void makeDirectory(String path) throws GlusterFailure {
    call(
        (volume, call) -> {
          MemorySegment name = call.arena().allocateFrom(path);
          return call.check(
              Function.glfs_mkdir,
              (int)
                  handle(Function.glfs_mkdir)
                      .invokeExact(call.state(), volume, name, DIRECTORY_MODE));
        });
  }

  Handle openDirectory(String path) throws GlusterFailure {
    return lookUp(
        (volume, call) -> {
          MemorySegment name = call.arena().allocateFrom(path);
          return new Handle(
              call.check(
                  Function.glfs_opendir,
                  (MemorySegment)
                      handle(Function.glfs_opendir).invokeExact(call.state(), volume, name)),
              Function.glfs_closedir);
        });
  }

  /**
   * Goes on reading a directory.
   *
   * @return up to so many of the next entries; none at its end
   */
  List<Entry> readDirectory(Handle directory, int max) throws GlusterFailure {
    return call(
        (volume, call) -> {
          MemorySegment stat = call.arena().allocate(FileLayout.STAT, 8);
          MemorySegment dirent = call.arena().allocate(FileLayout.DIRENT, 8);
          MemorySegment end = call.arena().allocate(ADDRESS);
          MethodHandle next = handle(Function.glfs_readdirplus_r);
          List<Entry> entries = new ArrayList<>();
          while (entries.size() < max) {
            call.check(
                Function.glfs_readdirplus_r,
                (int) next.invokeExact(call.state(), directory.pointer(), stat, dirent, end));
            if (end.get(ADDRESS, 0).address() == 0) {
              break;
            }
            entries.add(new Entry(library.files().name(dirent), library.files().stat(stat)));
          }
          return entries;
        });
  }

  /**
   * The value of an extended attribute that is a text, up to its first zero byte.
   *
   * @throws GlusterFailure ENODATA if there is no such attribute
   */
  String attribute(String path, String attribute) throws GlusterFailure {
    return call(
        (volume, call) -> {
          MemorySegment file = call.arena().allocateFrom(path);
          MemorySegment name = call.arena().allocateFrom(attribute);
          MemorySegment value = call.arena().allocate(TEXT + 1);
          call.check(
              Function.glfs_getxattr,
              (long)
                  handle(Function.glfs_getxattr)
                      .invokeExact(call.state(), volume, file, name, value, TEXT));
          return value.getString(0);
        });
  }

  /** The first {@value #TEXT} bytes of a file of text; empty if there is no such file. */
  Optional<String> text(String path) throws GlusterFailure {
    return call(
        (volume, call) -> {
          MemorySegment name = call.arena().allocateFrom(path);
          MemorySegment file =
              (MemorySegment)
                  handle(Function.glfs_open).invokeExact(call.state(), volume, name, O_RDONLY);
          if (file.address() == 0) {
            GlusterFailure failure = call.failure(Function.glfs_open);
            if (failure.errno() == GlusterFailure.ENOENT) {
              return Optional.empty();
            }
            throw failure;
          }
          try {
            MemorySegment text = call.arena().allocate(TEXT + 1);
            call.check(
                Function.glfs_pread,
                (long)
                    handle(Function.glfs_pread)
                        .invokeExact(call.state(), file, text, TEXT, 0L, 0, MemorySegment.NULL));
            return Optional.of(text.getString(0));
          } finally {
            int ignored = (int) handle(Function.glfs_close).invokeExact(call.state(), file);
          }
        });
  }

  /**
   * @throws GlusterFailure ENOTCONN if a part of the volume cannot be asked now
   */
  void requireAllParts() throws GlusterFailure {
    parts.requireAll();
  }

  @Override
  public String toString() {
    return "gluster://" + settings.servers().getFirst() + "/" + settings.volume();
  }

  // ---- connecting

  private MemorySegment connection() throws Throwable {
    MemorySegment made = connection;
    if (made == null) {
      synchronized (connecting) {
        if (connection == null) {
          connection = connect();
        }
        made = connection;
      }
    }
    return made;
  }

  private MemorySegment connect() throws Throwable {
    try (Call call = new Call(library)) {
      MemorySegment name = call.arena().allocateFrom(settings.volume());
      MemorySegment volume =
          call.check(
              Function.glfs_new,
              (MemorySegment) handle(Function.glfs_new).invokeExact(call.state(), name));
      MemorySegment transport = call.arena().allocateFrom("tcp");
      for (HostPort server : settings.servers()) {
        MemorySegment host = call.arena().allocateFrom(server.host());
        call.check(
            Function.glfs_set_volfile_server,
            (int)
                handle(Function.glfs_set_volfile_server)
                    .invokeExact(call.state(), volume, transport, host, server.port()));
      }
      String log = settings.log().map(file -> file.toAbsolutePath().toString()).orElse("/dev/null");
      MemorySegment file = call.arena().allocateFrom(log);
      call.check(
          Function.glfs_set_logging,
          (int)
              handle(Function.glfs_set_logging)
                  .invokeExact(call.state(), volume, file, LOG_WARNING));
      int result = (int) handle(Function.glfs_init).invokeExact(call.state(), volume);
      if (result != 0) {
        GlusterFailure failure = call.failure(Function.glfs_init);
        int ignored = (int) handle(Function.glfs_fini).invokeExact(call.state(), volume);
        throw unreachable(failure);
      }
      return volume;
    }
  }

  private StorageException unreachable(GlusterFailure e) {
    String what =
        "the volume '"
            + settings.volume()
            + "' of the GlusterFS servers "
            + settings.servers()
            + " cannot be opened: "
            + e.getMessage();
    return e.errno() == GlusterFailure.ENOENT
        ? new StorageException(ErrorKind.MISSING, "root-missing", "", what, e)
        : new TransientStorageException("", 0, what, e);
  }

  // ---- calling

  private MethodHandle handle(Function function) {
    return library.handle(function);
  }

  /** What a thread of the library does for somebody who waits. */
  @FunctionalInterface
  private interface Work<T> {
    T run(MemorySegment volume, Call call) throws Throwable;
  }

  /**
   * Does what fails with ENOENT if something is not there. A distributed volume says so too while
   * the part that has it is away. So it is asked again when all parts were seen to be there, and
   * believed if they still are afterwards: a part that comes or goes in between does not count.
   */
  private <T> T lookUp(Work<T> work) throws GlusterFailure {
    try {
      return call(work);
    } catch (GlusterFailure e) {
      if (e.errno() != GlusterFailure.ENOENT) {
        throw e;
      }
    }
    parts.requireAll();
    try {
      return call(work);
    } catch (GlusterFailure e) {
      if (e.errno() == GlusterFailure.ENOENT) {
        parts.requireAll();
      }
      throw e;
    }
  }

  private <T> T call(Work<T> work) throws GlusterFailure {
    Job<T> job = new Job<>(work);
    threads.execute(job);
    return job.await();
  }

  /** The memory of one call. */
  private record Call(Gfapi library, Arena arena, MemorySegment state) implements AutoCloseable {
    Call(Gfapi library) {
      this(library, Arena.ofConfined());
    }

    private Call(Gfapi library, Arena arena) {
      this(library, arena, library.allocateState(arena));
    }

    int check(Function function, int result) throws GlusterFailure {
      check(function, (long) result);
      return result;
    }

    long check(Function function, long result) throws GlusterFailure {
      if (result < 0) {
        throw failure(function);
      }
      return result;
    }

    MemorySegment check(Function function, MemorySegment pointer) throws GlusterFailure {
      if (pointer.address() == 0) {
        throw failure(function);
      }
      return pointer;
    }

    GlusterFailure failure(Function function) {
      return new GlusterFailure(function.name(), library.errno(state));
    }

    @Override
    public void close() {
      arena.close();
    }
  }

  private final class Job<T> implements Runnable {
    private final Work<T> work;
    private final CountDownLatch done = new CountDownLatch(1);
    private T result;
    private Throwable failure;

    Job(Work<T> work) {
      this.work = work;
    }

    @Override
    public void run() {
      try (Call call = new Call(library)) {
        result = work.run(connection(), call);
      } catch (Throwable e) {
        failure = e; // thrown where it is waited for
      } finally {
        done.countDown();
      }
    }

    T await() throws GlusterFailure {
      boolean interrupted = false;
      while (true) {
        try {
          done.await();
          break;
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
      switch (failure) {
        case null -> {
          return result;
        }
        case GlusterFailure e -> throw e;
        case RuntimeException e -> throw e;
        case Error e -> throw e;
        default -> throw new IllegalStateException("a C function threw", failure);
      }
    }
  }
}
