package io.sluice.pull;

import io.sluice.manifest.ModelManifest;
import io.sluice.model.ByteRange;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.InvalidValueException;
import io.sluice.pull.StoredObject.Extent;
import io.sluice.storage.ShardReader;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.zip.CRC32C;

/**
 * Writes the files of a version as they were when it was uploaded. Chunks are read in parallel and
 * each is verified by its CRC32C. Before any file is visible, every byte of it is read back and
 * verified by SHA-256: that of the file if the manifest has it, otherwise those of the objects it
 * was put together from, and by the CRC32C of the file that it was put together right.
 *
 * <p>Memory is {@code parallelism} blocks of {@value #BLOCK} bytes, whatever the size of model and
 * chunks.
 */
public final class ModelPull {
  /** Bytes read and written at a time. */
  static final int BLOCK = 8 << 20;

  private final ShardReader reader;
  private final int parallelism;
  private final int attempts;

  /**
   * @param reader repeats what fails for a moment
   * @param parallelism chunks in flight, at least 1
   * @param attempts how often a chunk with a wrong checksum is read before it is given up
   */
  public ModelPull(ShardReader reader, int parallelism, int attempts) {
    this.reader = Objects.requireNonNull(reader, "reader");
    if (parallelism < 1 || attempts < 1) {
      throw new InvalidValueException(
          "pull-options-invalid",
          "a pull needs 1 <= parallelism and 1 <= attempts, got "
              + parallelism
              + " and "
              + attempts);
    }
    this.parallelism = parallelism;
    this.attempts = attempts;
  }

  /** Bytes of all objects that a pull reads: the total of its progress. */
  public static long bytes(ModelManifest manifest) {
    return manifest.objects().values().stream().mapToLong(object -> object.size()).sum();
  }

  /**
   * Writes the files into a directory that is not there or empty; nothing is there if this throws.
   *
   * @param force whether the directory may hold something: files of the same path are replaced then
   * @param progress told the bytes of each verified chunk, by many threads
   * @throws PullException CONFLICT {@code target-not-empty}; CORRUPT {@code shard-corrupt} or
   *     {@code file-corrupt}, naming what is wrong; CAPACITY {@code target-too-small}
   */
  public void pull(ModelManifest manifest, Path target, boolean force, LongConsumer progress)
      throws InterruptedException {
    List<String> paths = manifest.files().stream().map(ModelManifest.File::path).toList();
    try (Staging staging = Staging.open(target, paths, manifest.sourceBytes(), force)) {
      try (BlockWindow window = new BlockWindow(parallelism, BLOCK)) {
        List<StoredObject> objects = StoredObject.of(manifest);
        copyAll(objects, paths, staging, window, progress);
        for (StoredObject object : objects) {
          if (object.extents().stream().anyMatch(e -> !hasDigest(manifest, e.file()))) {
            window.submit(block -> verify(manifest, object, staging, block));
          }
        }
        for (int i = 0; i < manifest.files().size(); i++) {
          int file = i;
          window.submit(block -> verify(manifest, file, staging, block));
        }
        window.await();
      }
      staging.publish();
    }
  }

  /**
   * Writes the tensors of a version as one GGUF file, {@code <name>.gguf}, with their names as they
   * are. What is in other files of the version is not in it.
   *
   * @param name of the file and of the model in its metadata
   * @param force whether the directory may hold something
   * @return bytes of the file
   * @throws io.sluice.model.InvalidValueException if GGUF has no place for a tensor
   */
  public long pullGguf(
      ModelManifest manifest, String name, Path target, boolean force, LongConsumer progress)
      throws InterruptedException {
    GgufFile file = GgufFile.of(manifest, name);
    List<String> paths = List.of(name + ".gguf");
    try (Staging staging = Staging.open(target, paths, file.layout().size(), force)) {
      try (BlockWindow window = new BlockWindow(parallelism, BLOCK)) {
        window.submit(block -> file.begin(staging.file(0)));
        window.await();
        copyAll(file.objects(), paths, staging, window, progress);
      }
      staging.publish();
    }
    return file.layout().size();
  }

  private void copyAll(
      List<StoredObject> objects,
      List<String> paths,
      Staging staging,
      BlockWindow window,
      LongConsumer progress)
      throws InterruptedException {
    for (StoredObject object : objects) {
      for (int i = 0; i < object.descriptor().checksums().count(); i++) {
        int chunk = i;
        window.submit(block -> copy(paths, object, chunk, staging, block, progress));
      }
    }
    window.await();
  }

  private void copy(
      List<String> paths,
      StoredObject object,
      int chunk,
      Staging staging,
      MemorySegment block,
      LongConsumer progress)
      throws IOException {
    ByteRange range = object.descriptor().checksums().range(chunk);
    int expected = object.descriptor().checksums().crc(chunk);
    int actual = 0;
    for (int attempt = 1; attempt <= attempts; attempt++) {
      CRC32C crc = new CRC32C();
      for (long at = range.offset(); at < range.end(); at += BLOCK) {
        ByteRange part = new ByteRange(at, Math.min(BLOCK, range.end() - at));
        reader.read(object.key(), Optional.empty(), part, block);
        crc.update(block.asSlice(0, part.length()).asByteBuffer());
        write(object.overlapping(part), part, block, staging);
      }
      actual = (int) crc.getValue();
      if (actual == expected) {
        progress.accept(range.length());
        return;
      }
    }
    throw new PullException(
        ErrorKind.CORRUPT,
        "shard-corrupt",
        String.format(
            "chunk %d of '%s' at bytes %s has CRC32C %08x, the manifest says %08x; it is a part of"
                + " '%s'",
            chunk, object.key(), range, actual, expected, firstFile(paths, object, range)));
  }

