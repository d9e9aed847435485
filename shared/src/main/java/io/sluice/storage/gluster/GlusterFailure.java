package io.sluice.storage.gluster;

import java.io.IOException;
import java.util.Map;

/** A function of libgfapi failed; its errno says why. */
final class GlusterFailure extends IOException {
  static final int EPERM = 1;
  static final int ENOENT = 2;
  static final int EIO = 5;
  static final int EACCES = 13;
  static final int EEXIST = 17;
  static final int ENOTDIR = 20;
  static final int EISDIR = 21;
  static final int EFBIG = 27;
  static final int ENOSPC = 28;
  static final int EROFS = 30;
  static final int ENAMETOOLONG = 36;
  static final int ELOOP = 40;
  static final int ENODATA = 61;
  static final int EOPNOTSUPP = 95;
  static final int ENOTCONN = 107;
  static final int ESTALE = 116;
  static final int EDQUOT = 122;

  /** Numbers and texts of Linux, the same on x86-64 and AArch64. */
  private static final Map<Integer, String> TEXTS =
      Map.ofEntries(
          Map.entry(EPERM, "operation not permitted"),
          Map.entry(ENOENT, "no such file or directory"),
          Map.entry(EIO, "input/output error"),
          Map.entry(11, "resource temporarily unavailable"),
          Map.entry(12, "out of memory"),
          Map.entry(EACCES, "permission denied"),
          Map.entry(EEXIST, "file exists"),
          Map.entry(ENOTDIR, "not a directory"),
          Map.entry(EISDIR, "is a directory"),
          Map.entry(22, "invalid argument"),
          Map.entry(EFBIG, "file too large"),
          Map.entry(ENOSPC, "no space left"),
          Map.entry(EROFS, "read-only file system"),
          Map.entry(ENAMETOOLONG, "file name too long"),
          Map.entry(ELOOP, "too many levels of symbolic links"),
          Map.entry(ENODATA, "no such attribute"),
          Map.entry(77, "file descriptor in bad state"),
          Map.entry(EOPNOTSUPP, "operation not supported"),
          Map.entry(ENOTCONN, "not connected to enough bricks of the volume"),
          Map.entry(110, "timed out"),
          Map.entry(111, "connection refused"),
          Map.entry(ESTALE, "stale file handle"),
          Map.entry(EDQUOT, "quota exceeded"));

  private final int errno;

  GlusterFailure(String function, int errno) {
    super(function + ": " + TEXTS.getOrDefault(errno, "unknown error") + " (errno " + errno + ")");
    this.errno = errno;
  }

  int errno() {
    return errno;
  }
}
