package io.sluice.storage.gluster;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.time.Instant;

/**
 * The structs {@code stat}, {@code statvfs} and {@code dirent} of 64-bit Linux with the GNU C
 * library; of what is read here, only the mode of a file lies elsewhere from machine to machine.
 */
enum FileLayout {
  X86_64(24),
  AARCH64(16);

  /** Bytes that any struct stat has room in. */
  static final long STAT = 144;

  static final long STATVFS = 112;

  /** Bytes of a struct dirent with a name of up to 255 bytes. */
  static final long DIRENT = 280;

  private static final int S_IFMT = 0xF000;
  private static final int S_IFDIR = 0x4000;
  private static final int S_IFREG = 0x8000;
  private static final int S_ISVTX = 0x200;
  private static final long NAME = 19;

  private final long mode;

  FileLayout(long mode) {
    this.mode = mode;
  }

  /** Of a machine as {@code os.arch} names it; null if it is not known. */
  static FileLayout of(String machine) {
    return switch (machine) {
      case "amd64", "x86_64" -> X86_64;
      case "aarch64" -> AARCH64;
      default -> null;
    };
  }

  /**
   * What the volume says about a file.
   *
   * @param inode made from the 128 bits that identify the file in its volume; no other file ever
   *     has them
   */
  record Stat(Type type, long size, long inode, Instant modified) {
    boolean regular() {
      return type == Type.FILE;
    }

    boolean directory() {
      return type == Type.DIRECTORY;
    }
  }

  /** What a name stands for. */
  enum Type {
    FILE,
    DIRECTORY,
    /** A link or a device. */
    OTHER,
    /**
     * A listing could not tell: the name is being healed, or is what a distributed volume keeps
     * where it would look for a file that lies elsewhere.
     */
    UNKNOWN
  }

  Stat stat(MemorySegment stat) {
    return new Stat(
        type(stat.get(JAVA_INT, mode)),
        stat.get(JAVA_LONG, 48),
        stat.get(JAVA_LONG, 8),
        Instant.ofEpochSecond(stat.get(JAVA_LONG, 88), stat.get(JAVA_LONG, 96)));
  }

  private static Type type(int mode) {
    return switch (mode & S_IFMT) {
      case S_IFREG -> (mode & S_ISVTX) == 0 ? Type.FILE : Type.UNKNOWN;
      case S_IFDIR -> Type.DIRECTORY;
      case 0 -> Type.UNKNOWN;
      default -> Type.OTHER;
    };
  }

  /** Bytes that are left for who may not use the reserve. */
  long available(MemorySegment statvfs) {
    return statvfs.get(JAVA_LONG, 8) * statvfs.get(JAVA_LONG, 32);
  }

  /** The name of an entry of a directory. */
  String name(MemorySegment dirent) {
    return dirent.asSlice(NAME).getString(0);
  }
}
