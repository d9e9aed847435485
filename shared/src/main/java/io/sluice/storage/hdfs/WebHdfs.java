package io.sluice.storage.hdfs;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.http.HttpAnswer;
import io.sluice.http.HttpCall;
import io.sluice.http.HttpFailure;
import io.sluice.http.HttpFailure.Reason;
import io.sluice.http.HttpHeaders;
import io.sluice.http.HttpTransport;
import io.sluice.http.Origin;
import io.sluice.http.RequestBody;
import io.sluice.model.InvalidValueException;
import io.sluice.storage.rest.PercentCoding;
import io.sluice.storage.rest.RestErrors;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Requests of WebHDFS, as far as a store needs them. Name nodes are asked in turn until one is
 * active, beginning with the one that was last; they send readers and writers on to data nodes,
 * with an address that carries all that those need.
 *
 * <p>Errors are an {@link HdfsRefusal}, an {@link HttpFailure} or, if an answer is nonsense,
 * another {@link IOException}. Safe for many threads.
 *
 * @see <a
 *     href="https://hadoop.apache.org/docs/stable/hadoop-project-dist/hadoop-hdfs/WebHDFS.html">WebHDFS
 *     REST API</a>
 */
final class WebHdfs {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String API = "/webhdfs/v1";

  /** A page of a listing has at most some thousand entries ({@code dfs.ls.limit}). */
  private static final int MAX_ANSWER = 64 << 20;

  /** Longest answer that is one small object. */
  private static final int MAX_SMALL = 1 << 20;

  private static final int MAX_SAID = 500;

  /** Data nodes that are tried for one read or write. */
  private static final int MAX_DATA_NODES = 3;

  private final HttpTransport transport;
  private final List<URI> nameNodes;
  private final String identity;
  private final String creation;
  private final AtomicInteger active = new AtomicInteger();

  /**
   * What HDFS says about a path.
   *
   * @param name the last part of the path; empty if it was asked for itself
   * @param id stays the same when a file is renamed, and is never used again
   * @param modified milliseconds since 1970
   */
  record Status(String name, boolean file, boolean folder, long length, long id, long modified) {}

  /**
   * Part of a folder.
   *
   * @param more whether something comes behind the last entry
   */
  record Page(List<Status> entries, boolean more) {}

  WebHdfs(HttpTransport transport, HdfsSettings settings) {
    this.transport = transport;
    this.nameNodes = settings.nameNodes();
    this.identity =
        settings
            .token()
            .map(token -> "&delegation=" + PercentCoding.encode(token))
            .or(() -> settings.user().map(user -> "&user.name=" + PercentCoding.encode(user)))
            .orElse("");
    StringBuilder options = new StringBuilder();
    settings.replication().ifPresent(copies -> options.append("&replication=").append(copies));
    settings.blockSize().ifPresent(bytes -> options.append("&blocksize=").append(bytes));
    this.creation = options.toString();
  }

  /** The status of a file or folder. */
  Status status(String path) throws IOException {
    return status(json(nameNode("GET", path, "GETFILESTATUS"), MAX_SMALL).path("FileStatus"));
  }

  /** The next entries of a folder, in the order of their names. */
  Page list(String path, String behind) throws IOException {
    String after = behind.isEmpty() ? "" : "&startAfter=" + PercentCoding.encode(behind);
    JsonNode listing =
        json(nameNode("GET", path, "LISTSTATUS_BATCH" + after), MAX_ANSWER)
            .path("DirectoryListing");
    JsonNode statuses = listing.path("partialListing").path("FileStatuses").path("FileStatus");
    JsonNode remaining = listing.path("remainingEntries");
    if (!statuses.isArray() || !remaining.isIntegralNumber()) {
      throw new IOException("a listing has no entries: " + shorten(listing.toString()));
    }
    List<Status> entries = new ArrayList<>(statuses.size());
    for (JsonNode entry : statuses) {
      Status status = status(entry);
      if (!status.name().isEmpty()) { // of a file it lists the file itself, without a name
        entries.add(status);
      }
    }
    return new Page(entries, remaining.longValue() > 0 && !entries.isEmpty());
  }

