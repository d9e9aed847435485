package io.sluice.storage.hbase;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.http.HttpAnswer;
import io.sluice.http.HttpFailure;
import io.sluice.http.HttpTransport;
import io.sluice.model.ByteRange;
import io.sluice.model.ErrorKind;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ReadObserver;
import io.sluice.storage.SegmentFiller;
import io.sluice.storage.ShardStore;
import io.sluice.storage.StorageException;
import io.sluice.storage.TransientStorageException;
import io.sluice.storage.UnfinishedWrite;
import io.sluice.storage.rest.RestErrors;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Objects as cells of 1 MiB in a table of HBase, over its REST gateway.
 *
 * <p>Every write has an id of its own, under which its cells lie. When all of them are there, the
 * row of the key is given the id and the size, by a check-and-put that succeeds if the row has
 * none: so readers see all or nothing, and of many writers one wins. Before the first cell is
 * written the row says that the write was begun, so that nothing is left that nobody knows of;
 * deleting does the same, in the other direction.
 *
 * <pre>
 * k&lt;key&gt;            h:o      1 &lt;id&gt; &lt;size&gt;           the object
 *                   h:u&lt;id&gt;  w|p|d|a &lt;size&gt;         a write (begun, about to be published), a deletion
 * &lt;xx&gt;&lt;id&gt;&lt;number&gt;  d:c      up to 1 MiB             a cell; xx spreads them over regions
 * </pre>
 *
 * <p>The table has the families {@code h} and {@code d}; {@code h} has {@code
 * NEW_VERSION_BEHAVIOR}, without which a cell that is written in the millisecond in which it was
 * deleted stays invisible. The table is made if it is not there and the settings allow it, in one
 * region: the gateway cannot split. Who wants it split from the start makes it in the shell of
 * HBase.
 *
 * <p>The etag of an object is the id of its write and its size. A read that pins it goes to the
 * cells at once; only if one is missing the row of the key is asked why.
 */
public final class HbaseShardStore implements ShardStore {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String OBJECT = "h:o";
  private static final String UNFINISHED = "h:u";
  private static final String CELL = "d:c";
  private static final int PAGE = 500;
  private static final Pattern VALUE = Pattern.compile("1 ([0-9a-f]{16}) (\\d{1,18})");
  private static final Pattern ETAG = Pattern.compile("([0-9a-f]{16})-(\\d{1,18})");
  private static final Pattern STATE = Pattern.compile("([wpda]) (\\d{1,18})");

  private final HbaseRest hbase;
  private final HbaseSettings settings;
  private final String where;
  private volatile boolean checked;

  /** The cells of an object. */
  private record Place(String id, long size) {
    static Optional<Place> of(Pattern pattern, String text) {
      Matcher matcher = pattern.matcher(text);
      return matcher.matches()
          ? Optional.of(new Place(matcher.group(1), Long.parseLong(matcher.group(2))))
          : Optional.empty();
    }

    String value() {
      return "1 " + id + " " + size;
    }

    String etag() {
      return id + "-" + size;
    }

    String unfinished() {
      return UNFINISHED + id;
    }

    String state(char state) {
      return state + " " + size;
    }
  }

  /**
   * @param transport stays open when this store is closed
   */
  public HbaseShardStore(HttpTransport transport, HbaseSettings settings) {
    this.hbase = new HbaseRest(Objects.requireNonNull(transport, "transport"), settings);
    this.settings = settings;
    this.where = "HBase table '" + settings.table() + "' at " + settings.gateways();
  }

  /** A request that may fail. */
  private interface Request<T> {
    T ask() throws IOException;
  }

  /** A request without an answer that may fail. */
  private interface Order {
    void give() throws IOException;
  }

  private <T> T ask(String key, Request<T> request) {
    checkTable(key);
    try {
      return request.ask();
    } catch (IOException e) {
      throw HbaseErrors.translate(key, where, e);
    }
  }

  private void tell(String key, Order order) {
    ask(
        key,
        () -> {
          order.give();
          return true;
        });
  }

  // ---- the table

