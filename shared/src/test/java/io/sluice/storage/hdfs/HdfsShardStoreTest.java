package io.sluice.storage.hdfs;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.http.HttpTransport;
import io.sluice.http.TransportSettings;
import io.sluice.model.ByteRange;
import io.sluice.model.ErrorKind;
import io.sluice.servers.RealServer;
import io.sluice.servers.ServerProcess;
import io.sluice.storage.FaultyProxy;
import io.sluice.storage.FaultyProxy.Fault;
import io.sluice.storage.ShardStore;
import io.sluice.storage.ShardStoreKit;
import io.sluice.storage.StorageException;
import io.sluice.storage.TransientStorageException;
import io.sluice.storage.UnfinishedWrite;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against a real HDFS with two name nodes, of which one is active. */
class HdfsShardStoreTest extends ShardStoreKit {
  private static final int BLOCK = 1 << 20;

  private static HttpTransport transport;
  private static ServerProcess server;

  @BeforeAll
  static void start() {
    RealServer.HDFS.assumeThere();
    transport = new HttpTransport(TransportSettings.defaults());
    server = ServerProcess.start(RealServer.HDFS, Map.of("namenodes", "2", "dfs.ls.limit", "50"));
  }

  @AfterAll
  static void stop() {
    if (server != null) {
      server.close();
      transport.close();
    }
  }

  private static List<URI> nameNodes() {
    return List.of(nameNode(0), nameNode(1));
  }

  private static URI nameNode(int number) {
    return URI.create("http://127.0.0.1:" + server.port("http." + number));
  }

  private static HdfsShardStore store(HdfsSettings settings) {
    return new HdfsShardStore(transport, settings);
  }

  private static HdfsShardStore storeOf(String user, String root) {
    return store(HdfsSettings.of(nameNodes(), root, user));
  }

  /** Who runs the server is its superuser. */
  private static String superuser() {
    return System.getProperty("user.name");
  }

  @Override
  protected ShardStore store() {
    return storeOf(superuser(), "/sluice");
  }

  @Override
  protected int longestSegment() {
    return 238;
  }

  @Override
  protected boolean hasServer() {
    return true;
  }

  @Override
  protected void kill() {
    server.kill();
  }

  @Override
  protected void restart() {
    server.start();
  }

  @Override
  protected Optional<URI> httpEndpoint() {
    return Optional.of(nameNode(0));
  }

  @Override
  protected ShardStore storeAt(URI endpoint) {
    return store(HdfsSettings.of(List.of(endpoint), "/sluice", superuser()));
  }

  /** A folder with a quota; HDFS counts a block that is begun as a whole one. */
  @Override
  protected Optional<ShardStore> smallStore() {
    String root = "/small-" + UUID.randomUUID();
    say("quota " + root + " " + SMALL);
    return Optional.of(
        store(
            new HdfsSettings(
                nameNodes(),
                root,
                Optional.of(superuser()),
                Optional.empty(),
                OptionalInt.of(1),
                OptionalLong.of(BLOCK))));
  }

  /** More than {@code dfs.ls.limit}. */
  @Override
  protected int manyObjects() {
    return 120;
  }

  private static String say(String command) {
    String answer = server.say(command);
    assertThat(answer).as(command).startsWith("ok");
    return answer;
  }

  @Test
  void otherProgramsFindAnObjectUnderItsKey(@TempDir Path folder) throws IOException {
    byte[] bytes = random(100_000);
    put(base + "model.safetensors", bytes);
    Path file = folder.resolve("file");
    say("get /sluice/" + base + "model.safetensors " + file);
    assertThat(Files.readAllBytes(file)).isEqualTo(bytes);
  }

  @Test
  void filesAreMadeAsTheSettingsSay() {
    String key = base + "object";
    ShardStore three =
        store(
            new HdfsSettings(
                nameNodes(),
                "/sluice",
                Optional.of(superuser()),
                Optional.empty(),
                OptionalInt.of(3),
                OptionalLong.of(BLOCK)));
    byte[] bytes = random(3 * BLOCK + 1);
    assertThat(three.putIfAbsent(key, MemorySegment.ofArray(bytes))).isTrue();
    assertThat(say("stat /sluice/" + key)).isEqualTo("ok " + bytes.length + " 3 " + BLOCK);
    byte[] read = new byte[2 * BLOCK];
    three.read(
        key, Optional.empty(), new ByteRange(BLOCK - 1, read.length), MemorySegment.ofArray(read));
    assertThat(MemorySegment.ofArray(read))
        .satisfies(
            all ->
                assertThat(
                        all.mismatch(MemorySegment.ofArray(bytes).asSlice(BLOCK - 1, read.length)))
                    .isEqualTo(-1));
  }

  @Test
  void theOtherNameNodeIsAskedWhenItBecomesTheActiveOne() {
    ShardStore store = store();
    byte[] bytes = random(1000);
    store.putIfAbsent(base + "before", MemorySegment.ofArray(bytes));
    say("active 1");
    try {
      assertThat(store.head(base + "before").size()).isEqualTo(bytes.length);
      assertThat(store.putIfAbsent(base + "after", MemorySegment.ofArray(bytes))).isTrue();
      assertThat(store.putIfAbsent(base + "before", MemorySegment.ofArray(bytes))).isFalse();
    } finally {
      say("active 0");
    }
    byte[] read = new byte[bytes.length];
    store.read(
        base + "after",
        Optional.of(store.head(base + "after").etag()),
        new ByteRange(0, read.length),
        MemorySegment.ofArray(read));
    assertThat(read).isEqualTo(bytes);
  }