  private static void write(
      List<Extent> extents, ByteRange part, MemorySegment block, Staging staging)
      throws IOException {
    FileChannel channel = null;
    int open = -1;
    try {
      for (Extent extent : extents) {
        if (extent.file() != open) {
          if (channel != null) {
            channel.close();
          }
          channel = FileChannel.open(staging.file(extent.file()), StandardOpenOption.WRITE);
          open = extent.file();
        }
        long from = Math.max(extent.offset(), part.offset());
        long to = Math.min(extent.end(), part.end());
        ByteBuffer bytes = block.asSlice(from - part.offset(), to - from).asByteBuffer();
        for (long at = extent.position() + from - extent.offset(); bytes.hasRemaining(); ) {
          at += channel.write(bytes, at);
        }
      }
    } finally {
      if (channel != null) {
        channel.close();
      }
    }
  }

  private static boolean hasDigest(ModelManifest manifest, int file) {
    return manifest.files().get(file).digest().isPresent();
  }

  /** Hashes an object as it lies in the files; what of it lies in no file comes from the store. */
  private void verify(
      ModelManifest manifest, StoredObject object, Staging staging, MemorySegment block)
      throws IOException {
    MessageDigest sha256 = Digest.hasher();
    Extent last = null;
    long at = 0;
    for (Extent extent : object.extents()) {
      if (extent.offset() >= at) {
        readStore(object, ByteRange.between(at, extent.offset()), block, sha256);
        readFile(extent, staging, block, sha256);
        last = extent;
        at = extent.end();
      } else {
        // The same bytes once more, in another place.
        MessageDigest first = Digest.hasher();
        MessageDigest second = Digest.hasher();
        readFile(last, staging, block, first);
        readFile(extent, staging, block, second);
        if (!MessageDigest.isEqual(first.digest(), second.digest())) {
          throw fileCorrupt(manifest, extent.file(), "bytes that differ from those of its object");
        }
      }
    }
    readStore(object, ByteRange.between(at, object.descriptor().size()), block, sha256);
    Digest actual = Digest.of(sha256.digest());
    if (!actual.equals(object.descriptor().digest())) {
      throw new PullException(
          ErrorKind.CORRUPT,
          "shard-corrupt",
          "object '"
              + object.key()
              + "' has the digest "
              + actual
              + ", the manifest says "
              + object.descriptor().digest()
              + "; it is a part of '"
              + manifest.files().get(object.extents().getFirst().file()).path()
              + "'");
    }
  }

  private void readStore(
      StoredObject object, ByteRange range, MemorySegment block, MessageDigest sha256) {
    for (long at = range.offset(); at < range.end(); at += BLOCK) {
      ByteRange part = new ByteRange(at, Math.min(BLOCK, range.end() - at));
      reader.read(object.key(), Optional.empty(), part, block);
      sha256.update(block.asSlice(0, part.length()).asByteBuffer());
    }
  }

  private static void readFile(
      Extent extent, Staging staging, MemorySegment block, MessageDigest sha256)
      throws IOException {
    try (FileChannel channel =
        FileChannel.open(staging.file(extent.file()), StandardOpenOption.READ)) {
      long at = extent.position();
      long end = extent.position() + extent.length();
      while (at < end) {
        ByteBuffer buffer = block.asSlice(0, Math.min(BLOCK, end - at)).asByteBuffer();
        int read = channel.read(buffer, at);
        if (read < 0) {
          throw new EOFException("'" + staging.file(extent.file()) + "' ends at byte " + at);
        }
        sha256.update(buffer.flip());
        at += read;
      }
    }
  }

  private static void verify(
      ModelManifest manifest, int index, Staging staging, MemorySegment block) throws IOException {
    ModelManifest.File file = manifest.files().get(index);
    MessageDigest sha256 = Digest.hasher();
    CRC32C crc = new CRC32C();
    try (FileChannel channel = FileChannel.open(staging.file(index), StandardOpenOption.READ)) {
      ByteBuffer buffer = block.asByteBuffer();
      while (channel.read(buffer.clear()) >= 0) {
        crc.update(buffer.flip());
        if (file.digest().isPresent()) {
          sha256.update(buffer.rewind());
        }
      }
    }
    if (file.crc32c().isPresent() && file.crc32c().getAsInt() != (int) crc.getValue()) {
      throw fileCorrupt(
          manifest,
          index,
          String.format(
              "the CRC32C %08x, the manifest says %08x",
              (int) crc.getValue(), file.crc32c().getAsInt()));
    }
    if (file.digest().isPresent()) {
      Digest actual = Digest.of(sha256.digest());
      if (!actual.equals(file.digest().get())) {
        throw fileCorrupt(
            manifest, index, "the digest " + actual + ", the manifest says " + file.digest().get());
      }
    }
  }

  private static PullException fileCorrupt(ModelManifest manifest, int file, String what) {
    return new PullException(
        ErrorKind.CORRUPT,
        "file-corrupt",
        "file '" + manifest.files().get(file).path() + "' has " + what);
  }

  private static String firstFile(List<String> paths, StoredObject object, ByteRange range) {
    List<Extent> extents = object.overlapping(range);
    return extents.isEmpty() ? "" : paths.get(extents.getFirst().file());
  }
}
