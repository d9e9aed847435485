package io.sluice.storage.hbase;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.http.HttpAnswer;
import io.sluice.http.HttpCall;
import io.sluice.http.HttpFailure;
import io.sluice.http.HttpFailure.Reason;
import io.sluice.http.HttpHeaders;
import io.sluice.http.HttpTransport;
import io.sluice.http.Origin;
import io.sluice.http.RequestBody;
import io.sluice.storage.rest.PercentCoding;
import io.sluice.storage.rest.RestErrors;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Requests of HBase's REST gateway, as far as a store needs them. The values of large cells go as
 * they are ({@code application/octet-stream}); small ones, which have to be checked and scanned, go
 * as JSON. Rows are made of letters, digits and {@code -._~}, so they stand in addresses as they
 * are.
 *
 * <p>Gateways keep no state between requests: any of them answers any one. Errors are an {@link
 * HbaseRefusal}, an {@link HttpFailure} or, if an answer is nonsense, another {@link IOException}.
 * Safe for many threads.
 *
 * @see <a href="https://hbase.apache.org/book.html#_rest">HBase REST</a>
 */
final class HbaseRest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String BYTES = "application/octet-stream";
  private static final String DOCUMENT = "application/json";
  private static final int MAX_DOCUMENT = 64 << 20;
  private static final int MAX_SAID = 4096;

  private final HttpTransport transport;
  private final List<URI> gateways;
  private final String table;
  private final AtomicInteger next = new AtomicInteger();

  /**
   * A small cell.
   *
   * @param written milliseconds since 1970, by the server
   */
  record Cell(String row, String column, String value, long written) {}

  HbaseRest(HttpTransport transport, HbaseSettings settings) {
    this.transport = transport;
    this.gateways = settings.gateways();
    this.table = "/" + PercentCoding.encode(settings.table());
  }

  // ---- large cells

  /** Asks for the value of a large cell; the answer, to be closed, is empty if it is not there. */
  Optional<HttpAnswer> read(String row, String column) throws IOException {
    return found(send("GET", "/" + row + "/" + column, BYTES, RequestBody.none()));
  }

  /** Stores a large cell. */
  void write(String row, String column, MemorySegment value) throws IOException {
    discard(checked(send("PUT", "/" + row + "/" + column, BYTES, RequestBody.of(value))));
  }

  /** Deletes a cell, if it is there. */
  void delete(String row, String column) throws IOException {
    discard(checked(send("DELETE", "/" + row + "/" + column, BYTES, RequestBody.none())));
  }

  // ---- small cells

  /** The cells of a column, or of a family ({@code h:}), of one row. */
  List<Cell> cells(String row, String column) throws IOException {
    Optional<HttpAnswer> answer =
        found(send("GET", "/" + row + "/" + column, DOCUMENT, RequestBody.none()));
    return answer.isEmpty() ? List.of() : cells(answer.get());
  }

  /**
   * The cells of the first rows of a range.
   *
   * @param first the first row
   * @param end the row behind the last one
   * @param rows at most so many
   */
  List<Cell> scan(String first, String end, String column, int rows) throws IOException {
    String query =
        "/*?startrow=" + first + "&endrow=" + end + "&column=" + column + "&limit=" + rows;
    Optional<HttpAnswer> answer = found(send("GET", query, DOCUMENT, RequestBody.none()));
    return answer.isEmpty() ? List.of() : cells(answer.get());
  }

  /** Stores a small cell. */
  void put(String row, String column, String value) throws IOException {
    discard(checked(send("PUT", "/" + row + "/" + column, DOCUMENT, document(row, column, value))));
  }

  /**
   * Stores a small cell if it has the value expected, in one step.
   *
   * @param expected the value it must have; empty if there must be none
   * @return whether it had
   */
  boolean putIf(String row, String column, String expected, String value) throws IOException {
    return done(
        send("PUT", "/" + row + "?check=put", DOCUMENT, document(row, column, value, expected)));
  }

  /**
   * Deletes a small cell if it has the value expected, in one step.
   *
   * @return whether it had
   */
  boolean deleteIf(String row, String column, String expected) throws IOException {
    return done(
        send("PUT", "/" + row + "?check=delete", DOCUMENT, document(row, column, expected)));
  }

  private static boolean done(HttpAnswer answer) throws IOException {
    if (answer.status() == 304) {
      discard(answer);
      return false;
    }
    discard(checked(answer));
    return true;
  }

  private static RequestBody document(String row, String column, String... values) {
    ObjectNode root = JSON.createObjectNode();
    ObjectNode line = root.putArray("Row").addObject();
    line.put("key", row.getBytes(StandardCharsets.UTF_8));
    ArrayNode cells = line.putArray("Cell");
    for (String value : values) {
      cells
          .addObject()
          .put("column", column.getBytes(StandardCharsets.UTF_8))
          .put("$", value.getBytes(StandardCharsets.UTF_8));
    }
    return RequestBody.of(MemorySegment.ofArray(root.toString().getBytes(StandardCharsets.UTF_8)));
  }

  private static List<Cell> cells(HttpAnswer answer) throws IOException {
    JsonNode document;
    try (answer) {
      document = JSON.readTree(answer.bytes(MAX_DOCUMENT));
    }
    List<Cell> cells = new ArrayList<>();
    for (JsonNode row : document.path("Row")) {
      String key = text(row.path("key"));
      for (JsonNode cell : row.path("Cell")) {
        cells.add(
            new Cell(
                key,
                text(cell.path("column")),
                text(cell.path("$")),
                cell.path("timestamp").asLong(0)));
      }
    }
    return cells;
  }

  private static String text(JsonNode base64) throws IOException {
    byte[] bytes = base64.binaryValue();
    if (bytes == null) {
      throw new IOException("a cell has no row, column or value");
    }
    return new String(bytes, StandardCharsets.UTF_8);
  }

  // ---- the table

  /** The schema of the table; none if there is no table. */
  Optional<JsonNode> schema() throws IOException {
    try (HttpAnswer answer = checked(send("GET", "/schema", DOCUMENT, RequestBody.none()))) {
      return Optional.of(JSON.readTree(answer.bytes(MAX_DOCUMENT)));
    } catch (HbaseRefusal e) {
      if (e.status() == 404 && e.says("TableNotFoundException")) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /** Makes the table; one that another has made meanwhile is fine. */
  void create(JsonNode schema) throws IOException {
    byte[] document = schema.toString().getBytes(StandardCharsets.UTF_8);
    HttpAnswer answer =
        send("PUT", "/schema", DOCUMENT, RequestBody.of(MemorySegment.ofArray(document)));
    // 304: another was faster.
    discard(answer.status() == 304 ? answer : checked(answer));
  }

  // ---- requests

  private HttpAnswer send(String method, String rest, String type, RequestBody body)
      throws HttpFailure {
    int first = Math.floorMod(next.getAndIncrement(), gateways.size());
    HttpFailure failure = null;
    for (int i = 0; i < gateways.size(); i++) {
      URI gateway = gateways.get((first + i) % gateways.size());
      String prefix =
          gateway.getRawPath() == null ? "" : gateway.getRawPath().replaceAll("/+$", "");
      HttpHeaders headers = new HttpHeaders().add("Accept", type);
      if (body.length() > 0) {
        headers.add("Content-Type", type);
      }
      try {
        return transport.send(
            new HttpCall(
                Origin.of(gateway), method, prefix + table + rest, headers, body, Duration.ZERO));
      } catch (HttpFailure e) {
        if (failure != null) {
          e.addSuppressed(failure);
        }
        failure = e;
        boolean untouched =
            e.reason() == Reason.LOOKUP
                || e.reason() == Reason.REFUSED
                || e.reason() == Reason.CONNECT_TIMEOUT;
        if (!untouched) {
          break;
        }
      }
    }
    throw failure;
  }

  /** The answer if it is no error; none if there is nothing there. */
  private static Optional<HttpAnswer> found(HttpAnswer answer) throws IOException {
    try {
      return Optional.of(checked(answer));
    } catch (HbaseRefusal e) {
      if (e.status() == 404 && !e.says("Exception")) {
        return Optional.empty();
      }
      throw e;
    }
  }

  private static HttpAnswer checked(HttpAnswer answer) throws IOException {
    if (answer.status() < 300) {
      return answer;
    }
    try (answer) {
      byte[] said = answer.stream().readNBytes(MAX_SAID);
      throw new HbaseRefusal(
          answer.status(),
          new String(said, StandardCharsets.UTF_8).strip().replaceAll("\\s+", " "),
          RestErrors.retryAfter(answer));
    }
  }

  private static void discard(HttpAnswer answer) throws HttpFailure {
    try (answer) {
      answer.bytes(MAX_SAID);
    }
  }
}
