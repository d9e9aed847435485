package io.sluice.storage.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.sluice.model.ByteRange;
import io.sluice.model.ErrorKind;
import io.sluice.storage.FaultyProxy;
import io.sluice.storage.FaultyProxy.Fault;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.RetryPolicy;
import io.sluice.storage.RetryingShardReader;
import io.sluice.storage.ShardReader;
import io.sluice.storage.StorageException;
import io.sluice.storage.TransientStorageException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HttpReaderTest {
  private static final int SIZE = 2 << 20;

  /** After which those who have to find out that nothing comes give up. */
  private static final Duration HASTE = Duration.ofMillis(1500);

  private static final String DATE = "Tue, 03 Jun 2025 11:05:30 GMT";

  private final byte[] bytes = new byte[SIZE];
  private final byte[] target = new byte[SIZE];
  private final Map<String, HttpHandler> files = new ConcurrentHashMap<>();
  private final List<String> seen = new CopyOnWriteArrayList<>();
  private final List<String> authorizations = new CopyOnWriteArrayList<>();
  private final HttpClient client = HttpClient.newHttpClient();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private HttpServer server;

  @BeforeEach
  void start() throws IOException {
    new Random(9).nextBytes(bytes);
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 512);
    serve(server);
  }

  private void serve(HttpServer one) {
    one.setExecutor(threads);
    one.createContext("/", this::handle);
    one.start();
  }

  @AfterEach
  void stop() {
    client.shutdownNow();
    server.stop(0);
    threads.shutdownNow();
  }

  // ---- reading

  @Test
  void headTellsWhatTheServerTells() {
    files.put("/models/model.safetensors", file("\"v1\""));
    ObjectInfo info = reader().head("model.safetensors");
    assertThat(info)
        .isEqualTo(
            new ObjectInfo(
                "model.safetensors", SIZE, "\"v1\"", Instant.parse("2025-06-03T11:05:30Z")));
    assertThat(failure(() -> reader().head("other")).kind()).isEqualTo(ErrorKind.MISSING);
    assertThat(failure(() -> reader().head("../escape")).code()).isEqualTo("key-invalid");
  }

  @Test
  void rangesAreReadIntoAnyMemory() {
    files.put("/models/a", file("\"v1\""));
    int[] edges = {0, 1, 16383, 16384, 16385, SIZE - 1, SIZE};
    try (Arena arena = Arena.ofShared()) {
      MemorySegment memory = arena.allocate(SIZE + 1);
      for (int begin : edges) {
        for (int end : edges) {
          if (begin <= end) {
            memory.fill((byte) 1);
            reader().read("a", Optional.of("\"v1\""), ByteRange.between(begin, end), memory);
            assertThat(
                    MemorySegment.mismatch(
                        memory, 0, end - begin, MemorySegment.ofArray(bytes), begin, end))
                .isEqualTo(-1);
          }
        }
      }
    }
    reader().read("a", Optional.empty(), new ByteRange(0, SIZE), MemorySegment.ofArray(target));
    assertThat(target).isEqualTo(bytes);
  }

  @Test
  void oddKeysAreEncoded() {
    String odd = "sub folder/größe+100%?#&=;:@模型.bin";
    files.put("/models/" + odd, file("\"v1\""));
    assertThat(reader().head(odd).size()).isEqualTo(SIZE);
  }

  @Test
  void aRangePastTheFileIsInvalid() {
    files.put("/models/a", file("\"v1\""));
    for (ByteRange range :
        List.of(new ByteRange(SIZE - 1, 2), new ByteRange(SIZE, 1), new ByteRange(1L << 40, 1))) {
      StorageException e =
          failure(() -> reader().read("a", Optional.empty(), range, MemorySegment.ofArray(target)));
      assertThat(e.kind()).isEqualTo(ErrorKind.INVALID);
      assertThat(e.code()).isEqualTo("range-invalid");
    }
  }

  @Test
  void aServerThatIgnoresRangesIsRefusedWithoutReadingTheFile() throws InterruptedException {
    CountDownLatch brokenOff = new CountDownLatch(1);
    files.put(
        "/models/a",
        exchange -> {
          exchange.sendResponseHeaders(200, 1L << 40);
          try {
            while (true) {
              exchange.getResponseBody().write(bytes);
            }
          } catch (IOException e) {
            brokenOff.countDown();
          }
        });
    StorageException e = failure(this::readAll);
    assertThat(e.kind()).isEqualTo(ErrorKind.INVALID);
    assertThat(e.code()).isEqualTo("range-ignored");
    assertThat(e).hasMessageContaining("200");
    assertThat(target).containsOnly(0);
    assertThat(brokenOff.await(5, TimeUnit.SECONDS)).as("the connection was closed").isTrue();
  }

  @Test
  void aServerThatAnswersAnotherRangeIsRefused() {
    files.put("/models/a", range("bytes 1-" + SIZE + "/" + (SIZE + 1), SIZE));
    assertThat(failure(this::readAll).code()).isEqualTo("range-ignored");
    files.put("/models/a", range("bytes 0-" + SIZE + "/" + (SIZE + 1), SIZE + 1));
    assertThat(failure(this::readAll).code()).isEqualTo("range-ignored");
    files.put("/models/a", range("nonsense", SIZE));
    assertThat(failure(this::readAll).code()).isEqualTo("range-ignored");
    assertThat(target).containsOnly(0);
  }

  @Test
  void aBodyBeyondItsOwnRangeIsRefused() {
    files.put("/models/a", range("bytes 0-" + (SIZE - 1) + "/" + SIZE, SIZE + 5));
    assertThat(failure(this::readAll).code()).isEqualTo("range-ignored");
  }

  @Test
  void aShorterAnswerIsAnswerEnoughToGoOn() {
    files.put(
        "/models/a",
        exchange -> {
          ByteRange asked = asked(exchange);
          ByteRange given = new ByteRange(asked.offset(), Math.min(asked.length(), 1 << 20));
          exchange.getResponseHeaders().set("Content-Range", contentRange(given));
          exchange.sendResponseHeaders(206, given.length());
          exchange.getResponseBody().write(bytes, (int) given.offset(), (int) given.length());
        });
    TransientStorageException e = (TransientStorageException) failure(this::readAll);
    assertThat(e.transferred()).isEqualTo(1 << 20);
    new RetryingShardReader(
            reader(), new RetryPolicy(2, Duration.ZERO, Duration.ZERO, Duration.ofSeconds(10)))
        .read("a", Optional.empty(), new ByteRange(0, SIZE), MemorySegment.ofArray(target));
    assertThat(target).isEqualTo(bytes);
  }

  @Test
  void encodedBytesAreRefused() {
    files.put(
        "/models/a",
        exchange -> {
          exchange.getResponseHeaders().set("Content-Encoding", "gzip");
          file("\"v1\"").handle(exchange);
        });
    assertThat(failure(this::readAll).code()).isEqualTo("source-encoded");
    assertThat(failure(() -> reader().head("a")).code()).isEqualTo("source-encoded");
  }

  // ---- size and pin

  @Test
  void aSizeThatIsNotToldIsAnError() {
    files.put(
        "/models/a",
        exchange -> {
          exchange.getResponseHeaders().set("Transfer-Encoding", "chunked");
          exchange.sendResponseHeaders(200, -1);
        });
    StorageException e = failure(() -> reader().head("a"));
    assertThat(e.kind()).isEqualTo(ErrorKind.INVALID);
    assertThat(e.code()).isEqualTo("source-size-unknown");
    assertThat(e).hasMessageContaining("'a'");
  }

  @Test
  void whereHeadIsRefusedTheFirstByteTellsTheSize() {
    files.put(
        "/models/a",
        exchange -> {
          if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.sendResponseHeaders(403, -1);
          } else {
            file("\"v1\"").handle(exchange);
          }
        });
    ObjectInfo info = reader().head("a");
    assertThat(info.size()).isEqualTo(SIZE);
    assertThat(info.etag()).isEqualTo("\"v1\"");
    files.put(
        "/models/empty",
        exchange -> {
          if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.sendResponseHeaders(405, -1);
          } else {
            exchange.getResponseHeaders().set("Content-Range", "bytes */0");
            exchange.sendResponseHeaders(416, -1);
          }
        });
    assertThat(reader().head("empty").size()).isZero();
    files.put("/models/closed", status(403));
    assertThat(failure(() -> reader().head("closed")).kind()).isEqualTo(ErrorKind.FORBIDDEN);
  }

  @Test
  void aChangedFileIsAConflict() {
    files.put("/models/a", file("\"v1\""));
    String etag = reader().head("a").etag();
    files.put("/models/a", file("\"v2\""));
    StorageException e =
        failure(
            () ->
                reader()
                    .read(
                        "a",
                        Optional.of(etag),
                        new ByteRange(0, SIZE),
                        MemorySegment.ofArray(target)));
    assertThat(e.kind()).isEqualTo(ErrorKind.CONFLICT);
    assertThat(target).as("nothing of it was taken").containsOnly(0);
  }

  @Test
  void withoutAnEtagTheDateAndThenTheSizeIsPinned() {
    files.put("/models/dated", file(null));
    assertThat(reader().head("dated").etag()).isEqualTo(DATE);
    files.put(
        "/models/plain",
        exchange -> {
          exchange.getResponseHeaders().put("Last-Modified", List.of());
          bare(exchange);
        });
    ObjectInfo plain = reader().head("plain");
    assertThat(plain.etag()).isEqualTo("size " + SIZE);
    assertThat(plain.lastModified()).isEqualTo(Instant.EPOCH);
    for (String key : List.of("dated", "plain")) {
      reader()
          .read(
              key,
              Optional.of(reader().head(key).etag()),
              new ByteRange(5, 10),
              MemorySegment.ofArray(target));
    }
  }

  // ---- redirects

  @Test
  void redirectsAreFollowedAndRemembered() {
    files.put("/models/a", redirect("/cdn/a?signature=s3cr3t"));
    files.put("/cdn/a", file("\"v1\""));
    HttpReader reader = reader();
    assertThat(reader.head("a").size()).isEqualTo(SIZE);
    for (int i = 0; i < 3; i++) {
      reader.read("a", Optional.of("\"v1\""), new ByteRange(i, 9), MemorySegment.ofArray(target));
    }
    assertThat(seen)
        .containsExactly("HEAD /models/a", "HEAD /cdn/a", "GET /cdn/a", "GET /cdn/a", "GET /cdn/a");

    files.put("/cdn/a", status(403)); // the signature has expired
    files.put("/models/a", redirect("/cdn/b?signature=new"));
    files.put("/cdn/b", file("\"v1\""));
    reader.read("a", Optional.of("\"v1\""), new ByteRange(0, 9), MemorySegment.ofArray(target));
    files.put("/cdn/b", status(403));
    StorageException e =
        failure(
            () ->
                reader.read(
                    "a", Optional.empty(), new ByteRange(0, 9), MemorySegment.ofArray(target)));
    assertThat(e.kind()).isEqualTo(ErrorKind.FORBIDDEN);
    assertThat(e).hasMessageContaining("/cdn/b").hasMessageNotContaining("signature");
  }

  @Test
  void endlessRedirectsEnd() {
    files.put("/models/a", redirect("/models/a"));
    assertThat(failure(this::readAll).code()).isEqualTo("too-many-redirects");
    assertThat(seen).hasSize(HttpReader.MAX_HOPS + 1);
    files.put("/models/a", status(302));
    assertThat(failure(this::readAll).code()).isEqualTo("redirect-invalid");
    files.put("/models/a", redirect("http://bad host/"));
    assertThat(failure(this::readAll).code()).isEqualTo("redirect-invalid");
  }

  @Test
  void everyHopIsChecked() {
    for (String location :
        List.of(
            "http://169.254.169.254/latest/meta-data/",
            "https://169.254.169.254/latest/meta-data/",
            "http://localhost:" + server.getAddress().getPort() + "/models/b",
            "https://[::1]/x")) {
      files.put("/models/a", redirect(location));
      StorageException e = failure(this::readAll);
      assertThat(e.kind()).as(location).isEqualTo(ErrorKind.FORBIDDEN);
      assertThat(e.code()).isEqualTo("host-refused");
    }
    files.put("/models/a", redirect("file:///etc/passwd"));
    assertThat(failure(this::readAll).code()).isEqualTo("url-invalid");
    assertThat(seen).containsOnly("GET /models/a");
  }

  @Test
  void authorizationIsForTheOriginOnly() throws IOException {
    HttpServer other =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 512);
    serve(other);
    try {
      files.put("/models/a", redirect("http://127.0.0.1:" + other.getAddress().getPort() + "/cdn"));
      files.put("/cdn", file("\"v1\""));
      HttpSettings settings =
          new HttpSettings(
              HostPolicy.publicAnd(Set.of("127.0.0.1")),
              Duration.ofSeconds(5),
              Duration.ofSeconds(5),
              Optional.of("Bearer s3cr3t"));
      new HttpReader(client, base(), settings).head("a");
      assertThat(authorizations).containsExactly("Bearer s3cr3t", "none");
      assertThat(settings.toString()).doesNotContain("s3cr3t");
    } finally {
      other.stop(0);
    }
  }

  @Test
  void httpsIsReadAndNeverLeftForHttp(@TempDir Path folder) throws Exception {
    SSLContext tls = selfSigned(folder);
    HttpsServer secure =
        HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 512);
    secure.setHttpsConfigurator(new HttpsConfigurator(tls));
    serve(secure);
    URI secureBase = URI.create("https://127.0.0.1:" + secure.getAddress().getPort() + "/models");
    try (HttpClient trusting = HttpClient.newBuilder().sslContext(tls).build()) {
      files.put("/models/a", file("\"v1\""));
      HttpReader reader = new HttpReader(trusting, secureBase, settings());
      reader.read("a", Optional.empty(), new ByteRange(0, SIZE), MemorySegment.ofArray(target));
      assertThat(target).isEqualTo(bytes);

      files.put("/models/b", redirect(base() + "a"));
      StorageException down = failure(() -> reader.head("b"));
      assertThat(down.kind()).isEqualTo(ErrorKind.FORBIDDEN);
      assertThat(down.code()).isEqualTo("redirect-refused");

      StorageException untrusted =
          failure(() -> new HttpReader(client, secureBase, settings()).head("a"));
      assertThat(untrusted.code()).isEqualTo("source-untrusted");
    } finally {
      secure.stop(0);
    }
  }

  // ---- refusals and failures

  @ParameterizedTest
  @CsvSource({
    "400, INVALID", "401, FORBIDDEN", "403, FORBIDDEN", "404, MISSING", "408, TRANSIENT",
    "410, MISSING", "429, TRANSIENT", "451, FORBIDDEN", "500, TRANSIENT", "501, INVALID",
    "502, TRANSIENT", "503, TRANSIENT", "504, TRANSIENT"
  })
  void aStatusHasItsKind(int status, ErrorKind kind) {
    files.put("/models/a", status(status));
    assertThat(failure(this::readAll).kind()).isEqualTo(kind);
  }

  @Test
  void whatTheServerAsksForIsPassedOn() {
    files.put("/models/a", refusal("7"));
    assertThat(((TransientStorageException) failure(this::readAll)).retryAfter())
        .isEqualTo(Duration.ofSeconds(7));
    files.put("/models/a", refusal("Thu, 01 Jan 1970 00:00:00 GMT"));
    assertThat(((TransientStorageException) failure(this::readAll)).retryAfter()).isZero();
    files.put("/models/a", refusal("soon"));
    assertThat(((TransientStorageException) failure(this::readAll)).retryAfter()).isZero();
  }

  @Test
  void brokenConnectionsAreTransientAndResumed() throws IOException {
    files.put("/models/a", file("\"v1\""));
    try (FaultyProxy proxy = new FaultyProxy(base())) {
      ShardReader reader =
          new HttpReader(client, proxy.endpoint().resolve("/models/"), settings(HASTE));
      int half = SIZE / 2;
      proxy.plan("GET", new Fault.Truncate(half));
      TransientStorageException truncated =
          (TransientStorageException) failure(() -> readAll(reader));
      assertThat(truncated.transferred()).isEqualTo(half);
      assertThat(Arrays.mismatch(target, 0, half, bytes, 0, half)).isEqualTo(-1);

      proxy.plan("GET", new Fault.Reset(half));
      TransientStorageException reset = (TransientStorageException) failure(() -> readAll(reader));
      assertThat(reset.transferred()).isBetween(1L, (long) half);

      proxy.plan("GET", new Fault.Stall(half));
      TransientStorageException stalled =
          (TransientStorageException) failure(() -> readAll(reader));
      assertThat(stalled.transferred()).isEqualTo(half);
      assertThat(stalled).hasMessageContaining("stalled");

      proxy.plan("GET", new Fault.Delay(Duration.ofMinutes(1)));
      TransientStorageException late = (TransientStorageException) failure(() -> readAll(reader));
      assertThat(late.transferred()).isZero();
      assertThat(late).hasMessageContaining("did not answer");

      proxy.clear();
      Arrays.fill(target, (byte) 0);
      proxy.plan("GET", new Fault.Truncate(half), new Fault.Stall(1000), new Fault.Reset(0));
      RetryPolicy policy =
          new RetryPolicy(5, Duration.ofMillis(1), Duration.ofMillis(5), Duration.ofMinutes(2));
      readAll(new RetryingShardReader(reader, policy));
      assertThat(target).isEqualTo(bytes);
      assertThat(proxy.seen().stream().map(FaultyProxy.Request::range))
          .containsExactly(
              "bytes=0-" + (SIZE - 1),
              "bytes=" + half + "-" + (SIZE - 1),
              "bytes=" + (half + 1000) + "-" + (SIZE - 1),
              "bytes=" + (half + 1000) + "-" + (SIZE - 1));
    }
  }

  @Test
  void afterAFailureNothingIsWrittenIntoTheTarget() throws InterruptedException {
    CountDownLatch goOn = new CountDownLatch(1);
    CountDownLatch sent = new CountDownLatch(1);
    files.put(
        "/models/a",
        exchange -> {
          exchange.getResponseHeaders().set("Content-Range", contentRange(new ByteRange(0, SIZE)));
          exchange.sendResponseHeaders(206, SIZE);
          exchange.getResponseBody().write(bytes, 0, 1000);
          exchange.getResponseBody().flush();
          try {
            goOn.await();
            exchange.getResponseBody().write(bytes, 1000, SIZE - 1000);
          } catch (InterruptedException | IOException e) {
            exchange.close();
          } finally {
            sent.countDown();
          }
        });
    ShardReader reader = new HttpReader(client, base(), settings(HASTE));
    TransientStorageException e = (TransientStorageException) failure(() -> readAll(reader));
    assertThat(e.transferred()).isEqualTo(1000);
    Arrays.fill(target, (byte) 0);
    goOn.countDown();
    sent.await();
    Thread.sleep(50);
    assertThat(IntStream.range(0, SIZE).allMatch(i -> target[i] == 0)).isTrue();
  }

  @Test
  void anInterruptEndsAReadAtOnce() {
    files.put("/models/a", file("\"v1\""));
    Thread.currentThread().interrupt();
    StorageException e = failure(this::readAll);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(e.kind()).isEqualTo(ErrorKind.TRANSIENT);
  }

  @Test
  void whatCannotBeABaseIsRefused() {
    for (String url : List.of("https://1.1.1.1/x?y=z", "https://1.1.1.1/x#y", "https:/x")) {
      assertThat(failure(() -> new HttpReader(client, URI.create(url), settings())).code())
          .isEqualTo("url-invalid");
    }
    try (HttpClient following =
        HttpClient.newBuilder().followRedirects(HttpClient.Redirect.ALWAYS).build()) {
      assertThatThrownBy(() -> new HttpReader(following, base(), settings()))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  // ---- tools

  private HttpReader reader() {
    return new HttpReader(client, base(), settings());
  }

  private URI base() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/models/");
  }

  private static HttpSettings settings() {
    return settings(Duration.ofMinutes(1));
  }

  private static HttpSettings settings(Duration patience) {
    return new HttpSettings(
        HostPolicy.publicAnd(Set.of("127.0.0.1")), patience, patience, Optional.empty());
  }

  private void readAll() {
    readAll(reader());
  }

  private void readAll(ShardReader reader) {
    reader.read("a", Optional.empty(), new ByteRange(0, SIZE), MemorySegment.ofArray(target));
  }

  private static StorageException failure(ThrowingCallable call) {
    StorageException e = catchThrowableOfType(StorageException.class, call);
    assertThat(e).as("a StorageException").isNotNull();
    return e;
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().getPath();
      seen.add(exchange.getRequestMethod() + " " + path);
      Headers headers = exchange.getRequestHeaders();
      authorizations.add(headers.getOrDefault("Authorization", List.of("none")).getFirst());
      assertThat(headers.getFirst("Accept-Encoding")).isEqualTo("identity");
      files.getOrDefault(path, status(404)).handle(exchange);
    }
  }

  /** A whole file, by HEAD and by ranges. */
  private HttpHandler file(String etag) {
    return exchange -> {
      if (etag != null) {
        exchange.getResponseHeaders().set("ETag", etag);
      }
      exchange.getResponseHeaders().set("Last-Modified", DATE);
      bare(exchange);
    };
  }

  private void bare(HttpExchange exchange) throws IOException {
    if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.getResponseHeaders().set("Content-Length", "" + SIZE);
      exchange.sendResponseHeaders(200, -1);
      return;
    }
    ByteRange asked = asked(exchange);
    if (asked.offset() >= SIZE) {
      exchange.getResponseHeaders().set("Content-Range", "bytes */" + SIZE);
      exchange.sendResponseHeaders(416, -1);
      return;
    }
    ByteRange given = ByteRange.between(asked.offset(), Math.min(asked.end(), SIZE));
    exchange.getResponseHeaders().set("Content-Range", contentRange(given));
    exchange.sendResponseHeaders(206, given.length());
    exchange.getResponseBody().write(bytes, (int) given.offset(), (int) given.length());
  }

  private static String contentRange(ByteRange range) {
    return "bytes " + range.offset() + "-" + (range.end() - 1) + "/" + SIZE;
  }

  private static ByteRange asked(HttpExchange exchange) {
    String[] range =
        exchange.getRequestHeaders().getFirst("Range").substring("bytes=".length()).split("-");
    return ByteRange.between(Long.parseLong(range[0]), Long.parseLong(range[1]) + 1);
  }

  private HttpHandler range(String contentRange, int length) {
    return exchange -> {
      exchange.getResponseHeaders().set("Content-Range", contentRange);
      exchange.sendResponseHeaders(206, length);
      try {
        exchange.getResponseBody().write(new byte[length]);
      } catch (IOException e) {
        exchange.close(); // the reader has seen enough
      }
    };
  }

  private static HttpHandler redirect(String location) {
    return exchange -> {
      exchange.getResponseHeaders().set("Location", location);
      exchange.sendResponseHeaders(302, -1);
    };
  }

  private static HttpHandler status(int status) {
    return exchange -> exchange.sendResponseHeaders(status, -1);
  }

  private static HttpHandler refusal(String retryAfter) {
    return exchange -> {
      exchange.getResponseHeaders().set("Retry-After", retryAfter);
      exchange.sendResponseHeaders(429, -1);
    };
  }

  /** A key and a certificate for 127.0.0.1 by the JDK's own keytool. */
  private static SSLContext selfSigned(Path folder)
      throws IOException, InterruptedException, GeneralSecurityException {
    Path store = folder.resolve("keys.p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "test",
                "-keyalg",
                "EC",
                "-dname",
                "CN=test",
                "-ext",
                "san=ip:127.0.0.1",
                "-storetype",
                "PKCS12",
                "-storepass",
                "changeit",
                "-keystore",
                store.toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(keytool.getInputStream().readAllBytes());
    assertThat(keytool.waitFor()).as(said).isZero();
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      keys.load(in, "changeit".toCharArray());
    }
    KeyManagerFactory own = KeyManagerFactory.getInstance("PKIX");
    own.init(keys, "changeit".toCharArray());
    TrustManagerFactory trusted = TrustManagerFactory.getInstance("PKIX");
    trusted.init(keys);
    SSLContext tls = SSLContext.getInstance("TLS");
    tls.init(own.getKeyManagers(), trusted.getTrustManagers(), null);
    return tls;
  }
}
