package io.sluice.storage.file;

import io.sluice.storage.StorageException;
import io.sluice.storage.TransientStorageException;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;

/** The one place where errors of the file system become ours. */
final class FileErrors {
  private FileErrors() {}

  static StorageException reading(String key, long transferred, IOException e) {
    if (e instanceof NoSuchFileException
        || e instanceof NotDirectoryException
        || says(e, "Not a directory")) {
      return StorageException.missing(key, e);
    }
    return other(key, transferred, "reading '" + key + "' failed: " + reason(e), e);
  }

  /**
   * @param length bytes that were to be written
   */
  static StorageException writing(String key, Path root, long length, IOException e) {
    String what = "writing '" + key + "' failed: " + reason(e);
    boolean full =
        says(e, "No space left on device")
            || says(e, "Disk quota exceeded")
            || says(e, "File too large")
            || (e.getClass() == IOException.class && usable(root) < length);
    if (full) {
      return StorageException.full(
          key, what + " (" + length + " bytes to write, " + usable(root) + " free)", e);
    }
    return other(key, 0, what, e);
  }

  /** Whether a file system has no hard links, or forbids them. */
  static boolean linksUnsupported(FileSystemException e) {
    return says(e, "Operation not permitted")
        || says(e, "Operation not supported")
        || says(e, "Function not implemented")
        || says(e, "Too many links");
  }

  private static StorageException other(String key, long transferred, String what, IOException e) {
    if (e instanceof AccessDeniedException
        || says(e, "Read-only file system")
        || says(e, "Operation not permitted")) {
      return StorageException.forbidden(key, what, e);
    }
    if (says(e, "Too many levels of symbolic links") || says(e, "File name too long")) {
      return StorageException.invalid("key-unsupported", key, what);
    }
    if (e instanceof ClosedByInterruptException) {
      Thread.currentThread().interrupt();
    }
    return new TransientStorageException(key, transferred, what, e);
  }

  private static long usable(Path root) {
    try {
      return Files.getFileStore(root).getUsableSpace();
    } catch (IOException e) {
      return Long.MAX_VALUE; // then it is not known to be full
    }
  }

  private static boolean says(IOException e, String text) {
    return e.getMessage() != null && e.getMessage().contains(text);
  }

  private static String reason(IOException e) {
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }
}
