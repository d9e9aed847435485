package io.sluice.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;
import java.util.Optional;

/**
 * Address space straight from the operating system (POSIX mmap, munmap, madvise), on Linux and
 * macOS, 64 bits.
 *
 * <p>The handles are fields of an instance, never static: a native executable initialises classes
 * when it is built, where addresses of functions mean nothing. Their signatures are in {@code
 * META-INF/native-image/io.sluice/sluice-shared/reachability-metadata.json}.
 */
final class VirtualMemory {
  private static final int PROT_READ_WRITE = 1 | 2;
  private static final int MAP_PRIVATE = 2;
  private static final int MADV_DONTNEED = 4;
  // Linux only.
  private static final int MADV_HUGEPAGE = 14;
  private static final int MADV_NOHUGEPAGE = 15;

  private final boolean linux;
  private final MethodHandle mmap;
  private final MethodHandle munmap;
  private final MethodHandle madvise;

  @SuppressWarnings("restricted") // calling C is what this class is for
  private VirtualMemory(boolean linux, Linker linker, SymbolLookup symbols) {
    this.linux = linux;
    this.mmap =
        linker.downcallHandle(
            symbols.findOrThrow("mmap"),
            FunctionDescriptor.of(
                ValueLayout.ADDRESS,
                ValueLayout.ADDRESS,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_LONG));
    this.madvise =
        linker.downcallHandle(
            symbols.findOrThrow("madvise"),
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT,
                ValueLayout.ADDRESS,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_INT));
    this.munmap =
        linker.downcallHandle(
            symbols.findOrThrow("munmap"),
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
  }

  /** The platform's, if it has one and lets us call it. */
  static Optional<VirtualMemory> ofPlatform() {
    String os = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    boolean linux = os.startsWith("linux");
    if ((!linux && !os.startsWith("mac")) || ValueLayout.ADDRESS.byteSize() != 8) {
      return Optional.empty();
    }
    try {
      Linker linker = Linker.nativeLinker();
      return Optional.of(new VirtualMemory(linux, linker, linker.defaultLookup()));
    } catch (UnsupportedOperationException | IllegalCallerException e) {
      // No linker for this platform, or native access is denied: slabs come from arenas then.
      return Optional.empty();
    }
  }

  /** Reserves zeroed pages that take no memory before they are touched, if the system agrees. */
  @SuppressWarnings("restricted") // the length is what was mapped
  Optional<MemorySegment> reserve(long bytes) {
    int flags = MAP_PRIVATE | (linux ? 0x20 | 0x4000 : 0x1000 | 0x40); // ANONYMOUS | NORESERVE
    try {
      MemorySegment address =
          (MemorySegment)
              mmap.invokeExact(MemorySegment.NULL, bytes, PROT_READ_WRITE, flags, -1, 0L);
      return address.address() == -1
          ? Optional.empty()
          : Optional.of(address.reinterpret(bytes, Arena.global(), null));
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /**
   * Asks for huge pages. Only advice: the system may refuse it (too many mappings, not built in)
   * and nothing but speed is lost.
   */
  void wantHugePages(MemorySegment pages) {
    if (linux) {
      advise(pages, MADV_HUGEPAGE);
    }
  }

  /** Takes the wish for huge pages back, so that neighbouring mappings become one again. */
  void wantSmallPages(MemorySegment pages) {
    if (linux) {
      advise(pages, MADV_NOHUGEPAGE);
    }
  }

  /** Gives the memory of the pages back; their addresses stay reserved. */
  void discard(MemorySegment pages) {
    if (advise(pages, MADV_DONTNEED) != 0) {
      throw new IllegalStateException(
          "madvise(DONTNEED) failed for " + pages.byteSize() + " bytes at " + pages.address());
    }
  }

  /** Gives the address space back; touching it afterwards ends the process. */
  void unmap(MemorySegment pages) {
    try {
      int result = (int) munmap.invokeExact(pages, pages.byteSize());
      if (result != 0) {
        throw new IllegalStateException(
            "munmap failed for " + pages.byteSize() + " bytes at " + pages.address());
      }
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  private int advise(MemorySegment pages, int advice) {
    try {
      return (int) madvise.invokeExact(pages, pages.byteSize(), advice);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  private static RuntimeException unexpected(Throwable e) {
    switch (e) {
      case RuntimeException runtime -> throw runtime;
      case Error error -> throw error;
      default -> throw new IllegalStateException("a C function threw", e);
    }
  }
}