  /** Looks once whether the table is as it has to be. */
  private void checkTable(String key) {
    if (checked) {
      return;
    }
    try {
      Optional<JsonNode> schema = hbase.schema();
      if (schema.isEmpty()) {
        if (!settings.create()) {
          throw new StorageException(
              ErrorKind.MISSING, "table-missing", key, "there is no " + where, null);
        }
        hbase.create(schemaOf(settings.table()));
        schema = hbase.schema();
      }
      checkSchema(key, schema.orElse(JSON.createObjectNode()));
      checked = true;
    } catch (IOException e) {
      throw HbaseErrors.translate(key, where, e);
    }
  }

  private static JsonNode schemaOf(String table) {
    ObjectNode schema = JSON.createObjectNode().put("name", table);
    var families = schema.putArray("ColumnSchema");
    families.addObject().put("name", "h").put("NEW_VERSION_BEHAVIOR", "true").put("VERSIONS", "1");
    // Weights hardly compress, and blocks of a MiB are of no use to the cache of small ones.
    families.addObject().put("name", "d").put("VERSIONS", "1").put("BLOCKCACHE", "false");
    return schema;
  }

  private void checkSchema(String key, JsonNode schema) {
    boolean versions = false;
    boolean cells = false;
    for (JsonNode family : schema.path("ColumnSchema")) {
      versions |=
          family.path("name").asText().equals("h")
              && family.path("NEW_VERSION_BEHAVIOR").asText().equalsIgnoreCase("true");
      cells |= family.path("name").asText().equals("d");
    }
    if (!versions || !cells) {
      throw StorageException.invalid(
          "table-invalid",
          key,
          where + " needs the families 'h', with NEW_VERSION_BEHAVIOR, and 'd'");
    }
  }

  // ---- reading

  @Override
  public ObjectInfo head(String key) {
    return look(key)
        .map(HbaseShardStore::info)
        .orElseThrow(() -> StorageException.missing(key, null));
  }

  /** What the row of a key says. */
  private record Found(String key, Place place, long written) {}

  private Optional<Found> look(String key) {
    String row = HbaseRows.ofKey(key);
    List<HbaseRest.Cell> cells = ask(key, () -> hbase.cells(row, OBJECT));
    return cells.stream().findFirst().map(cell -> found(key, cell));
  }

  private Found found(String key, HbaseRest.Cell cell) {
    return Place.of(VALUE, cell.value())
        .map(place -> new Found(key, place, cell.written()))
        .orElseThrow(
            () ->
                RestErrors.invalidAnswer(key, where, "its row says '" + cell.value() + "'", null));
  }

  private static ObjectInfo info(Found found) {
    return new ObjectInfo(
        found.key(),
        found.place().size(),
        found.place().etag(),
        Instant.ofEpochMilli(found.written()));
  }

  @Override
  public void read(
      String key,
      Optional<String> etag,
      ByteRange range,
      MemorySegment target,
      ReadObserver observer) {
    HbaseRows.ofKey(key);
    new SegmentFiller(key, range, target); // checks the target
    if (range.length() == 0) {
      return;
    }
    Place place =
        etag.flatMap(text -> Place.of(ETAG, text))
            .orElseGet(
                () -> {
                  Found found = look(key).orElseThrow(() -> StorageException.missing(key, null));
                  if (etag.isPresent()) {
                    throw StorageException.changed(key, null);
                  }
                  return found.place();
                });
    if (range.end() > place.size()) {
      // An etag of another object says nothing about this one.
      checkStill(key, place);
      throw StorageException.rangeInvalid(key, range, place.size());
    }
    observer.answered(place.etag());
    long first = range.offset() / HbaseRows.CELL;
    Progress progress = new Progress(range, observer);
    try {
      move(
          key,
          first,
          HbaseRows.cells(range.end()),
          target,
          number -> readCell(key, place, number, range, target),
          progress);
    } catch (TransientStorageException e) {
      throw new TransientStorageException(
          key, progress.received, e.retryAfter(), e.getMessage(), e);
    }
  }

  /** Tells how many leading bytes of a range are in place. */
  private static final class Progress implements LongConsumer {
    private final ByteRange range;
    private final ReadObserver observer;
    private long received;

    Progress(ByteRange range, ReadObserver observer) {
      this.range = range;
      this.observer = observer;
    }

    @Override
    public void accept(long number) {
      received = Math.min(range.end(), (number + 1) * HbaseRows.CELL) - range.offset();
      observer.received(received);
    }
  }

