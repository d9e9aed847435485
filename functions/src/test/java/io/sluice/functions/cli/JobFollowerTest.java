package io.sluice.functions.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Against a server that speaks as Sluice does, and breaks off as networks do. */
class JobFollowerTest {
  private static final String DONE =
      "{\"id\":\"j1\",\"kind\":\"load\",\"state\":\"succeeded\",\"result\":{\"L\":5},"
          + "\"createdAt\":\"2026-01-01T00:00:00Z\",\"updatedAt\":\"2026-01-01T00:00:01.500Z\"}";
  private static final String RUNNING = "{\"id\":\"j1\",\"state\":\"running\"}";

  private final StringWriter err = new StringWriter();
  private final List<String> resumedAfter = Collections.synchronizedList(new ArrayList<>());
  private final AtomicInteger looks = new AtomicInteger();
  private HttpServer server;
  private Endpoint endpoint;

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 512);
    server.start();
    endpoint =
        new Endpoint(
            URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/"),
            Optional.empty());
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private JsonNode follow() throws InterruptedException {
    try (ProgressView view = new ProgressView("load", new PrintWriter(err), false, 80, false)) {
      return new JobFollower(endpoint, view).follow("j1");
    }
  }

  private static void send(HttpExchange exchange, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  private static String event(String id, int done) {
    return "id: %s\nevent: task\ndata: {\"tasksDone\":%d,\"tasksTotal\":2,\"bytesDone\":%d,\"bytesTotal\":2}\n\n"
        .formatted(id, done, done);
  }

  @Test
  void goesOnAfterTheLastEventWhenTheConnectionBreaks() throws Exception {
    server.createContext(
        "/jobs/j1/events",
        exchange -> {
          String after = String.valueOf(exchange.getRequestHeaders().getFirst("Last-Event-ID"));
          resumedAfter.add(after);
          if (after.equals("null")) {
            // Promises more than it sends: the client sees the connection break.
            exchange.sendResponseHeaders(200, 10_000);
            exchange.getResponseBody().write(event("1-0", 1).getBytes(StandardCharsets.UTF_8));
            exchange.getResponseBody().flush();
            exchange.close();
          } else {
            send(exchange, 200, event("2-0", 2));
          }
        });
    server.createContext(
        "/jobs/j1", exchange -> send(exchange, 200, looks.incrementAndGet() == 1 ? RUNNING : DONE));

    JsonNode job = follow();

    assertThat(resumedAfter).containsExactly("null", "1-0");
    assertThat(err.toString()).contains("1 of 2 tasks", "2 of 2 tasks");
    assertThat(JobFollower.result(job).toString())
        .isEqualTo("{\"job\":\"j1\",\"L\":5,\"seconds\":1.5}");
  }

  @Test
  void aServerThatIsBusyIsAskedAgain() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    server.createContext(
        "/jobs/j1/events",
        exchange -> {
          if (calls.incrementAndGet() < 3) {
            send(
                exchange,
                503,
                "{\"status\":503,\"kind\":\"TRANSIENT\",\"code\":\"redis-unavailable\",\"detail\":\"\"}");
          } else {
            send(exchange, 200, event("1-0", 2));
          }
        });
    server.createContext("/jobs/j1", exchange -> send(exchange, 200, DONE));

    assertThat(follow().get("state").asText()).isEqualTo("succeeded");
    assertThat(calls).hasValue(3);
  }

  @Test
  void aJobThatIsNotThereIsAnErrorAtOnce() {
    server.createContext(
        "/",
        exchange ->
            send(
                exchange,
                404,
                "{\"status\":404,\"kind\":\"MISSING\",\"code\":\"job-missing\",\"detail\":\"no job j1\"}"));
    assertThatThrownBy(this::follow)
        .isInstanceOfSatisfying(
            SluiceException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(ErrorKind.MISSING);
              assertThat(e).hasMessage("no job j1");
            });
  }

  @Test
  void theErrorOfAJobIsThrownAsItWasThere() throws IOException {
    JsonNode failed =
        new ObjectMapper()
            .readTree(
                "{\"id\":\"j1\",\"state\":\"failed\",\"error\":{\"kind\":\"CAPACITY\",\"code\":\"load-no-room\",\"detail\":\"full\"}}");
    assertThatThrownBy(() -> JobFollower.result(failed))
        .isInstanceOfSatisfying(
            SluiceException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(ErrorKind.CAPACITY);
              assertThat(e.code()).isEqualTo("load-no-room");
            });
    JsonNode cancelled = new ObjectMapper().readTree("{\"id\":\"j1\",\"state\":\"cancelled\"}");
    assertThatThrownBy(() -> JobFollower.result(cancelled))
        .isInstanceOfSatisfying(
            SluiceException.class, e -> assertThat(e.code()).isEqualTo("job-cancelled"));
  }

  @Test
  void whatIsNoSluiceIsSaidToBeNone() {
    server.createContext("/", exchange -> send(exchange, 200, "<html>hello</html>"));
    assertThatThrownBy(() -> endpoint.get("models"))
        .isInstanceOf(SluiceException.class)
        .hasMessageContaining("is no Sluice");
  }

  @Test
  void nobodyThereIsUnavailable() {
    server.stop(0);
    assertThatThrownBy(() -> endpoint.get("models"))
        .isInstanceOfSatisfying(
            SluiceException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(ErrorKind.TRANSIENT);
              assertThat(e.code()).isEqualTo("endpoint-unreachable");
            });
  }
}
