package io.sluice.storage.cassandra.driver;

import static org.assertj.core.api.Assertions.assertThat;

import com.datastax.oss.driver.api.core.CqlSession;
import io.sluice.model.ByteRange;
import io.sluice.model.ErrorKind;
import io.sluice.servers.RealServer;
import io.sluice.servers.ServerProcess;
import io.sluice.storage.RetryPolicy;
import io.sluice.storage.RetryingShardStore;
import io.sluice.storage.ShardStore;
import io.sluice.storage.ShardStoreKit;
import io.sluice.storage.StorageException;
import io.sluice.storage.UnfinishedWrite;
import io.sluice.storage.cassandra.CassandraSettings;
import io.sluice.storage.cassandra.CassandraStores;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** On a real Cassandra of one node. */
class CassandraShardStoreTest extends ShardStoreKit {
  private static final RetryPolicy IMPATIENT =
      new RetryPolicy(2, Duration.ofMillis(10), Duration.ofMillis(50), Duration.ofSeconds(20));

  private static ServerProcess server;
  private static ShardStore store;
  private static CqlSession session;

  @BeforeAll
  static void start() {
    RealServer.CASSANDRA.assumeThere();
    server = ServerProcess.start(RealServer.CASSANDRA, Map.of());
    store = CassandraStores.find().open(settings("sluice", true), IMPATIENT);
    session =
        CqlSession.builder()
            .addContactPoint(new InetSocketAddress("127.0.0.1", server.port("port")))
            .withLocalDatacenter("datacenter1")
            .build();
  }

  @AfterAll
  static void stop() {
    if (session != null) {
      session.close();
    }
    if (store != null) {
      store.close();
    }
    if (server != null) {
      server.close();
    }
  }

  private static CassandraSettings settings(String keyspace, boolean createSchema) {
    return new CassandraSettings(
        List.of(CassandraSettings.contactPoint("127.0.0.1:" + server.port("port"))),
        "datacenter1",
        keyspace,
        CassandraSettings.Consistency.LOCAL_QUORUM,
        createSchema,
        Map.of("datacenter1", 1),
        Optional.empty(),
        Optional.empty(),
        4,
        Duration.ofSeconds(20));
  }

  /** As it is used: a loaded node closes connections and gives transactions up now and then. */
  @Override
  protected ShardStore store() {
    return new RetryingShardStore(store, RetryPolicy.DEFAULT);
  }

  @Override
  protected ShardStore adapter() {
    return store;
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

  // ---- rows

  @Test
  void rangesCrossRowsAndPartitions() {
    int row = CassandraShardStore.ROW_BYTES;
    int bucket = CassandraShardStore.BUCKET_ROWS * row;
    byte[] bytes = random(bucket + 2 * row + 17);
    put(base + "object", bytes);
    int[] edges = {0, 1, row - 1, row, row + 1, bucket - 1, bucket, bucket + 1, bytes.length};
    for (int begin : edges) {
      for (int end : edges) {
        if (begin < end) {
          MemorySegment target = MemorySegment.ofArray(new byte[end - begin]);
          store().read(base + "object", Optional.empty(), ByteRange.between(begin, end), target);
          assertThat(
                  MemorySegment.mismatch(
                      target, 0, end - begin, MemorySegment.ofArray(bytes), begin, end))
              .as("[%d, %d)", begin, end)
              .isEqualTo(-1);
        }
      }
    }
  }

  @Test
  void aRowThatIsLostIsNamed() {
    put(base + "object", random(2 * CassandraShardStore.ROW_BYTES));
    UUID id = UUID.fromString(store().head(base + "object").etag());
    session.execute("DELETE FROM sluice.chunks WHERE id = ? AND bucket = 0 AND n = 1", id);
    StorageException e = failure(() -> read(base + "object"));
    assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT);
    assertThat(e).hasMessageContaining("row 1 of object '" + base + "object'");
  }

  @Test
  void whatIsDeletedLeavesNoRows() {
    put(base + "object", random(3 * CassandraShardStore.ROW_BYTES));
    UUID id = UUID.fromString(store().head(base + "object").etag());
    assertThat(rows(id)).isEqualTo(3);
    assertThat(store().putIfAbsent(base + "object", MemorySegment.ofArray(new byte[5]))).isFalse();
    store().delete(base + "object");
    assertThat(rows(id)).isZero();
    assertThat(unfinished()).isEmpty();
    assertThat(session.execute("SELECT key FROM sluice.keys").all())
        .noneMatch(row -> row.getString("key").startsWith(base));
  }

  // ---- unfinished writes

  @Test
  void whatACrashedWriterLeftIsFoundAndCanBeGivenUp() {
    // As it is after the rows of a write, and before it is published.
    put(base + "object", random(2 * CassandraShardStore.ROW_BYTES));
    UUID id = UUID.fromString(store().head(base + "object").etag());
    session.execute("DELETE FROM sluice.objects WHERE key = ?", base + "object");
    assertThat(list(base)).isEmpty();
    List<UnfinishedWrite> found = unfinished();
    assertThat(found).hasSize(1);
    assertThat(found.getFirst().key()).isEqualTo(base + "object");
    assertThat(found.getFirst().id()).isEqualTo(id.toString());

    store().abandon(found.getFirst());
    assertThat(rows(id)).isZero();
    assertThat(unfinished()).isEmpty();
    store().abandon(found.getFirst());
    put(base + "object", random(10));
    assertThat(read(base + "object")).isEqualTo(random(10));
  }

  @Test
  void whatIsPublishedCannotBeGivenUp() {
    put(base + "object", random(10));
    String id = store().head(base + "object").etag();
    store()
        .abandon(
            new UnfinishedWrite(base + "object", id, store().head(base + "object").lastModified()));
    assertThat(read(base + "object")).isEqualTo(random(10));
  }

  private List<UnfinishedWrite> unfinished() {
    List<UnfinishedWrite> all = new ArrayList<>();
    store().unfinished(base, all::add);
    return all;
  }

  // ---- schema

  @Test
  void aMissingSchemaIsNamedAndNotMade() {
    try (ShardStore wrong = CassandraStores.find().open(settings("not_there", false), IMPATIENT)) {
      StorageException e = failure(() -> wrong.head("object"));
      assertThat(e.kind()).isEqualTo(ErrorKind.MISSING);
      assertThat(e.code()).isEqualTo("schema-missing");
      assertThat(e).hasMessageContaining("'not_there'");
    }
    assertThat(
            session
                .execute("SELECT * FROM system_schema.keyspaces WHERE keyspace_name = 'not_there'")
                .one())
        .isNull();
  }

  @Test
  void aDataCenterThatIsNotThereIsRefused() {
    CassandraSettings there = settings("sluice", false);
    CassandraSettings elsewhere =
        new CassandraSettings(
            there.contactPoints(),
            "elsewhere",
            "sluice",
            there.consistency(),
            false,
            Map.of(),
            Optional.empty(),
            Optional.empty(),
            4,
            Duration.ofSeconds(5));
    try (ShardStore wrong = CassandraStores.find().open(elsewhere, IMPATIENT)) {
      assertThat(failure(() -> wrong.head("object"))).hasMessageContaining("Cassandra");
    }
  }

  private long rows(UUID id) {
    return session
        .execute("SELECT count(*) FROM sluice.chunks WHERE id = ? AND bucket = 0", id)
        .one()
        .getLong(0);
  }
}
