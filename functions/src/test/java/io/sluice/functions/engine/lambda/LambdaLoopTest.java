package io.sluice.functions.engine.lambda;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.quarkus.amazon.lambda.runtime.MockHttpEventServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The loop between the runtime API, as Quarkus imitates it, and a server. */
class LambdaLoopTest {
  /** A request as the server saw it. */
  private record Seen(String line, String type, String caller, byte[] body) {}

  private final BlockingQueue<Seen> seen = new LinkedBlockingQueue<>();
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private MockHttpEventServer api;
  private HttpServer server;
  private Thread loop;

  @BeforeEach
  void start() throws IOException {
    api = new MockHttpEventServer();
    api.start(0);
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 512);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/", this::serve);
    server.start();
    LambdaLoop events =
        new LambdaLoop(
            "127.0.0.1:" + api.getPort() + "/_lambda_",
            URI.create("http://127.0.0.1:" + server.getAddress().getPort()),
            Optional.of("load"),
            new InstanceTime(Clock.systemUTC(), Duration.ofMinutes(15)));
    loop =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    events.run();
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  } catch (IOException e) {
                    throw new java.io.UncheckedIOException(e);
                  }
                });
  }

  @AfterEach
  void stop() throws Exception {
    loop.interrupt();
    loop.join(20_000);
    assertThat(loop.isAlive()).isFalse();
    server.stop(0);
    api.close();
  }

  private void serve(HttpExchange exchange) throws IOException {
    try (exchange) {
      URI uri = exchange.getRequestURI();
      seen.add(
          new Seen(
              exchange.getRequestMethod() + " " + uri,
              exchange.getRequestHeaders().getFirst("Content-Type"),
              exchange.getRequestHeaders().getFirst("Sluice-Caller"),
              exchange.getRequestBody().readAllBytes()));
      int size = uri.getPath().equals("/large") ? LambdaRuntime.MAX_PAYLOAD + 1 : 10;
      byte[] body =
          (uri.getPath().equals("/missing") ? "{\"code\":\"model-missing\"}" : "x".repeat(size))
              .getBytes(StandardCharsets.UTF_8);
      exchange.getResponseHeaders().add("Content-Type", "application/json");
      exchange.getResponseHeaders().add("Retry-After", "7");
      exchange.sendResponseHeaders(uri.getPath().equals("/missing") ? 404 : 200, body.length);
      exchange.getResponseBody().write(body);
    }
  }

  @Test
  void aRequestGoesThroughAndItsAnswerComesBack() throws Exception {
    HttpResponse<String> answer = post("/load?a=b", "{\"model\":\"m\"}".getBytes());
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).isEqualTo("x".repeat(10));
    assertThat(answer.headers().firstValue("Retry-After")).contains("7");
    assertThat(answer.headers().firstValue("Content-Type")).contains("application/json");
    Seen request = seen.take();
    assertThat(request.line()).isEqualTo("POST /load?a=b");
    assertThat(request.type()).isEqualTo("application/json");
    assertThat(request.body()).isEqualTo("{\"model\":\"m\"}".getBytes());
  }

  @Test
  void anErrorIsAnAnswer() throws Exception {
    HttpResponse<String> answer = post("/missing", "{}".getBytes());
    assertThat(answer.statusCode()).isEqualTo(404);
    assertThat(answer.body()).contains("model-missing");
  }

  @Test
  void anAnswerThatDoesNotGoThroughIsSaidSo() throws Exception {
    HttpResponse<String> answer = post("/large", "{}".getBytes());
    assertThat(answer.statusCode()).isEqualTo(507);
    assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
    assertThat(answer.body()).contains("answer-too-large").contains("6291456");
    assertThat(post("/load", "{}".getBytes()).statusCode()).isEqualTo(200);
  }

  @Test
  void realEventsAreTaken() throws Exception {
    String answer = event(LambdaEventTest.sample("function-url")).body();
    assertThat(answer).contains("\"statusCode\":200");
    Seen request = seen.take();
    assertThat(request.line()).isEqualTo("POST /load?trace=1&name=a%20b");
    assertThat(request.caller()).isEqualTo("arn:aws:iam::123456789012:user/engineer");
    assertThat(event(LambdaEventTest.sample("http-api")).body()).contains("\"statusCode\":200");
    assertThat(seen.take().line()).isEqualTo("POST /compute");
  }

  @Test
  void aDirectInvocationGetsTheDocument() throws Exception {
    HttpResponse<String> answer = event("{\"model\":\"m\"}".getBytes());
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).isEqualTo("x".repeat(10));
    assertThat(seen.take().line()).isEqualTo("POST /load");
  }

  @Test
  void anEventThatIsNoneIsAnErrorOfTheFunctionAndTheNextIsTaken() throws Exception {
    HttpResponse<String> answer = event("[]".getBytes());
    assertThat(answer.statusCode()).isEqualTo(500);
    assertThat(answer.body()).contains("event-invalid");
    assertThat(post("/load", "{}".getBytes()).statusCode()).isEqualTo(200);
  }

  private HttpResponse<String> event(byte[] event) throws Exception {
    return post("/_lambda_", event);
  }

  private HttpResponse<String> post(String path, byte[] body) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + api.getPort() + path))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofByteArray(body))
            .build();
    return client.send(request, HttpResponse.BodyHandlers.ofString());
  }
}
