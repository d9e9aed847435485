package io.sluice.functions.engine.lambda;

import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * The runtime API of AWS Lambda, version 2018-06-01: where a custom runtime gets its events from
 * and leaves its answers.
 *
 * @see <a href="https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html">Lambda runtime
 *     API</a>
 */
final class LambdaRuntime {
  /** Most bytes of an event or an answer that is not streamed. */
  static final int MAX_PAYLOAD = 6 * 1024 * 1024;

  private static final Duration ANSWER = Duration.ofSeconds(30);

  private final HttpClient client;
  private final String base;

  /**
   * An event to be answered.
   *
   * @param deadline when the instance is stopped, if the API says so
   */
  record Invocation(String id, Optional<Instant> deadline, byte[] event) {}

  /**
   * @param api host and port as in the environment variable {@code AWS_LAMBDA_RUNTIME_API}
   */
  LambdaRuntime(String api) {
    base = "http://" + api + "/2018-06-01/runtime/";
    client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(10))
            .build();
  }

  /** Waits for the next event, however long; the instance may be frozen meanwhile. */
  Invocation next() throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(base + "invocation/next")).GET().build();
    HttpResponse<byte[]> response = client.send(request, HttpResponse.BodyHandlers.ofByteArray());
    if (response.statusCode() != 200) {
      throw new IOException("the Lambda runtime API answered with " + response.statusCode());
    }
    String id =
        response
            .headers()
            .firstValue("Lambda-Runtime-Aws-Request-Id")
            .orElseThrow(() -> new IOException("the Lambda runtime API gave an event without id"));
    Optional<Instant> deadline =
        response
            .headers()
            .firstValue("Lambda-Runtime-Deadline-Ms")
            .map(Long::parseLong)
            .map(Instant::ofEpochMilli);
    return new Invocation(id, deadline, response.body());
  }

  /** Answers an event. */
  void respond(Invocation invocation, byte[] answer) throws IOException, InterruptedException {
    post(invocation.id() + "/response", answer, Optional.empty());
  }

  /**
   * Answers an event with an error of the function.
   *
   * @param type a code
   * @param document {@code errorMessage}, {@code errorType}
   */
  void fail(Invocation invocation, String type, String document)
      throws IOException, InterruptedException {
    post(
        invocation.id() + "/error",
        document.getBytes(StandardCharsets.UTF_8),
        Optional.of("Sluice." + type));
  }

  private void post(String path, byte[] body, Optional<String> errorType)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(base + "invocation/" + path))
            .timeout(ANSWER)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofByteArray(body));
    errorType.ifPresent(type -> request.header("Lambda-Runtime-Function-Error-Type", type));
    HttpResponse<String> response =
        client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() / 100 != 2) {
      throw new SluiceException(
          ErrorKind.FATAL,
          "lambda-answer-refused",
          "the Lambda runtime API answered an answer of "
              + body.length
              + " bytes with "
              + response.statusCode()
              + " "
              + response.body());
    }
  }
}