  private static Status status(JsonNode node) throws IOException {
    JsonNode length = node.path("length");
    JsonNode id = node.path("fileId");
    JsonNode modified = node.path("modificationTime");
    JsonNode name = node.path("pathSuffix");
    String type = node.path("type").asText();
    if (!length.isIntegralNumber()
        || length.longValue() < 0
        || !modified.isIntegralNumber()
        || !name.isTextual()
        || type.isEmpty()) {
      throw new IOException("a status lacks something: " + shorten(node.toString()));
    }
    // HttpFS tells no id in all releases.
    return new Status(
        name.textValue(),
        type.equals("FILE"),
        type.equals("DIRECTORY"),
        length.longValue(),
        id.asLong(0),
        modified.longValue());
  }

  /** Makes a folder and those above it; one that is there is fine. */
  void makeFolder(String path) throws IOException {
    done(json(nameNode("PUT", path, "MKDIRS"), MAX_SMALL), "MKDIRS");
  }

  /** Gives a file another name; refused as FileAlreadyExistsException if that is taken. */
  void rename(String from, String to) throws IOException {
    String query = "RENAME&renameoptions=NONE&destination=" + PercentCoding.encode(to);
    discard(nameNode("PUT", from, query));
  }

  /** Deletes a file or an empty folder, if it is there. */
  void delete(String path) throws IOException {
    JsonNode deleted = json(nameNode("DELETE", path, "DELETE&recursive=false"), MAX_SMALL);
    if (!deleted.path("boolean").isBoolean()) {
      throw new IOException("DELETE was answered by " + shorten(deleted.toString()));
    }
  }

  /** Bytes that the cluster has left; of all copies of blocks together. */
  long remaining() throws IOException {
    JsonNode status = json(nameNode("GET", "/", "GETSTATUS"), MAX_SMALL).path("FsStatus");
    if (!status.path("remaining").isIntegralNumber()) {
      throw new IOException("GETSTATUS was answered by " + shorten(status.toString()));
    }
    return status.path("remaining").longValue();
  }

  /** Writes a file, replacing what has its name, and makes the folders above it. */
  void create(String path, MemorySegment bytes) throws IOException {
    discard(dataNode("PUT", path, "CREATE&overwrite=true" + creation, RequestBody.of(bytes)));
  }

  /**
   * Opens a file for reading.
   *
   * @return the answer with the bytes, fewer if the file ends before; to be closed
   */
  HttpAnswer open(String path, long offset, long length) throws IOException {
    return dataNode("GET", path, "OPEN&offset=" + offset + "&length=" + length, RequestBody.none());
  }

  // ---- data nodes

  /** Asks a name node and goes where it says; to another data node if that one is not there. */
  private HttpAnswer dataNode(String method, String path, String operation, RequestBody body)
      throws IOException {
    Set<String> gone = new LinkedHashSet<>();
    HttpFailure failure = null;
    while (gone.size() < MAX_DATA_NODES) {
      String query =
          gone.isEmpty()
              ? operation
              : operation + "&excludedatanodes=" + PercentCoding.encode(String.join(",", gone));
      HttpAnswer sent;
      try {
        sent = nameNode(method, path, query);
      } catch (HdfsRefusal e) {
        if (failure != null) {
          e.addSuppressed(failure);
        }
        throw e;
      }
      if (sent.status() < 300) {
        return sent; // HttpFS gives the bytes itself
      }
      URI place = location(sent);
      Origin origin = Origin.of(place);
      try {
        return checked(
            transport.send(
                new HttpCall(origin, method, target(place), headers(body), body, Duration.ZERO)));
      } catch (HttpFailure e) {
        if (!isUnreachable(e) || !gone.add(origin.host() + ":" + origin.port())) {
          throw e;
        }
        failure = e;
      }
    }
    throw failure;
  }

  private static HttpHeaders headers(RequestBody body) {
    HttpHeaders headers = new HttpHeaders();
    // HttpFS demands it of all that could have a body.
    headers.add("Content-Type", "application/octet-stream");
    if (body.length() > 0) {
      headers.add("Expect", "100-continue"); // who refuses it does so before it is sent
    }
    return headers;
  }

