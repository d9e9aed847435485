package io.sluice.storage.s3;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.TestPorts;
import io.sluice.model.ByteRange;
import io.sluice.model.ErrorKind;
import io.sluice.storage.RetryPolicy;
import io.sluice.storage.RetryingShardStore;
import io.sluice.storage.S3Process;
import io.sluice.storage.ShardStore;
import io.sluice.storage.ShardStoreKit;
import io.sluice.storage.SmallDisk;
import io.sluice.storage.StorageException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.s3.S3Client;

class S3ShardStoreTest extends ShardStoreKit {
  /**
   * What a refusal of a write may look like: the embedded S3 refuses and closes without reading the
   * body, and the URL-connection client, still writing it, sees a broken connection only.
   */
  private static final ErrorKind HIDDEN = ErrorKind.TRANSIENT;

  private static final String PREFIX = "prefix";

  @TempDir private static Path data;
  private static S3Process server;
  private static S3Client client;

  @BeforeAll
  static void start() throws IOException {
    server = new S3Process(data);
    client = server.client();
  }

  @AfterAll
  static void stop() {
    client.close();
    server.close();
  }

  /**
   * Retries as production does: after an empty object the embedded S3 closes its connection, and
   * the next request on it may break.
   */
  @Override
  protected ShardStore store() {
    return new RetryingShardStore(adapter(), RetryPolicy.DEFAULT);
  }

  @Override
  protected ShardStore adapter() {
    return new S3ShardStore(client, server.bucket(), PREFIX);
  }

  @Override
  protected boolean hasServer() {
    return true;
  }

  @Override
  protected void kill() throws InterruptedException {
    server.kill();
  }

  @Override
  protected void restart() throws IOException {
    server.restart();
  }

  /** Killed just before it gives an object its name, the embedded S3 leaves it under another. */
  @Override
  protected boolean leftBehind(String key) {
    return key.matches(".*/\\d+-[0-9a-f-]{36}");
  }

  @Override
  protected Optional<URI> httpEndpoint() {
    return Optional.of(server.endpoint());
  }

  @Override
  protected ShardStore storeAt(URI endpoint) {
    return new S3ShardStore(closedAfterwards(server.client(endpoint)), server.bucket(), PREFIX);
  }

  /** The embedded S3 keeps objects as files. */
  @Override
  protected boolean plant(String key, long size, Map<Long, byte[]> parts) throws IOException {
    Path file = S3Process.file(data, PREFIX + "/" + key);
    writeSparse(file, size, parts);
    S3Process.seal(file);
    return true;
  }

  @Override
  protected Optional<ShardStore> smallStore() throws IOException {
    Optional<SmallDisk> disk = SmallDisk.mount(SMALL);
    if (disk.isEmpty()) {
      return Optional.empty();
    }
    Path folder = closedAfterwards(disk.get()).folder();
    S3Process small = closedAfterwards(new S3Process(folder));
    S3Client there = closedAfterwards(small.client());
    return Optional.of(new S3ShardStore(there, small.bucket(), ""));
  }

  /** The embedded S3 answers a full disk with an internal error. */
  @Override
  protected boolean tellsThatItIsFull() {
    return false;
  }

  /** The embedded S3 makes file names of keys, and longer ones of unfinished writes. */
  @Override
  protected int longestSegment() {
    return 200;
  }

  @Test
  void aPrefixIsAWorldOfItsOwn() {
    String bucket = server.bucket();
    put(base + "object", random(8));
    assertThat(new S3ShardStore(client, bucket, "").head("prefix/" + base + "object").size())
        .isEqualTo(8);
    assertThat(new S3ShardStore(client, bucket, "prefix/").head(base + "object").size())
        .isEqualTo(8);
    ShardStore other = new S3ShardStore(client, bucket, "pre");
    assertThat(failure(() -> other.head(base + "object")).kind()).isEqualTo(ErrorKind.MISSING);
    other.list("", info -> assertThat(info.key()).doesNotContain(base));
    assertThat(failure(() -> new S3ShardStore(client, bucket, "../x")).code())
        .isEqualTo("key-invalid");
  }

