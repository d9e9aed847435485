package io.sluice.storage.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.model.ByteRange;
import io.sluice.model.ErrorKind;
import io.sluice.storage.FileTree;
import io.sluice.storage.ShardStore;
import io.sluice.storage.ShardStoreKit;
import io.sluice.storage.SmallDisk;
import io.sluice.storage.StorageException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

class FileShardStoreTest extends ShardStoreKit {
  @TempDir Path folder;

  @Override
  protected ShardStore store() {
    return new FileShardStore(folder);
  }

  @Override
  protected boolean unicodeKeys() {
    return "UTF-8".equals(System.getProperty("sun.jnu.encoding"));
  }

  @Override
  protected boolean plant(String key, long size, Map<Long, byte[]> parts) throws IOException {
    writeSparse(folder.resolve(key), size, parts);
    return true;
  }

  @Override
  protected Optional<ShardStore> smallStore() throws IOException {
    return SmallDisk.mount(SMALL).map(disk -> new FileShardStore(closedAfterwards(disk).folder()));
  }

  /** Writes 4 GiB to disk: run it by {@code -Dsluice.test.large=true}. */
  @Test
  @EnabledIfSystemProperty(named = "sluice.test.large", matches = "true")
  void oneReadAndOneWriteMayExceedTwoGigabytes() throws IOException {
    long size = (2L << 30) + 4097;
    byte[] last = random(4096);
    Path big = folder.resolve("big");
    try (Arena arena = Arena.ofShared()) {
      try (FileChannel sparse =
              FileChannel.open(big, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
          FileChannel target =
              FileChannel.open(
                  folder.resolve("target"),
                  StandardOpenOption.CREATE_NEW,
                  StandardOpenOption.READ,
                  StandardOpenOption.WRITE)) {
        sparse.write(ByteBuffer.wrap(last), size - last.length);
        MemorySegment mapped = target.map(FileChannel.MapMode.READ_WRITE, 0, size, arena);
        store().read("big", Optional.empty(), new ByteRange(0, size), mapped);
        assertThat(mapped.asSlice(size - 4096).mismatch(MemorySegment.ofArray(last))).isEqualTo(-1);
        assertThat(store().putIfAbsent("copy", mapped)).isTrue();
      }
    }
    assertThat(Files.mismatch(big, folder.resolve("copy"))).isEqualTo(-1);
  }

  // ---- left-overs

  @Test
  void whatCrashedWritersLeftIsNoObjectAndGoesWhenItIsOld() throws IOException {
    put(base + "first", random(3));
    Path temp = folder.resolve(FileTree.TEMP);
    Path old = Files.write(temp.resolve("old.part"), random(10));
    Path fresh = Files.write(temp.resolve("fresh.part"), random(10));
    Files.setLastModifiedTime(old, FileTime.from(Instant.now().minus(Duration.ofHours(25))));

    assertThat(list("")).containsOnlyKeys(base + "first");
    put(base + "second", random(4));
    assertThat(old).doesNotExist();
    assertThat(fresh).exists();
  }

  @Test
  void nothingIsLeftBehindByWritersThatFinish() throws IOException {
    put(base + "object", random(3));
    assertThat(store().putIfAbsent(base + "object", MemorySegment.ofArray(random(4)))).isFalse();
    try (Stream<Path> left = Files.list(folder.resolve(FileTree.TEMP))) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  void unfinishedWritesHaveNoKeys() {
    for (String key : new String[] {FileTree.TEMP, FileTree.TEMP + "/x"}) {
      StorageException e =
          failure(() -> store().putIfAbsent(key, MemorySegment.ofArray(new byte[1])));
      assertThat(e.code()).isEqualTo("key-reserved");
      assertThat(failure(() -> store().head(key)).code()).isEqualTo("key-reserved");
    }
  }

  @Test
  void aFolderThatIsOnlyReadStaysAsItIs() throws IOException {
    Files.write(folder.resolve("config.json"), random(20));
    assertThat(read("config.json")).isEqualTo(random(20));
    assertThat(list("")).containsOnlyKeys("config.json");
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactly(folder.resolve("config.json"));
    }
  }

  // ---- the root and links

  @Test
  void aMissingRootIsNotCreated() throws IOException {
    Path missing = folder.resolve("missing");
    assertThat(failure(() -> new FileShardStore(missing)).code()).isEqualTo("root-missing");
    assertThat(missing).doesNotExist();
    Path file = Files.write(folder.resolve("file"), new byte[1]);
    assertThat(failure(() -> new FileShardStore(file)).code()).isEqualTo("root-missing");
  }

  @Test
  void linksOutOfTheRootAreRefused(@TempDir Path outside) throws IOException {
    Files.write(outside.resolve("secret"), random(30));
    Files.createSymbolicLink(folder.resolve("file"), outside.resolve("secret"));
    Files.createSymbolicLink(folder.resolve("folder"), outside);
    byte[] target = new byte[1];
    for (String key : new String[] {"file", "folder/secret"}) {
      StorageException e =
          failure(
              () ->
                  store()
                      .read(
                          key,
                          Optional.empty(),
                          new ByteRange(0, 1),
                          MemorySegment.ofArray(target)));
      assertThat(e.kind()).isEqualTo(ErrorKind.FORBIDDEN);
      assertThat(e.code()).isEqualTo("link-outside-root");
      assertThat(failure(() -> store().head(key)).code()).isEqualTo("link-outside-root");
    }
    MemorySegment one = MemorySegment.ofArray(new byte[1]);
    assertThat(failure(() -> store().putIfAbsent("folder/new", one)).code())
        .isEqualTo("link-outside-root");
    assertThat(failure(() -> store().putIfAbsent("folder/deep/new", one)).code())
        .isEqualTo("link-outside-root");
    assertThat(failure(() -> store().delete("folder/secret")).code())
        .isEqualTo("link-outside-root");
    assertThat(outside.resolve("secret")).exists();
    assertThat(outside.resolve("new")).doesNotExist();
    assertThat(outside.resolve("deep")).doesNotExist();
    assertThat(list("")).isEmpty();
  }

  @Test
  void linksWithinTheRootAreFollowed() throws IOException {
    put("blobs/1", random(9));
    Files.createDirectories(folder.resolve("snapshot"));
    Files.createSymbolicLink(folder.resolve("snapshot/weights"), Path.of("../blobs/1"));
    assertThat(read("snapshot/weights")).isEqualTo(random(9));
    assertThat(list("")).containsOnlyKeys("blobs/1", "snapshot/weights");
  }

  @Test
  void aKeyCannotGoOnBehindAnObject() {
    put("object", random(1));
    MemorySegment one = MemorySegment.ofArray(new byte[1]);
    StorageException behind = failure(() -> store().putIfAbsent("object/more", one));
    assertThat(behind.code()).isEqualTo("key-blocked");
    assertThat(failure(() -> store().head("object/more")).kind()).isEqualTo(ErrorKind.MISSING);
    put("folder/object", random(2));
    assertThat(failure(() -> store().putIfAbsent("folder", one)).code()).isEqualTo("key-blocked");
    assertThat(failure(() -> store().head("folder")).kind()).isEqualTo(ErrorKind.MISSING);
    store().delete("folder");
    assertThat(store().head("folder/object").size()).isEqualTo(2);
  }

  // ---- changes from outside

  @Test
  void aFileThatIsRewrittenInPlaceHasAnotherEtag() throws IOException {
    put("object", random(10));
    String etag = store().head("object").etag();
    Files.write(folder.resolve("object"), new byte[10]);
    Files.setLastModifiedTime(
        folder.resolve("object"), FileTime.from(Instant.now().plus(Duration.ofSeconds(5))));
    byte[] target = new byte[10];
    StorageException e =
        failure(
            () ->
                store()
                    .read(
                        "object",
                        Optional.of(etag),
                        new ByteRange(0, 10),
                        MemorySegment.ofArray(target)));
    assertThat(e.kind()).isEqualTo(ErrorKind.CONFLICT);
    assertThat(target).as("nothing was read").containsOnly(0);
  }

  // ---- environment

  @Test
  void aFullDiskIsNamed() throws IOException {
    Path full = Path.of("/dev/full"); // Linux: every write fails as on a full disk
    assumeTrue(Files.exists(full));
    IOException real = null;
    try (FileOutputStream out = new FileOutputStream(full.toFile())) {
      out.write(1);
    } catch (IOException e) {
      real = e;
    }
    assertThat(real).isNotNull();
    StorageException e = FileErrors.writing("object", folder, 1, real);
    assertThat(e.kind()).isEqualTo(ErrorKind.CAPACITY);
    assertThat(e.code()).isEqualTo("store-full");
    assertThat(e.getMessage()).contains("object").contains("1 bytes to write");
  }

  @Test
  void whatMayNotBeReadOrWrittenIsForbidden() throws IOException {
    assumeFalse("root".equals(System.getProperty("user.name")), "root may do anything");
    put("closed/object", random(5));
    Files.setPosixFilePermissions(
        folder.resolve("closed/object"), PosixFilePermissions.fromString("---------"));
    byte[] target = new byte[1];
    assertThat(
            failure(
                    () ->
                        store()
                            .read(
                                "closed/object",
                                Optional.empty(),
                                new ByteRange(0, 1),
                                MemorySegment.ofArray(target)))
                .kind())
        .isEqualTo(ErrorKind.FORBIDDEN);
    Files.setPosixFilePermissions(
        folder.resolve("closed"), PosixFilePermissions.fromString("r-x------"));
    assertThat(
            failure(() -> store().putIfAbsent("closed/new", MemorySegment.ofArray(new byte[1])))
                .kind())
        .isEqualTo(ErrorKind.FORBIDDEN);
    Files.setPosixFilePermissions(
        folder.resolve("closed"), PosixFilePermissions.fromString("rwx------"));
  }
}
