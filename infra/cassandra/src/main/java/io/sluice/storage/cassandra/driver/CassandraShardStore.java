package io.sluice.storage.cassandra.driver;

import com.datastax.oss.driver.api.core.cql.AsyncResultSet;
import com.datastax.oss.driver.api.core.cql.Row;
import com.datastax.oss.driver.api.core.uuid.Uuids;
import io.sluice.model.ByteRange;
import io.sluice.model.ErrorKind;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ObjectKeys;
import io.sluice.storage.ReadObserver;
import io.sluice.storage.RetryPolicy;
import io.sluice.storage.RetryingCall;
import io.sluice.storage.SegmentFiller;
import io.sluice.storage.ShardStore;
import io.sluice.storage.StorageException;
import io.sluice.storage.TransientStorageException;
import io.sluice.storage.UnfinishedWrite;
import io.sluice.storage.cassandra.CassandraSettings;
import io.sluice.storage.cassandra.driver.CassandraConnection.Statement;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;

/**
 * Objects as rows of Cassandra.
 *
 * <p>Each write has an identifier of its own, under which its bytes lie in rows of {@value
 * #ROW_BYTES} bytes, in partitions of {@value #BUCKET_ROWS} rows: however often a row is sent, it
 * is the same row. When all are there, a light-weight transaction makes the write the current one
 * of its key, if there is none; readers see only that. So of many writers one wins, and nobody sees
 * half an object. The rows of who lost are deleted.
 *
 * <p>A table of keys, in {@value #SHELVES} partitions, names every write from before its first to
 * after its last byte. It is what listings go through, and where the rows of writers that crashed
 * are found ({@link #unfinished}); giving such a write up also is a transaction, which keeps it
 * from ever being published.
 *
 * <p>Deleting takes the key away, then the rows, by partitions; nothing expires by itself.
 */
final class CassandraShardStore implements ShardStore {
  static final int ROW_BYTES = 1 << 20;
  static final int BUCKET_ROWS = 32;

  /** Partitions of the table of keys; all are asked by every listing. */
  static final int SHELVES = 16;

  /** Objects that a listing asks for at a time. */
  private static final int LOOK_UPS = 64;

  private final CassandraConnection cassandra;
  private final RetryPolicy retry;
  private final int window;
  private final String name;

  CassandraShardStore(CassandraSettings settings, RetryPolicy retry) {
    this.cassandra = new CassandraConnection(settings);
    this.retry = Objects.requireNonNull(retry, "retry");
    this.window = settings.window();
    this.name = "cassandra://" + settings.contactPoints().getFirst() + "/" + settings.keyspace();
  }

  /** A write whose bytes are there. */
  private record Write(String key, UUID id, long size, int rowBytes) {
    int rows() {
      return Math.toIntExact(Math.ceilDiv(size, rowBytes));
    }

    int buckets() {
      return Math.ceilDiv(rows(), BUCKET_ROWS);
    }

    ObjectInfo info() {
      return new ObjectInfo(key, size, id.toString(), begun(id));
    }
  }

  private static Instant begun(UUID id) {
    return Instant.ofEpochMilli(Uuids.unixTimestamp(id));
  }

  /** What a key has: the identifier that is published, and the rows of its writes. */
  private record Published(Optional<Write> current, List<UUID> settled) {
    static Published of(String key, AsyncResultSet answer) {
      Optional<Write> current = Optional.empty();
      List<UUID> settled = new ArrayList<>();
      for (Row row : answer.currentPage()) {
        UUID id = row.getUuid("id");
        if (id != null) {
          settled.add(id);
          if (id.equals(row.getUuid("current"))) {
            current = Optional.of(new Write(key, id, row.getLong("size"), row.getInt("row_bytes")));
          }
        }
      }
      return new Published(current, settled);
    }
  }

  private Optional<Write> current(String key) {
    return Published.of(key, cassandra.ask(key, Statement.SELECT_OBJECT, key)).current();
  }

