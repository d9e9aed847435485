package io.sluice.acceptance;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.quarkus.amazon.lambda.runtime.MockHttpEventServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.http.ContentStreamProvider;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.SdkHttpRequest;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4HttpSigner;
import software.amazon.awssdk.http.auth.spi.signer.HttpSigner;

/**
 * What of AWS Lambda the functions see: for each function the runtime API, as Quarkus imitates it,
 * with requests to it as the events of a Function URL; and the API to invoke functions by, which
 * checks signatures.
 */
final class LambdaService implements AutoCloseable {
  private static final DateTimeFormatter AMZ_DATE =
      DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);

  static final String REGION = "eu-central-1";

  private final Map<String, MockHttpEventServer> functions = new ConcurrentHashMap<>();
  private final Queue<String> invocations = new ConcurrentLinkedQueue<>();
  private final HttpServer api;
  private final AwsBasicCredentials credentials;
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  LambdaService(String accessKey, String secretKey, List<String> names) {
    credentials = AwsBasicCredentials.create(accessKey, secretKey);
    for (String name : names) {
      MockHttpEventServer server = new MockHttpEventServer();
      server.start(0);
      functions.put(name, server);
    }
    try {
      api = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 512);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    api.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    api.createContext("/2015-03-31/functions/", this::invoke);
    api.start();
  }

  /** Where functions are invoked. */
  URI endpoint() {
    return URI.create("http://127.0.0.1:" + api.getAddress().getPort());
  }

  /** Host and port of a function's runtime API, as in {@code AWS_LAMBDA_RUNTIME_API}. */
  String runtimeApi(String function) {
    return "127.0.0.1:" + functions.get(function).getPort() + "/_lambda_";
  }

  /** Where HTTP requests become events of a function. */
  URI url(String function) {
    return URI.create("http://127.0.0.1:" + functions.get(function).getPort());
  }

  /** The payloads of all asynchronous invocations until now. */
  List<String> invocations() {
    return List.copyOf(invocations);
  }

  /** Invokes a function with an event as it is and waits for its answer. */
  HttpResponse<String> event(String function, String payload) {
    HttpRequest request =
        HttpRequest.newBuilder(url(function).resolve("/_lambda_"))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(payload))
            .build();
    try {
      return client.send(request, HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  private void invoke(HttpExchange exchange) throws IOException {
    try (exchange) {
      byte[] payload = exchange.getRequestBody().readAllBytes();
      String path = exchange.getRequestURI().getRawPath();
      String name = URLDecoder.decode(path.split("/")[3], StandardCharsets.UTF_8);
      String function = name.substring(name.lastIndexOf(':') + 1);
      if (!authentic(exchange, payload)) {
        refuse(exchange, 403, "the request signature does not match");
      } else if (!functions.containsKey(function)) {
        refuse(exchange, 404, "function not found: " + name);
      } else if (!"Event".equals(exchange.getRequestHeaders().getFirst("X-Amz-Invocation-Type"))) {
        refuse(exchange, 400, "only asynchronous invocations are expected");
      } else {
        String text = new String(payload, StandardCharsets.UTF_8);
        invocations.add(text);
        Thread.ofVirtual().start(() -> event(function, text));
        exchange.sendResponseHeaders(202, -1);
      }
    }
  }

  /** Whether the request has the signature that its owner would have given it. */
  private boolean authentic(HttpExchange exchange, byte[] payload) {
    String date = exchange.getRequestHeaders().getFirst("X-Amz-Date");
    String given = exchange.getRequestHeaders().getFirst("Authorization");
    if (date == null || given == null) {
      return false;
    }
    Clock then = Clock.fixed(Instant.from(AMZ_DATE.parse(date)), ZoneOffset.UTC);
    SdkHttpRequest request =
        SdkHttpRequest.builder()
            .method(SdkHttpMethod.POST)
            .uri(endpoint().resolve(exchange.getRequestURI().getRawPath()))
            .putHeader("Content-Type", exchange.getRequestHeaders().getFirst("Content-Type"))
            .putHeader(
                "X-Amz-Invocation-Type",
                exchange.getRequestHeaders().getFirst("X-Amz-Invocation-Type"))
            .build();
    String expected =
        AwsV4HttpSigner.create()
            .sign(
                r ->
                    r.identity(credentials)
                        .request(request)
                        .payload(ContentStreamProvider.fromByteArray(payload))
                        .putProperty(AwsV4HttpSigner.SERVICE_SIGNING_NAME, "lambda")
                        .putProperty(AwsV4HttpSigner.REGION_NAME, REGION)
                        .putProperty(HttpSigner.SIGNING_CLOCK, then))
            .request()
            .firstMatchingHeader("Authorization")
            .orElseThrow();
    return expected.equals(given);
  }

  private static void refuse(HttpExchange exchange, int status, String message) throws IOException {
    byte[] body = ("{\"message\":\"" + message + "\"}").getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
  }

  @Override
  public void close() {
    api.stop(0);
    for (MockHttpEventServer server : functions.values()) {
      try {
        server.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