  private void readCell(
      String key, Place place, long number, ByteRange range, MemorySegment target) {
    long begin = number * HbaseRows.CELL;
    long length = Math.min(HbaseRows.CELL, place.size() - begin);
    long from = Math.max(begin, range.offset());
    long to = Math.min(begin + length, range.end());
    MemorySegment piece = target.asSlice(from - range.offset(), to - from);
    boolean whole = to - from == length;
    MemorySegment into = whole ? piece : MemorySegment.ofArray(new byte[(int) length]);
    String row = HbaseRows.ofCell(place.id(), number);
    Optional<HttpAnswer> found = ask(key, () -> hbase.read(row, CELL));
    if (found.isEmpty()) {
      checkStill(key, place);
      throw new StorageException(
          ErrorKind.CORRUPT,
          "object-corrupt",
          key,
          "cell " + number + " of object '" + key + "' is missing",
          null);
    }
    try (HttpAnswer answer = found.get()) {
      long came = answer.receive(into, bytes -> {});
      // Answers are chunked: their end is taken too, and the connection used again.
      if (came != length || answer.bytes(1).length != 0) {
        throw new TransientStorageException(
            key,
            0,
            "cell " + number + " of object '" + key + "' did not come with " + length + " bytes",
            null);
      }
    } catch (HttpFailure e) {
      throw RestErrors.unanswered(key, 0, where, e);
    }
    if (!whole) {
      MemorySegment.copy(into, from - begin, piece, 0, to - from);
    }
  }

  private void checkStill(String key, Place place) {
    Found now = look(key).orElseThrow(() -> StorageException.missing(key, null));
    if (!now.place().equals(place)) {
      throw StorageException.changed(key, null);
    }
  }

  /** Does something for many cells, which is interrupted as every request is. */
  private void move(
      String key,
      long first,
      long end,
      MemorySegment memory,
      LongConsumer work,
      LongConsumer done) {
    try {
      CellTransfer.run(first, end, memory, settings.parallelism(), work, done);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TransientStorageException(key, 0, "interrupted while moving '" + key + "'", e);
    }
  }

  // ---- writing