  /** After all transactions that are under way. */
  private Published settled(String key) {
    return Published.of(key, cassandra.askSerially(key, Statement.SELECT_OBJECT, key));
  }

  private Write existing(String key) {
    ObjectKeys.check(key);
    return current(key).orElseThrow(() -> StorageException.missing(key, null));
  }

  @Override
  public ObjectInfo head(String key) {
    return existing(key).info();
  }

  // ---- reading

  @Override
  public void read(
      String key,
      Optional<String> etag,
      ByteRange range,
      MemorySegment target,
      ReadObserver observer) {
    ObjectKeys.check(key);
    SegmentFiller filler = new SegmentFiller(key, range, target);
    if (range.length() == 0) {
      return;
    }
    Write write = existing(key);
    if (etag.isPresent() && !etag.get().equals(write.id().toString())) {
      throw StorageException.changed(key, null);
    }
    if (range.end() > write.size()) {
      throw StorageException.rangeInvalid(key, range, write.size());
    }
    observer.answered(write.id().toString());
    try {
      fill(write, range, filler, observer);
    } catch (TransientStorageException e) {
      throw e.throttled()
          ? e
          : new TransientStorageException(key, filler.transferred(), e.getMessage(), e);
    }
  }

  private void fill(Write write, ByteRange range, SegmentFiller filler, ReadObserver observer) {
    int next = Math.toIntExact(range.offset() / write.rowBytes());
    int last = Math.toIntExact((range.end() - 1) / write.rowBytes());
    Deque<CompletionStage<AsyncResultSet>> underWay = new ArrayDeque<>();
    for (int n = next; n <= last; n++) {
      while (next <= last && underWay.size() < window) {
        underWay.add(sendChunk(write, next++));
      }
      ByteBuffer bytes = bytes(write, n, underWay.remove());
      long begin = (long) n * write.rowBytes();
      int from = Math.toIntExact(Math.max(0, range.offset() - begin));
      int to = Math.toIntExact(Math.min(bytes.remaining(), range.end() - begin));
      filler.put(bytes.slice(bytes.position() + from, to - from));
      observer.received(filler.transferred());
    }
  }

  private CompletionStage<AsyncResultSet> sendChunk(Write write, int n) {
    return cassandra.send(write.key(), Statement.SELECT_CHUNK, write.id(), n / BUCKET_ROWS, n);
  }

  private ByteBuffer bytes(Write write, int n, CompletionStage<AsyncResultSet> answer) {
    Row row = CassandraConnection.await(write.key(), answer).one();
    ByteBuffer bytes = row == null ? null : row.getByteBuffer("data");
    long expected = Math.min(write.rowBytes(), write.size() - (long) n * write.rowBytes());
    if (bytes != null && bytes.remaining() == expected) {
      return bytes;
    }
    if (current(write.key()).filter(write::equals).isEmpty()) {
      throw StorageException.changed(write.key(), null);
    }
    throw new StorageException(
        ErrorKind.CORRUPT,
        "object-corrupt",
        write.key(),
        "row "
            + n
            + " of object '"
            + write.key()
            + "' "
            + (bytes == null ? "is missing" : "has " + bytes.remaining() + " bytes")
            + ", it should have "
            + expected,
        null);
  }

  // ---- writing

  @Override
  public boolean putIfAbsent(String key, MemorySegment bytes) {
    ObjectKeys.check(key);
    if (current(key).isPresent()) {
      return false;
    }
    Write write = new Write(key, Uuids.timeBased(), bytes.byteSize(), ROW_BYTES);
    cassandra.ask(
        key, Statement.INSERT_KEY, shelf(key), key, write.id(), write.size(), write.rowBytes());
    boolean mine;
    try {
      insert(write, bytes);
      mine = publish(write);
    } catch (UnknownOutcome e) {
      // It may be published yet: its rows have to stay. If it is not, they are found as unfinished.
      throw e.failure;
    } catch (RuntimeException e) {
      try {
        discard(write);
      } catch (StorageException left) {
        e.addSuppressed(left); // found as unfinished
      }
      throw e;
    }
    if (!mine) {
      discard(write);
    }
    return mine;
  }

