package io.sluice.embedded;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.util.regex.Pattern;

/**
 * What S3Proxy leaves of objects that it was writing when it was killed: files beside the objects,
 * named like them with a UUID behind, which it lists as objects without an ETag.
 *
 * <p>One that was whole, and lacked nothing but its name, stays: it looks like an object.
 */
final class UnfinishedFiles {
  private static final Pattern NAME =
      Pattern.compile(".*-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");

  /** What S3Proxy keeps the ETag in, which a file gets when it is whole. */
  static final String ETAG = "user.content-md5";

  private UnfinishedFiles() {}

  /** Deletes them; nobody may be writing to the directory. */
  static void delete(Path objects) throws IOException {
    if (!keepsAttributes(objects)) {
      return; // then finished and unfinished files cannot be told apart
    }
    Files.walkFileTree(
        objects,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            if (NAME.matcher(file.getFileName().toString()).matches()
                && !view(file).list().contains(ETAG)) {
              Files.delete(file);
            }
            return FileVisitResult.CONTINUE;
          }
        });
  }

  private static boolean keepsAttributes(Path directory) throws IOException {
    Path probe = Files.createTempFile(directory, ".attributes-", "");
    try {
      view(probe).write(ETAG, ByteBuffer.wrap(new byte[1]));
      return true;
    } catch (IOException | UnsupportedOperationException e) {
      return false;
    } finally {
      Files.delete(probe);
    }
  }

  private static UserDefinedFileAttributeView view(Path file) {
    UserDefinedFileAttributeView view =
        Files.getFileAttributeView(file, UserDefinedFileAttributeView.class);
    if (view == null) {
      throw new UnsupportedOperationException("no attributes");
    }
    return view;
  }
}