  private URI location(HttpAnswer sent) throws IOException {
    String text = sent.headers().first("location").orElse("");
    discard(sent);
    try {
      URI place = new URI(text);
      Origin.of(place); // checks it
      boolean tls = "https".equals(place.getScheme());
      if (!tls && nameNodes.getFirst().getScheme().equals("https")) {
        throw new IOException("a redirect leads from https to '" + place.getScheme() + "'");
      }
      return place;
    } catch (URISyntaxException | InvalidValueException e) {
      // Its text may hold a token.
      throw new IOException("a redirect leads to no address: " + e.getClass().getSimpleName(), e);
    }
  }

  private static String target(URI place) {
    return place.getRawPath() + (place.getRawQuery() == null ? "" : "?" + place.getRawQuery());
  }

  // ---- name nodes

  /** Asks the active name node. */
  private HttpAnswer nameNode(String method, String path, String operation) throws IOException {
    int first = active.get();
    IOException failure = null;
    for (int i = 0; i < nameNodes.size(); i++) {
      int index = (first + i) % nameNodes.size();
      URI node = nameNodes.get(index);
      String prefix = node.getRawPath() == null ? "" : node.getRawPath().replaceAll("/+$", "");
      HttpCall call =
          new HttpCall(
              Origin.of(node),
              method,
              prefix + API + PercentCoding.encodePath(path) + "?op=" + operation + identity,
              method.equals("PUT") ? headers(RequestBody.none()) : new HttpHeaders());
      try {
        HttpAnswer answer = checked(transport.send(call));
        active.compareAndSet(first, index);
        return answer;
      } catch (HdfsRefusal e) {
        if (!e.isStandby()) {
          active.compareAndSet(first, index);
          throw e;
        }
        failure = after(failure, e);
      } catch (HttpFailure e) {
        if (!isUnreachable(e)) {
          // Whoever asks again asks another one.
          active.compareAndSet(first, (index + 1) % nameNodes.size());
          throw e;
        }
        failure = after(failure, e);
      }
    }
    throw failure;
  }

  private static IOException after(IOException before, IOException e) {
    if (before != null) {
      e.addSuppressed(before);
    }
    return e;
  }

  /** Whether nothing of a request can have got there. */
  private static boolean isUnreachable(HttpFailure e) {
    return e.reason() == Reason.LOOKUP
        || e.reason() == Reason.REFUSED
        || e.reason() == Reason.CONNECT_TIMEOUT;
  }

  // ---- answers

  /** The answer if it is no error. */
  private static HttpAnswer checked(HttpAnswer answer) throws IOException {
    if (answer.status() < 400) {
      return answer;
    }
    try (answer) {
      Duration retryAfter = RestErrors.retryAfter(answer);
      String body = new String(answer.bytes(MAX_SMALL), StandardCharsets.UTF_8);
      JsonNode exception;
      try {
        exception = JSON.readTree(body).path("RemoteException");
      } catch (JsonProcessingException e) {
        // A page of a proxy or a servlet container: its status has to do.
        throw new HdfsRefusal(answer.status(), "", shorten(body), retryAfter);
      }
      // Data nodes add their stack.
      String said = exception.path("message").asText("").replaceAll("(?s)\n\tat .*", "");
      throw new HdfsRefusal(
          answer.status(), exception.path("exception").asText(""), shorten(said), retryAfter);
    }
  }

  private static JsonNode json(HttpAnswer answer, int max) throws IOException {
    try (answer) {
      return JSON.readTree(answer.bytes(max));
    }
  }

  private static void done(JsonNode answer, String operation) throws IOException {
    if (!answer.path("boolean").asBoolean(false)) {
      throw new IOException(operation + " was answered by " + shorten(answer.toString()));
    }
  }

  private static void discard(HttpAnswer answer) throws HttpFailure {
    try (answer) {
      answer.bytes(MAX_SMALL);
    }
  }

  private static String shorten(String text) {
    String line = text.strip().replaceAll("\\s+", " ");
    return line.length() <= MAX_SAID ? line : line.substring(0, MAX_SAID) + "…";
  }
}