  @Test
  void withoutAnActiveNameNodeTryingAgainMayHelp() {
    ShardStore standby = store(HdfsSettings.of(List.of(nameNode(1)), "/sluice", superuser()));
    StorageException e = failure(() -> standby.head(base + "object"));
    assertThat(e).isInstanceOf(TransientStorageException.class);
    assertThat(e).hasMessageContaining("StandbyException");
  }

  @Test
  void whoMayNotIsForbidden() {
    put(base + "object", random(10));
    ShardStore stranger = storeOf("stranger", "/sluice");
    MemorySegment one = MemorySegment.ofArray(new byte[1]);
    assertThat(stranger.head(base + "object").size()).isEqualTo(10);
    assertThat(
            List.of(
                failure(() -> stranger.putIfAbsent(base + "other", one)),
                failure(() -> stranger.delete(base + "object"))))
        .allSatisfy(
            e -> {
              assertThat(e.kind()).isEqualTo(ErrorKind.FORBIDDEN);
              assertThat(e.code()).isEqualTo("access-denied");
            });
    say("mode /sluice/" + base + "object 600");
    assertThat(
            failure(
                    () ->
                        stranger.read(base + "object", Optional.empty(), new ByteRange(0, 1), one))
                .kind())
        .isEqualTo(ErrorKind.FORBIDDEN);
  }

  @Test
  void aRenameOfWhichTheAnswerIsLostIsKnownToHaveHappened() throws IOException {
    try (FaultyProxy proxy = new FaultyProxy(nameNode(0));
        ShardStore store = storeAt(proxy.endpoint())) {
      byte[] bytes = random(2 << 20);
      put(base + "neighbour", random(1));
      proxy.plan(request -> request.path().contains("op=RENAME"), new Fault.LoseAnswer());
      assertThat(store.putIfAbsent(base + "object", MemorySegment.ofArray(bytes))).isTrue();
      assertThat(read(base + "object")).isEqualTo(bytes);
      assertThat(proxy.seen()).filteredOn(r -> r.path().contains("op=RENAME")).hasSize(1);
    }
  }

  @Test
  void whatAKilledWriterLeftIsListedAndGivenUp() throws IOException {
    HdfsSettings settings = HdfsSettings.of(nameNodes(), "/sluice", superuser());
    String key = base + "shards/a:b.safetensors";
    HdfsNames names = new HdfsNames("/sluice");
    new WebHdfs(transport, settings)
        .create(names.tempPath(key, "00112233445566ff"), MemorySegment.ofArray(random(10)));
    List<UnfinishedWrite> found = new ArrayList<>();
    store().unfinished(base + "sha", found::add);
    assertThat(found).hasSize(1);
    assertThat(found.getFirst().key()).isEqualTo(key);
    assertThat(list(base)).isEmpty();
    assertThat(list("")).doesNotContainKey(HdfsNames.TEMP);
    List<UnfinishedWrite> others = new ArrayList<>();
    store().unfinished(base + "other", others::add);
    assertThat(others).isEmpty();

    put(key, random(20));
    store().abandon(found.getFirst());
    store().abandon(found.getFirst());
    found.clear();
    store().unfinished(base, found::add);
    assertThat(found).isEmpty();
    assertThat(read(key)).isEqualTo(random(20));
  }

  @Test
  void aFileIsNoFolder() {
    put(base + "object", random(1));
    MemorySegment one = MemorySegment.ofArray(new byte[1]);
    assertThat(
            List.of(
                failure(() -> store().putIfAbsent(base + "object/behind", one)),
                failure(() -> store().putIfAbsent(base.substring(0, base.length() - 1), one))))
        .allSatisfy(
            e -> {
              assertThat(e.code()).isEqualTo("key-blocked");
              assertThat(e.kind()).isEqualTo(ErrorKind.INVALID);
            });
    assertThat(failure(() -> store().head(base + "object/behind")).kind())
        .isEqualTo(ErrorKind.MISSING);
    assertThat(failure(() -> store().head(base.substring(0, base.length() - 1))).kind())
        .isEqualTo(ErrorKind.MISSING);
    store().delete(base + "object/behind");
    store().delete(base.substring(0, base.length() - 1));
    assertThat(list(base)).containsOnlyKeys(base + "object");
    List<UnfinishedWrite> left = new ArrayList<>();
    store().unfinished(base, left::add);
    assertThat(left).isEmpty();
  }

  @Test
  void keysThatHdfsCannotHaveAreRefused() {
    MemorySegment one = MemorySegment.ofArray(new byte[1]);
    assertThat(failure(() -> store().putIfAbsent(base + "x".repeat(239), one)).code())
        .isEqualTo("key-unsupported");
    assertThat(failure(() -> store().head(".sluice-tmp/key")).code()).isEqualTo("key-reserved");
    put(base + ".snapshot", random(1));
    put(base + ".reserved/raw", random(2));
    assertThat(list(base)).containsOnlyKeys(base + ".snapshot", base + ".reserved/raw");
  }

  @Test
  void theWholeFileSystemMayBeTheStore() {
    ShardStore all = storeOf(superuser(), "/");
    String key = base + "top";
    assertThat(all.putIfAbsent(key, MemorySegment.ofArray(random(5)))).isTrue();
    assertThat(all.head(key).size()).isEqualTo(5);
    List<String> listed = new ArrayList<>();
    all.list(base, info -> listed.add(info.key()));
    assertThat(listed).containsExactly(key);
  }
}
