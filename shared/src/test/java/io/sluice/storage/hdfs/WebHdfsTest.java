package io.sluice.storage.hdfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sluice.http.HttpTransport;
import io.sluice.http.ScriptedServer;
import io.sluice.http.TransportSettings;
import io.sluice.model.ByteRange;
import io.sluice.model.ErrorKind;
import io.sluice.model.InvalidValueException;
import io.sluice.storage.StorageException;
import io.sluice.storage.TransientStorageException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a real HDFS does not do when it is asked to. */
class WebHdfsTest {
  private static final String STATUS =
      """
      {"FileStatus":{"length":%d,"fileId":7,"modificationTime":1,"pathSuffix":"","type":"FILE"}}""";

  /** Begins an answer that the connection ends with. */
  private static final String CUT = "(cut)";

  private final Queue<String> answers = new ConcurrentLinkedQueue<>();
  private final List<String> asked = new CopyOnWriteArrayList<>();

  private static String answer(String status, String body) {
    return "HTTP/1.1 " + status + "\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
  }

  private static String redirect(String location) {
    return "HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\nLocation: "
        + location
        + "\r\n\r\n";
  }

  private static String exception(String name, String message) {
    return "{\"RemoteException\":{\"exception\":\"" + name + "\",\"message\":\"" + message + "\"}}";
  }

  /** Gives the answers in their order, and keeps the first lines of the requests. */
  private ScriptedServer server() throws IOException {
    return new ScriptedServer(
        peer -> {
          for (String head = peer.head(); head != null; head = peer.head()) {
            asked.add(head.lines().findFirst().orElseThrow());
            String next = answers.poll();
            if (next == null) {
              return;
            }
            peer.say(next.replace(CUT, ""));
            if (next.startsWith(CUT)) {
              return;
            }
          }
        });
  }

  private interface Use {
    void run(HdfsShardStore store, ScriptedServer server) throws IOException;
  }

  private void with(Optional<String> token, List<URI> before, Use use) throws IOException {
    try (ScriptedServer server = server();
        HttpTransport transport = new HttpTransport(TransportSettings.defaults())) {
      List<URI> nodes = new ArrayList<>(before);
      nodes.add(URI.create("http://127.0.0.1:" + server.port() + "/gateway"));
      use.run(
          new HdfsShardStore(
              transport,
              new HdfsSettings(
                  nodes,
                  "/root",
                  Optional.of("me & you"),
                  token,
                  OptionalInt.empty(),
                  OptionalLong.empty())),
          server);
    }
  }

