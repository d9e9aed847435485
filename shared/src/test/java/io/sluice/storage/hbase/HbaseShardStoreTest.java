package io.sluice.storage.hbase;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.http.HttpTransport;
import io.sluice.http.TransportSettings;
import io.sluice.model.ErrorKind;
import io.sluice.servers.RealServer;
import io.sluice.servers.ServerProcess;
import io.sluice.storage.RetryPolicy;
import io.sluice.storage.RetryingShardStore;
import io.sluice.storage.ShardStore;
import io.sluice.storage.ShardStoreKit;
import io.sluice.storage.StorageException;
import io.sluice.storage.UnfinishedWrite;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Against a real HBase. What is killed and started again is a REST gateway, of which a store knows
 * several: whether HBase itself comes back with all its data is up to HDFS below it, which is not
 * there.
 */
class HbaseShardStoreTest extends ShardStoreKit {
  private static HttpTransport transport;
  private static ServerProcess server;
  private static ServerProcess gateway;

  @BeforeAll
  static void start() {
    RealServer.HBASE.assumeThere();
    transport = new HttpTransport(TransportSettings.defaults());
    server = ServerProcess.start(RealServer.HBASE, Map.of());
    gateway =
        ServerProcess.start(
            RealServer.HBASE, Map.of("gateway", "true", "zookeeper", server.value("zookeeper")));
  }

  @AfterAll
  static void stop() {
    if (gateway != null) {
      gateway.close();
    }
    if (server != null) {
      server.close();
      transport.close();
    }
  }

  private static URI gateway() {
    return URI.create("http://127.0.0.1:" + gateway.port("rest"));
  }

  private static HbaseShardStore store(URI gateway, String table, boolean create) {
    return new HbaseShardStore(transport, new HbaseSettings(List.of(gateway), table, create, 4));
  }

  @Override
  protected ShardStore store() {
    return store(gateway(), "sluice", true);
  }

  @Override
  protected boolean hasServer() {
    return true;
  }

  @Override
  protected void kill() {
    gateway.kill();
  }

  @Override
  protected void restart() {
    gateway.start();
  }

  @Override
  protected Optional<URI> httpEndpoint() {
    return Optional.of(gateway());
  }

  @Override
  protected ShardStore storeAt(URI endpoint) {
    return store(endpoint, "sluice", true);
  }

  private static String say(String command) {
    String answer = server.say(command);
    assertThat(answer).as(command).startsWith("ok");
    return answer;
  }

  @Test
  void aTableThatIsSplitIsUsedAllOver() {
    say("create split 4 h:NEW_VERSION_BEHAVIOR d");
    ShardStore split = store(gateway(), "split", false);
    byte[] bytes = random(16 * HbaseRows.CELL + 5);
    assertThat(split.putIfAbsent("object", MemorySegment.ofArray(bytes))).isTrue();
    assertThat(say("regions split")).isEqualTo("ok 4");
    // 17 cells and the row of the key.
    assertThat(say("rows split")).isEqualTo("ok 18");
    split.delete("object");
    assertThat(say("rows split")).isEqualTo("ok 0");
  }

  @Test
  void aRegionMayBeSplitWhileObjectsAreWrittenAndRead() throws Exception {
    say("create growing 1 h:NEW_VERSION_BEHAVIOR d");
    ShardStore growing =
        new RetryingShardStore(store(gateway(), "growing", false), RetryPolicy.DEFAULT);
    byte[] bytes = random(4 * HbaseRows.CELL + 5);
    AtomicBoolean split = new AtomicBoolean();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<Integer> writer =
          threads.submit(
              () -> {
                int written = 0;
                for (int after = 0; after < 2; after += split.get() ? 1 : 0) {
                  String key = "object-" + written++;
                  assertThat(growing.putIfAbsent(key, MemorySegment.ofArray(bytes))).isTrue();
                  assertThat(read(growing, key)).isEqualTo(bytes);
                }
                return written;
              });
      try {
        say("split growing 80");
      } finally {
        split.set(true);
      }
      int written = writer.get();
      assertThat(say("regions growing")).isEqualTo("ok 2");
      for (int i = 0; i < written; i++) {
        assertThat(read(growing, "object-" + i)).isEqualTo(bytes);
      }
    }
  }

  @Test
  void aTableThatIsMissingIsNotMadeUnlessAllowed() {
    StorageException e = failure(() -> store(gateway(), "nowhere", false).head(base + "object"));
    assertThat(e.kind()).isEqualTo(ErrorKind.MISSING);
    assertThat(e.code()).isEqualTo("table-missing");
  }

  @Test
  void manyMakeTheTableAtOnce() throws Exception {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Boolean>> puts = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        MemorySegment bytes = MemorySegment.ofArray(random(i));
        String key = base + i;
        puts.add(threads.submit(() -> store(gateway(), "raced", true).putIfAbsent(key, bytes)));
      }
      for (Future<Boolean> put : puts) {
        assertThat(put.get()).isTrue();
      }
    }
  }

  @Test
  void aTableOfAnotherShapeIsRefused() {
    say("create other 1 h d");
    StorageException e = failure(() -> store(gateway(), "other", true).head(base + "object"));
    assertThat(e.code()).isEqualTo("table-invalid");
  }

  @Test
  void whatAKilledWriterLeftIsListedAndGivenUp() throws IOException {
    String key = base + "object";
    ShardStore store = store();
    store.list(base, info -> {}); // makes the table
    HbaseRest rest =
        new HbaseRest(transport, new HbaseSettings(List.of(gateway()), "sluice", true, 4));
    String row = HbaseRows.ofKey(key);
    for (String state : List.of("w", "p", "d")) {
      String id =
          state.equals("w") ? "1".repeat(16) : state.equals("p") ? "2".repeat(16) : "3".repeat(16);
      rest.put(row, "h:u" + id, state + " 5");
      rest.write(HbaseRows.ofCell(id, 0), "d:c", MemorySegment.ofArray(random(5)));
    }
    assertThat(list(base)).isEmpty();
    List<UnfinishedWrite> found = new ArrayList<>();
    store.unfinished(base, found::add);
    assertThat(found).hasSize(3).allMatch(write -> write.key().equals(key));
    found.forEach(store::abandon);
    found.forEach(store::abandon);
    List<UnfinishedWrite> left = new ArrayList<>();
    store.unfinished(base, left::add);
    assertThat(left).isEmpty();
    assertThat(rest.read(HbaseRows.ofCell("1".repeat(16), 0), "d:c")).isEmpty();
    assertThat(rest.read(HbaseRows.ofCell("3".repeat(16), 0), "d:c")).isEmpty();
    // The one that was about to be published was.
    assertThat(read(key)).isEqualTo(random(5));
  }

  @Test
  void aCellThatIsMissingIsAnError() throws IOException {
    byte[] bytes = random(3 * HbaseRows.CELL);
    put(base + "object", bytes);
    String id = store().head(base + "object").etag().substring(0, HbaseRows.ID);
    new HbaseRest(transport, new HbaseSettings(List.of(gateway()), "sluice", true, 4))
        .delete(HbaseRows.ofCell(id, 1), "d:c");
    StorageException e = failure(() -> read(base + "object"));
    assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT);
    assertThat(e.code()).isEqualTo("object-corrupt");
  }
}
