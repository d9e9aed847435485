package io.sluice.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.ByteRange;
import io.sluice.model.ErrorKind;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.StorageException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolderSourceTest {
  @TempDir Path root;

  @Test
  void findsFilesInOrderAndLeavesHiddenOnesOut() throws IOException {
    write("b.bin", "b");
    write("a/c.bin", "cc");
    write(".git/config", "x");
    write("a/.DS_Store", "x");
    try (FolderSource source = new FolderSource(root, p -> true)) {
      assertThat(source.files()).extracting(ObjectInfo::key).containsExactly("a/c.bin", "b.bin");
      assertThat(source.files()).extracting(ObjectInfo::size).containsExactly(2L, 1L);
      assertThat(read(source, "a/c.bin", Optional.empty(), 1, 1)).isEqualTo("c");
    }
  }

  @Test
  void aSingleFileIsAModel() throws IOException {
    write("x.gguf", "12345");
    write("y.gguf", "other");
    try (FolderSource source = new FolderSource(root.resolve("x.gguf"), p -> true)) {
      assertThat(source.files()).extracting(ObjectInfo::key).containsExactly("x.gguf");
      assertThat(read(source, "x.gguf", Optional.empty(), 1, 3)).isEqualTo("234");
    }
  }

  @Test
  void followsLinksAsDownloadCachesHaveThem() throws IOException {
    write("blobs/123", "weights");
    Files.createDirectories(root.resolve("snapshot"));
    Files.createSymbolicLink(root.resolve("snapshot/model.safetensors"), root.resolve("blobs/123"));
    try (FolderSource source = new FolderSource(root.resolve("snapshot"), p -> true)) {
      assertThat(source.files()).extracting(ObjectInfo::size).containsExactly(7L);
    }
  }

  @Test
  void whereAFileReallyLiesCounts() throws IOException {
    write("secret/key", "x");
    write("allowed/a", "x");
    Files.createSymbolicLink(root.resolve("allowed/b"), root.resolve("secret/key"));
    Path allowed = root.resolve("allowed").toRealPath();
    try (FolderSource source = new FolderSource(allowed, p -> p.startsWith(allowed))) {
      fails(source::files, ErrorKind.FORBIDDEN, "source-forbidden");
      fails(() -> source.head("../secret/key"), ErrorKind.FORBIDDEN, "source-forbidden");
      fails(() -> source.head("b"), ErrorKind.FORBIDDEN, "source-forbidden");
      assertThat(source.head("a").size()).isEqualTo(1);
    }
  }

  @Test
  void aFileThatChangedIsAnError() throws IOException {
    write("a", "12345");
    try (FolderSource source = new FolderSource(root, p -> true)) {
      Optional<String> etag = Optional.of(source.head("a").etag());
      assertThat(read(source, "a", etag, 0, 5)).isEqualTo("12345");
      write("a", "54321");
      Files.setLastModifiedTime(
          root.resolve("a"), FileTime.from(Instant.parse("2020-01-01T00:00:00Z")));
      fails(() -> read(source, "a", etag, 0, 5), ErrorKind.CONFLICT, "object-changed");
    }
  }

  @Test
  void nothingThereIsAnError() throws IOException {
    try (FolderSource source = new FolderSource(root, p -> true)) {
      fails(source::files, ErrorKind.MISSING, "source-missing");
    }
    try (FolderSource source = new FolderSource(root.resolve("nope"), p -> true)) {
      fails(source::files, ErrorKind.MISSING, "source-missing");
    }
  }

  private interface Call {
    void run() throws IOException;
  }

  private static void fails(Call call, ErrorKind kind, String code) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(
            StorageException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(kind);
              assertThat(e.code()).isEqualTo(code);
            });
  }

  private static String read(
      FolderSource source, String key, Optional<String> etag, long offset, int length) {
    byte[] bytes = new byte[length];
    source.read(key, etag, new ByteRange(offset, length), MemorySegment.ofArray(bytes));
    return new String(bytes, java.nio.charset.StandardCharsets.US_ASCII);
  }

  private void write(String name, String text) throws IOException {
    Path file = root.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }
}