  /** Sends the rows, a few at a time, and a row that did not arrive again. */
  private void insert(Write write, MemorySegment bytes) {
    record Sent(int n, CompletionStage<AsyncResultSet> answer) {}
    Deque<Sent> underWay = new ArrayDeque<>();
    try {
      for (int n = 0; n < write.rows() || !underWay.isEmpty(); ) {
        if (n < write.rows() && underWay.size() < window) {
          underWay.add(new Sent(n, sendRow(write, n, bytes)));
          n++;
        } else {
          Sent sent = underWay.remove();
          try {
            CassandraConnection.await(write.key(), sent.answer());
          } catch (TransientStorageException e) {
            RetryingCall.call(
                retry,
                () -> CassandraConnection.await(write.key(), sendRow(write, sent.n(), bytes)));
          }
        }
      }
    } finally {
      // Nothing may arrive after the rows of a write that failed were deleted.
      underWay.forEach(
          sent -> sent.answer().handle((answer, e) -> answer).toCompletableFuture().join());
    }
  }

  /** The bytes are copied: the driver may hold on to them for longer than this call lasts. */
  private CompletionStage<AsyncResultSet> sendRow(Write write, int n, MemorySegment bytes) {
    long begin = (long) n * write.rowBytes();
    byte[] row = new byte[(int) Math.min(write.rowBytes(), write.size() - begin)];
    MemorySegment.copy(bytes, begin, MemorySegment.ofArray(row), 0, row.length);
    return cassandra.send(
        write.key(), Statement.INSERT_CHUNK, write.id(), n / BUCKET_ROWS, n, ByteBuffer.wrap(row));
  }

  /**
   * Whether the write now is what its key has. Among many writers a transaction may not come to an
   * end; making it again is safe, since it names the same write.
   *
   * @throws UnknownOutcome if that cannot be found out
   */
  private boolean publish(Write write) {
    try {
      return RetryingCall.call(retry, () -> publishOnce(write));
    } catch (TransientStorageException e) {
      throw new UnknownOutcome(e);
    }
  }

  private boolean publishOnce(Write write) {
    String key = write.key();
    if (current(key).isPresent()) {
      return published(write, null);
    }
    try {
      if (cassandra
          .ask(
              key,
              Statement.PUBLISH,
              write.id(),
              key,
              key,
              write.id(),
              write.size(),
              write.rowBytes())
          .wasApplied()) {
        return true;
      }
    } catch (TransientStorageException e) {
      return published(write, e);
    }
    return published(write, null);
  }

  /**
   * Finds out what became of the transaction.
   *
   * @param unknown why its answer was lost; null if it was refused
   */
  private boolean published(Write write, TransientStorageException unknown) {
    Published there = settled(write.key());
    if (there.current().isPresent()) {
      return there.current().get().id().equals(write.id());
    }
    if (there.settled().contains(write.id()) || unknown == null) {
      throw new StorageException(
          ErrorKind.CONFLICT,
          "write-abandoned",
          write.key(),
          "the write of '" + write.key() + "' was given up meanwhile",
          null);
    }
    throw unknown;
  }

  /** The write may be published or not, now or later. */
  private static final class UnknownOutcome extends RuntimeException {
    private final transient TransientStorageException failure;

    UnknownOutcome(TransientStorageException failure) {
      super(failure);
      this.failure = failure;
    }
  }

  /** Deletes the rows of a write that is not published, its key at last. */
  private void discard(Write write) {
    List<CompletionStage<AsyncResultSet>> underWay = new ArrayList<>();
    for (int bucket = 0; bucket < write.buckets(); bucket++) {
      underWay.add(cassandra.send(write.key(), Statement.DELETE_BUCKET, write.id(), bucket));
      if (underWay.size() == LOOK_UPS || bucket == write.buckets() - 1) {
        underWay.forEach(answer -> CassandraConnection.await(write.key(), answer));
        underWay.clear();
      }
    }
    cassandra.ask(write.key(), Statement.DELETE_KEY, shelf(write.key()), write.key(), write.id());
  }

