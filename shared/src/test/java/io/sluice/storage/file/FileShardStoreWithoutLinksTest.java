package io.sluice.storage.file;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.ErrorKind;
import io.sluice.storage.FileTree;
import io.sluice.storage.ShardStore;
import io.sluice.storage.ShardStoreKit;
import io.sluice.storage.StorageException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The same contract where there are no hard links. */
class FileShardStoreWithoutLinksTest extends ShardStoreKit {
  @TempDir Path folder;

  @Override
  protected ShardStore store() {
    return store(Duration.ofSeconds(5));
  }

  private ShardStore store(Duration claimPatience) {
    return new FileShardStore(folder, false, Duration.ofHours(24), claimPatience);
  }

  @Override
  protected boolean unicodeKeys() {
    return "UTF-8".equals(System.getProperty("sun.jnu.encoding"));
  }

  @Test
  void noClaimOutlivesItsWrite() throws IOException {
    put(base + "object", random(3));
    try (Stream<Path> left = Files.list(folder.resolve(FileTree.TEMP))) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  void theClaimOfACrashedWriterHoldsTheKeyUpUntilItIsOld() throws IOException {
    put(base + "other", random(3));
    String key = base + "object";
    Path claim =
        Files.createFile(
            folder
                .resolve(FileTree.TEMP)
                .resolve(UUID.nameUUIDFromBytes(key.getBytes(StandardCharsets.UTF_8)) + ".claim"));
    StorageException e =
        failure(
            () ->
                store(Duration.ofMillis(50)).putIfAbsent(key, MemorySegment.ofArray(new byte[1])));
    assertThat(e.kind()).isEqualTo(ErrorKind.TRANSIENT);
    assertThat(failure(() -> store().head(key)).kind()).isEqualTo(ErrorKind.MISSING);

    Files.setLastModifiedTime(claim, FileTime.from(Instant.now().minus(Duration.ofHours(25))));
    put(key, random(4));
    assertThat(claim).doesNotExist();
  }
}