  private static URI nobody() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return URI.create("http://127.0.0.1:" + socket.getLocalPort());
    }
  }

  @Test
  void theUserOrTheTokenIsInEveryRequest() throws IOException {
    answers.add(answer("200 OK", STATUS.formatted(3)));
    with(
        Optional.empty(),
        List.of(),
        (store, server) -> assertThat(store.head("a b").size()).isEqualTo(3));
    answers.add(answer("200 OK", STATUS.formatted(4)));
    with(
        Optional.of("to/ken"),
        List.of(),
        (store, server) -> assertThat(store.head("key").size()).isEqualTo(4));
    assertThat(asked)
        .containsExactly(
            "GET /gateway/webhdfs/v1/root/a%20b?op=GETFILESTATUS&user.name=me%20%26%20you HTTP/1.1",
            "GET /gateway/webhdfs/v1/root/key?op=GETFILESTATUS&delegation=to%2Fken HTTP/1.1");
  }

  @Test
  void aDataNodeThatIsGoneIsLeftOut() throws IOException {
    URI gone = nobody();
    with(
        Optional.empty(),
        List.of(),
        (store, server) -> {
          answers.add(redirect(gone + "/webhdfs/v1/root/key?op=OPEN"));
          answers.add(redirect(server.origin() + "/data?token=1"));
          answers.add(answer("200 OK", "abc"));
          byte[] read = new byte[3];
          store.read("key", Optional.empty(), new ByteRange(5, 3), MemorySegment.ofArray(read));
          assertThat(new String(read, StandardCharsets.US_ASCII)).isEqualTo("abc");
        });
    assertThat(asked).hasSize(3);
    assertThat(asked.get(0)).contains("op=OPEN&offset=5&length=3&user.name");
    assertThat(asked.get(1)).contains("&excludedatanodes=127.0.0.1%3A" + gone.getPort() + "&");
    assertThat(asked.get(2)).isEqualTo("GET /data?token=1 HTTP/1.1");
  }

  @Test
  void aNameNodeThatIsGoneIsAskedOnce() throws IOException {
    with(
        Optional.empty(),
        List.of(nobody()),
        (store, server) -> {
          for (int i = 0; i < 3; i++) {
            answers.add(answer("200 OK", STATUS.formatted(3)));
            assertThat(store.head("key").size()).isEqualTo(3);
          }
        });
    assertThat(asked).hasSize(3);
  }

  @Test
  void aBodyThatEndsEarlyTellsHowFarItCame() throws IOException {
    answers.add(CUT + "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    with(
        Optional.empty(),
        List.of(),
        (store, server) -> {
          TransientStorageException e =
              catchThrowableOfType(
                  TransientStorageException.class,
                  () ->
                      store.read(
                          "key",
                          Optional.empty(),
                          new ByteRange(0, 10),
                          MemorySegment.ofArray(new byte[10])));
          assertThat(e.transferred()).isEqualTo(3);
        });
  }

  @ParameterizedTest
  @CsvSource({
    "403 Forbidden, AccessControlException, FORBIDDEN, access-denied",
    "401 Unauthorized, SecurityException, FORBIDDEN, access-denied",
    "403 Forbidden, InvalidToken, FORBIDDEN, access-denied",
    "403 Forbidden, StandbyException, TRANSIENT, store-unavailable",
    "403 Forbidden, RetriableException, TRANSIENT, store-unavailable",
    "403 Forbidden, SafeModeException, TRANSIENT, store-unavailable",
    "403 Forbidden, BlockMissingException, TRANSIENT, store-unavailable",
    "500 Internal Server Error, RuntimeException, TRANSIENT, store-unavailable",
    "503 Service Unavailable, '', TRANSIENT, store-unavailable",
    "403 Forbidden, DSQuotaExceededException, CAPACITY, store-full",
    "400 Bad Request, InvalidPathException, INVALID, key-unsupported",
    "400 Bad Request, IllegalArgumentException, FATAL, store-refused",
    "404 Not Found, FileNotFoundException, MISSING, object-missing",
  })
  void theExceptionTellsWhatToDoNext(String status, String exception, ErrorKind kind, String code)
      throws IOException {
    answers.add(answer(status, exception(exception, "because\\n\\tat a.b.C")));
    with(
        Optional.empty(),
        List.of(),
        (store, server) -> {
          StorageException e =
              catchThrowableOfType(StorageException.class, () -> store.head("key"));
          assertThat(e.kind()).isEqualTo(kind);
          assertThat(e.code()).isEqualTo(code);
          assertThat(e.key()).isEqualTo("key");
          assertThat(e).hasMessageNotContaining("a.b.C");
        });
  }

  @Test
  void aProxyThatIsBusyIsLeftAlone() throws IOException {
    answers.add(
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 6\r\n\r\n<html>");
    with(
        Optional.empty(),
        List.of(),
        (store, server) -> {
          TransientStorageException e =
              catchThrowableOfType(TransientStorageException.class, () -> store.head("key"));
          assertThat(e.throttled()).isTrue();
          assertThat(e.retryAfter()).isEqualTo(Duration.ofSeconds(7));
        });
  }

  @ParameterizedTest
  @CsvSource({"{}", "[]", "<html>", "{\"FileStatus\":{\"length\":-1}}"})
  void nonsenseIsFatal(String body) throws IOException {
    answers.add(answer("200 OK", body));
    with(
        Optional.empty(),
        List.of(),
        (store, server) -> {
          StorageException e =
              catchThrowableOfType(StorageException.class, () -> store.head("key"));
          assertThat(e.kind()).isEqualTo(ErrorKind.FATAL);
          assertThat(e.code()).isEqualTo("store-answer-invalid");
        });
  }

  @Test
  void settingsAreChecked() {
    Queue<Runnable> wrong = new ArrayDeque<>();
    URI node = URI.create("http://namenode:9870");
    wrong.add(() -> HdfsSettings.of(List.of(), "/sluice", "me"));
    wrong.add(() -> HdfsSettings.of(List.of(URI.create("hdfs://namenode:8020")), "/sluice", "me"));
    wrong.add(() -> HdfsSettings.of(List.of(node), "sluice", "me"));
    wrong.add(() -> HdfsSettings.of(List.of(node), "/a/../b", "me"));
    wrong.add(() -> HdfsSettings.of(List.of(node), "/a:b", "me"));
    wrong.add(() -> settings(node, OptionalInt.of(0), OptionalLong.empty()));
    wrong.add(() -> settings(node, OptionalInt.empty(), OptionalLong.of(1000)));
    for (Runnable each : wrong) {
      assertThatThrownBy(each::run)
          .isInstanceOfSatisfying(
              InvalidValueException.class,
              e -> assertThat(e.code()).isEqualTo("hdfs-settings-invalid"));
    }
    assertThat(
            new HdfsSettings(
                List.of(node),
                "/sluice/",
                Optional.empty(),
                Optional.of("secret"),
                OptionalInt.empty(),
                OptionalLong.empty()))
        .satisfies(
            settings -> {
              assertThat(settings.root()).isEqualTo("/sluice");
              assertThat(settings.toString()).doesNotContain("secret");
            });
  }

  private static void settings(URI node, OptionalInt replication, OptionalLong blockSize) {
    assertThat(
            new HdfsSettings(
                List.of(node),
                "/sluice",
                Optional.empty(),
                Optional.empty(),
                replication,
                blockSize))
        .isNull();
  }
}