  @Override
  public void delete(String key) {
    ObjectKeys.check(key);
    Optional<Write> there = settled(key).current();
    if (there.isPresent()) {
      Write write = there.get();
      // If it was not applied, somebody else has deleted it.
      cassandra.ask(key, Statement.WITHDRAW, key, write.id(), key, write.id());
      discard(write);
    }
  }

  // ---- listing

  @Override
  public void list(String prefix, Consumer<ObjectInfo> each) {
    eachWrite(
        prefix,
        (write, published) -> {
          if (published) {
            each.accept(write.info());
          }
        });
  }

  /** Writes whose key has not got them: they go on, were lost in a race, or their writer died. */
  @Override
  public void unfinished(String prefix, Consumer<UnfinishedWrite> each) {
    eachWrite(
        prefix,
        (write, published) -> {
          if (!published) {
            each.accept(new UnfinishedWrite(write.key(), write.id().toString(), begun(write.id())));
          }
        });
  }

  @Override
  public void abandon(UnfinishedWrite unfinished) {
    String key = unfinished.key();
    UUID id;
    try {
      id = UUID.fromString(unfinished.id());
    } catch (IllegalArgumentException e) {
      throw StorageException.invalid(
          "write-unknown", key, "'" + unfinished.id() + "' identifies no write of '" + key + "'");
    }
    Row row = cassandra.ask(key, Statement.SELECT_KEY, shelf(key), key, id).one();
    if (row == null) {
      return;
    }
    cassandra.ask(key, Statement.GIVE_UP, key, id);
    if (settled(key).current().filter(write -> write.id().equals(id)).isEmpty()) {
      discard(new Write(key, id, row.getLong("size"), row.getInt("row_bytes")));
    }
  }

  @FunctionalInterface
  private interface WriteConsumer {
    void accept(Write write, boolean published);
  }

  private void eachWrite(String prefix, WriteConsumer each) {
    ObjectKeys.checkPrefix(prefix);
    List<CompletionStage<AsyncResultSet>> shelves = new ArrayList<>();
    for (int shelf = 0; shelf < SHELVES; shelf++) {
      shelves.add(cassandra.send(prefix, Statement.SELECT_KEYS, shelf, prefix));
    }
    for (CompletionStage<AsyncResultSet> shelf : shelves) {
      AsyncResultSet page = CassandraConnection.await(prefix, shelf);
      while (eachOnPage(prefix, page, each) && page.hasMorePages()) {
        page = CassandraConnection.await(prefix, page.fetchNextPage());
      }
    }
  }

  /** Whether keys behind this page may begin with the prefix. */
  private boolean eachOnPage(String prefix, AsyncResultSet page, WriteConsumer each) {
    Deque<Write> writes = new ArrayDeque<>();
    Deque<CompletionStage<AsyncResultSet>> answers = new ArrayDeque<>();
    boolean more = true;
    for (Row row : page.currentPage()) {
      String key = row.getString("key");
      if (!key.startsWith(prefix)) {
        more = false; // they are sorted
        break;
      }
      writes.add(new Write(key, row.getUuid("id"), row.getLong("size"), ROW_BYTES));
      answers.add(cassandra.send(key, Statement.SELECT_OBJECT, key));
      if (answers.size() == LOOK_UPS) {
        tell(writes.remove(), answers.remove(), each);
      }
    }
    while (!answers.isEmpty()) {
      tell(writes.remove(), answers.remove(), each);
    }
    return more;
  }

  private static void tell(
      Write listed, CompletionStage<AsyncResultSet> answer, WriteConsumer each) {
    Published there = Published.of(listed.key(), CassandraConnection.await(listed.key(), answer));
    each.accept(listed, there.current().filter(w -> w.id().equals(listed.id())).isPresent());
  }

  private static int shelf(String key) {
    return Math.floorMod(key.hashCode(), SHELVES);
  }

  @Override
  public void close() {
    cassandra.close();
  }

  @Override
  public String toString() {
    return name;
  }
}