  @Override
  public boolean putIfAbsent(String key, MemorySegment bytes) {
    String row = HbaseRows.ofKey(key);
    if (look(key).isPresent()) {
      return false;
    }
    Place place =
        new Place(
            HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong()), bytes.byteSize());
    Outcome outcome = Outcome.NOT_STORED;
    try {
      tell(key, () -> hbase.put(row, place.unfinished(), place.state('w')));
      move(
          key,
          0,
          HbaseRows.cells(place.size()),
          bytes,
          number -> writeCell(key, place, number, bytes),
          number -> {});
      if (!ask(
          key, () -> hbase.putIf(row, place.unfinished(), place.state('w'), place.state('p')))) {
        throw new TransientStorageException(
            key, 0, "the unfinished write of '" + key + "' was given up by another", null);
      }
      outcome = Outcome.UNKNOWN;
      outcome = publish(key, row, place) ? Outcome.STORED : Outcome.NOT_STORED;
      return outcome == Outcome.STORED;
    } finally {
      finish(key, row, place, outcome);
    }
  }

  /** What became of a write; of an unknown one neither cells nor the note of it may be deleted. */
  private enum Outcome {
    STORED,
    NOT_STORED,
    UNKNOWN
  }

  private void writeCell(String key, Place place, long number, MemorySegment bytes) {
    long begin = number * HbaseRows.CELL;
    MemorySegment piece = bytes.asSlice(begin, Math.min(HbaseRows.CELL, place.size() - begin));
    tell(key, () -> hbase.write(HbaseRows.ofCell(place.id(), number), CELL, piece));
  }

  /** Whether this write has become the object; that of another one is there otherwise. */
  private boolean publish(String key, String row, Place place) {
    try {
      if (ask(key, () -> hbase.putIf(row, OBJECT, "", place.value()))) {
        return true;
      }
    } catch (TransientStorageException e) {
      // The answer may have got lost; the row knows.
      Optional<Found> there = look(key);
      if (there.isEmpty()) {
        throw e;
      }
    }
    return look(key).map(found -> found.place().equals(place)).orElse(false);
  }

  /** Tidies up behind a write; what cannot be tidied up stays listed as unfinished. */
  private void finish(String key, String row, Place place, Outcome outcome) {
    if (outcome == Outcome.UNKNOWN) {
      return;
    }
    try {
      if (outcome == Outcome.NOT_STORED) {
        deleteCells(key, place);
      }
      tell(key, () -> hbase.delete(row, place.unfinished()));
    } catch (StorageException e) {
      // The garbage collection finds it by its row.
    }
  }

  private void deleteCells(String key, Place place) {
    move(
        key,
        0,
        HbaseRows.cells(place.size()),
        MemorySegment.NULL,
        number -> tell(key, () -> hbase.delete(HbaseRows.ofCell(place.id(), number), CELL)),
        number -> {});
  }

  @Override
  public void delete(String key) {
    String row = HbaseRows.ofKey(key);
    look(key).ifPresent(found -> delete(key, row, found.place()));
  }

  private void delete(String key, String row, Place place) {
    tell(key, () -> hbase.put(row, place.unfinished(), place.state('d')));
    ask(key, () -> hbase.deleteIf(row, OBJECT, place.value()));
    deleteCells(key, place);
    tell(key, () -> hbase.delete(row, place.unfinished()));
  }

  // ---- listing

  @Override
  public void list(String prefix, Consumer<ObjectInfo> each) {
    scan(
        prefix,
        OBJECT,
        cell -> HbaseRows.key(cell.row()).ifPresent(key -> each.accept(info(found(key, cell)))));
  }

  @Override
  public void unfinished(String prefix, Consumer<UnfinishedWrite> each) {
    scan(
        prefix,
        "h",
        cell -> {
          if (cell.column().startsWith(UNFINISHED)) {
            String id = cell.column().substring(UNFINISHED.length());
            HbaseRows.key(cell.row())
                .ifPresent(
                    key ->
                        each.accept(
                            new UnfinishedWrite(key, id, Instant.ofEpochMilli(cell.written()))));
          }
        });
  }

  private void scan(String prefix, String column, Consumer<HbaseRest.Cell> each) {
    String first = HbaseRows.ofPrefix(prefix);
    String end = HbaseRows.behind(first);
    String last = "";
    while (true) {
      String from = last.isEmpty() ? first : last;
      List<HbaseRest.Cell> cells = ask(prefix, () -> hbase.scan(from, end, column, PAGE));
      String before = last;
      for (HbaseRest.Cell cell : cells) {
        if (!cell.row().equals(before)) { // a page begins with the row that the last one ended with
          each.accept(cell);
          last = cell.row();
        }
      }
      if (last.equals(before)) {
        return;
      }
    }
  }

  /**
   * {@inheritDoc}
   *
   * <p>A write that was about to be published is published, unless another one was faster: its
   * cells are all there, and nobody could tell whether its writer still lives.
   */
  @Override
  public void abandon(UnfinishedWrite write) {
    String key = write.key();
    String row = HbaseRows.ofKey(key);
    if (!write.id().matches("[0-9a-f]{" + HbaseRows.ID + "}")) {
      throw StorageException.invalid(
          "write-invalid", key, "no unfinished write has the id '" + write.id() + "'");
    }
    String column = UNFINISHED + write.id();
    List<HbaseRest.Cell> cells = ask(key, () -> hbase.cells(row, column));
    if (cells.isEmpty()) {
      return;
    }
    Matcher state = STATE.matcher(cells.getFirst().value());
    if (!state.matches()) {
      throw RestErrors.invalidAnswer(
          key, where, "its write says '" + cells.getFirst().value() + "'", null);
    }
    Place place = new Place(write.id(), Long.parseLong(state.group(2)));
    boolean kept =
        switch (state.group(1).charAt(0)) {
          case 'w' -> {
            if (!ask(key, () -> hbase.putIf(row, column, place.state('w'), place.state('a')))) {
              abandon(write); // it went on meanwhile
              yield true;
            }
            yield false;
          }
          case 'p' -> publish(key, row, place);
          case 'd' -> {
            ask(key, () -> hbase.deleteIf(row, OBJECT, place.value()));
            yield false;
          }
          default -> false;
        };
    if (!kept) {
      deleteCells(key, place);
    }
    tell(key, () -> hbase.delete(row, column));
  }

  /** Does nothing: the transport belongs to who made it. */
  @Override
  public void close() {}

  @Override
  public String toString() {
    return where;
  }
}