  @Test
  void aMissingBucketIsNamed() {
    ShardStore nowhere = new S3ShardStore(client, "no-such-bucket", "");
    MemorySegment one = MemorySegment.ofArray(new byte[1]);
    List<StorageException> failures =
        List.of(
            failure(() -> nowhere.head("object")),
            failure(() -> nowhere.read("object", Optional.empty(), new ByteRange(0, 1), one)),
            failure(() -> nowhere.list("", info -> {})));
    assertThat(failures)
        .allSatisfy(
            e -> {
              assertThat(e.kind()).isEqualTo(ErrorKind.MISSING);
              assertThat(e.code()).isEqualTo("bucket-missing");
              assertThat(e).hasMessageContaining("'no-such-bucket'");
            });
    assertThat(failure(() -> nowhere.putIfAbsent("object", one)).kind())
        .isIn(ErrorKind.MISSING, HIDDEN);
  }

  @Test
  void wrongCredentialsAreForbidden() {
    try (S3Client wrong = server.client(server.endpoint(), "wrong")) {
      ShardStore store = new S3ShardStore(wrong, server.bucket(), "");
      MemorySegment one = MemorySegment.ofArray(new byte[1]);
      List<StorageException> failures =
          List.of(
              failure(() -> store.head("object")),
              failure(() -> store.read("object", Optional.empty(), new ByteRange(0, 1), one)),
              failure(() -> store.delete("object")),
              failure(() -> store.list("", info -> {})));
      assertThat(failures)
          .allSatisfy(
              e -> {
                assertThat(e.kind()).isEqualTo(ErrorKind.FORBIDDEN);
                assertThat(e.code()).isEqualTo("access-denied");
              });
      assertThat(failure(() -> store.putIfAbsent("object", one)).kind())
          .isIn(ErrorKind.FORBIDDEN, HIDDEN);
    }
  }

  @Test
  void noServerIsTransient() {
    try (TestPorts.Deaf deaf = TestPorts.deaf();
        S3Client lost = server.client(URI.create("http://127.0.0.1:" + deaf.port()))) {
      ShardStore store = new S3ShardStore(lost, server.bucket(), "");
      StorageException e = failure(() -> store.head("object"));
      assertThat(e.kind()).isEqualTo(ErrorKind.TRANSIENT);
      assertThat(e.retryable()).isTrue();
    }
  }

  @Test
  @SuppressWarnings("restricted") // the memory behind the segment is never touched
  void whatNoStoreTakesIsRefusedBeforeItIsSent() {
    MemorySegment huge = MemorySegment.ofAddress(8).reinterpret(S3ShardStore.MAX_OBJECT + 1);
    StorageException e = failure(() -> store().putIfAbsent(base + "huge", huge));
    assertThat(e.kind()).isEqualTo(ErrorKind.INVALID);
    assertThat(e.code()).isEqualTo("object-too-large");
    assertThat(e).hasMessageContaining("5497558138881").hasMessageContaining("5497558138880");
  }

  /** Writes over 2 GiB to disk: run it by {@code -Dsluice.test.large=true}. */
  @Test
  @EnabledIfSystemProperty(named = "sluice.test.large", matches = "true")
  void oneObjectMayExceedTwoGigabytes() {
    long size = (2L << 30) + 4097;
    byte[] last = random(4097);
    try (Arena arena = Arena.ofShared()) {
      MemorySegment bytes = arena.allocate(size);
      bytes.asSlice(size - 4097).copyFrom(MemorySegment.ofArray(last));
      assertThat(store().putIfAbsent(base + "big", bytes)).isTrue();
    }
    byte[] read = new byte[4097];
    store()
        .read(
            base + "big",
            Optional.empty(),
            new ByteRange(size - 4097, 4097),
            MemorySegment.ofArray(read));
    assertThat(read).isEqualTo(last);
    assertThat(store().head(base + "big").size()).isEqualTo(size);
    store().delete(base + "big");
  }
}
