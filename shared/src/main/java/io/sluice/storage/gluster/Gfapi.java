package io.sluice.storage.gluster;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.sluice.model.ErrorKind;
import io.sluice.storage.StorageException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;

/**
 * The functions of libgfapi that are used, on 64-bit Linux. The library is loaded when an instance
 * is made, not before: a process that keeps its models elsewhere does not need it.
 *
 * <p>Signatures are those of GlusterFS 6 and later; calling older libraries with the arguments that
 * were added then does no harm. A native executable has to know them when it is built: they are in
 * {@code META-INF/native-image/io.sluice/sluice-shared/reachability-metadata.json}.
 */
final class Gfapi {
  /** A function by its name and signature. */
  enum Function {
    glfs_new(FunctionDescriptor.of(ADDRESS, ADDRESS)),
    glfs_set_volfile_server(FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_INT)),
    glfs_set_logging(FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_INT)),
    glfs_init(FunctionDescriptor.of(JAVA_INT, ADDRESS)),
    glfs_fini(FunctionDescriptor.of(JAVA_INT, ADDRESS)),
    glfs_stat(FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS)),
    glfs_fstat(FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS)),
    glfs_statvfs(FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS)),
    glfs_open(FunctionDescriptor.of(ADDRESS, ADDRESS, ADDRESS, JAVA_INT)),
    glfs_creat(FunctionDescriptor.of(ADDRESS, ADDRESS, ADDRESS, JAVA_INT, JAVA_INT)),
    glfs_close(FunctionDescriptor.of(JAVA_INT, ADDRESS)),
    glfs_pread(
        FunctionDescriptor.of(
            JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_INT, ADDRESS)),
    glfs_pwrite(
        FunctionDescriptor.of(
            JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS)),
    glfs_fsync(FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS)),
    glfs_link(FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS)),
    glfs_unlink(FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS)),
    glfs_mkdir(FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_INT)),
    glfs_opendir(FunctionDescriptor.of(ADDRESS, ADDRESS, ADDRESS)),
    glfs_readdirplus_r(FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS)),
    glfs_closedir(FunctionDescriptor.of(JAVA_INT, ADDRESS)),
    glfs_getxattr(FunctionDescriptor.of(JAVA_LONG, ADDRESS, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG));

    private final FunctionDescriptor descriptor;

    Function(FunctionDescriptor descriptor) {
      this.descriptor = descriptor;
    }

    FunctionDescriptor descriptor() {
      return descriptor;
    }
  }

  private final Map<Function, MethodHandle> handles = new EnumMap<>(Function.class);
  private final long errnoOffset;
  private final FileLayout files;

  @SuppressWarnings("restricted") // calling C is what this class is for
  private Gfapi(SymbolLookup symbols, FileLayout files) {
    Linker linker = Linker.nativeLinker();
    Linker.Option errno = Linker.Option.captureCallState("errno");
    for (Function function : Function.values()) {
      handles.put(
          function,
          linker.downcallHandle(
              symbols.findOrThrow(function.name()), function.descriptor(), errno));
    }
    this.errnoOffset =
        Linker.Option.captureStateLayout()
            .byteOffset(MemoryLayout.PathElement.groupElement("errno"));
    this.files = files;
  }

  /**
   * Loads the library.
   *
   * @param library file or name
   * @throws StorageException FATAL if it cannot be had here
   */
  @SuppressWarnings("restricted") // the library is what the settings name
  static Gfapi load(String library) {
    String os = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    String machine = System.getProperty("os.arch", "");
    FileLayout files = FileLayout.of(machine);
    if (!os.startsWith("linux") || files == null) {
      throw unavailable(library, "there is no GlusterFS client for " + os + " on " + machine, null);
    }
    try {
      return new Gfapi(SymbolLookup.libraryLookup(library, Arena.global()), files);
    } catch (IllegalArgumentException | java.util.NoSuchElementException e) {
      throw unavailable(
          library,
          "install it (package libgfapi0 of Debian, glusterfs-api of Fedora) or name its file",
          e);
    }
  }

  private static StorageException unavailable(String library, String what, RuntimeException e) {
    return new StorageException(
        ErrorKind.FATAL,
        "gluster-library-missing",
        "",
        "the library '"
            + library
            + "' cannot be loaded: "
            + what
            + (e == null ? "" : " (" + e.getMessage() + ")"),
        e);
  }

  MethodHandle handle(Function function) {
    return handles.get(function);
  }

  /** How this platform lays out the structs of files. */
  FileLayout files() {
    return files;
  }

  /** Memory where a call leaves its errno. */
  MemorySegment allocateState(Arena arena) {
    return arena.allocate(Linker.Option.captureStateLayout());
  }

  int errno(MemorySegment state) {
    return state.get(JAVA_INT, errnoOffset);
  }
}
