package io.sluice.functions.engine.lambda;

import io.sluice.functions.problem.Problem;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jboss.logging.Logger;

/**
 * The life of an instance: takes an event, has the server of this process answer it as the HTTP
 * request that it stands for, leaves the answer, takes the next. So the functions are the same
 * program everywhere, and nothing of them knows of Lambda.
 */
public final class LambdaLoop {
  /** Header that names, to the server of this process only, whom AWS has let in. */
  public static final String CALLER = LambdaEvent.CALLER;

  private static final Logger LOG = Logger.getLogger(LambdaLoop.class);

  /** Headers that say something of the connection, not of the answer. */
  private static final List<String> OF_THE_HOP =
      List.of("content-length", "transfer-encoding", "connection");

  private final LambdaRuntime runtime;
  private final URI server;
  private final Optional<String> export;
  private final InstanceTime time;
  private final HttpClient client;

  /**
   * @param api host and port of the runtime API
   * @param server of this process
   * @param export the function that events which are no HTTP requests are for
   */
  public LambdaLoop(String api, URI server, Optional<String> export, InstanceTime time) {
    this.runtime = new LambdaRuntime(api);
    this.server = server;
    this.export = export;
    this.time = time;
    this.client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  }

  /**
   * Answers events until the thread is interrupted.
   *
   * @throws IOException if the runtime API is gone: then the instance has no more use
   */
  public void run() throws IOException, InterruptedException {
    while (!Thread.currentThread().isInterrupted()) {
      LambdaRuntime.Invocation invocation = runtime.next();
      time.begin(invocation.deadline());
      answer(invocation);
    }
  }

  private void answer(LambdaRuntime.Invocation invocation)
      throws IOException, InterruptedException {
    LambdaEvent event;
    HttpResponse<byte[]> response;
    try {
      event = LambdaEvent.read(invocation.event(), export);
      response = client.send(request(event), HttpResponse.BodyHandlers.ofByteArray());
    } catch (SluiceException e) {
      LOG.warnf("invocation %s: %s", invocation.id(), e.getMessage());
      runtime.fail(invocation, e.code(), LambdaEvent.error(e.code(), e.getMessage()));
      return;
    } catch (IOException e) {
      LOG.errorf(e, "invocation %s: the server of this process did not answer", invocation.id());
      runtime.fail(invocation, "internal", LambdaEvent.error("internal", e.toString()));
      return;
    }
    if (!event.http()) {
      leave(invocation, response);
      return;
    }
    byte[] answer = http(response);
    if (answer.length > LambdaRuntime.MAX_PAYLOAD) {
      answer = tooLarge(answer.length);
    }
    runtime.respond(invocation, answer);
  }

  private HttpRequest request(LambdaEvent event) {
    HttpRequest.Builder request;
    try {
      request =
          HttpRequest.newBuilder(server.resolve(event.target()))
              .method(event.method(), HttpRequest.BodyPublishers.ofByteArray(event.body()));
      event.headers().forEach(request::setHeader);
      event.caller().ifPresent(caller -> request.setHeader(LambdaEvent.CALLER, caller));
    } catch (IllegalArgumentException e) {
      throw new SluiceException(
          ErrorKind.INVALID, "event-invalid", "the event is no HTTP request: " + e.getMessage(), e);
    }
    Duration left = time.left();
    if (left.isPositive()) {
      request.timeout(left.plus(InstanceTime.RESERVE));
    }
    return request.build();
  }

  /**
   * The answer to an invocation that is no HTTP request: the document, or an error of the function.
   */
  private void leave(LambdaRuntime.Invocation invocation, HttpResponse<byte[]> response)
      throws IOException, InterruptedException {
    if (response.statusCode() / 100 == 2 && response.body().length <= LambdaRuntime.MAX_PAYLOAD) {
      runtime.respond(invocation, response.body());
      return;
    }
    String text =
        response.statusCode() / 100 == 2
            ? sizeMessage(response.body().length)
            : new String(response.body(), StandardCharsets.UTF_8);
    LOG.warnf("invocation %s failed: %s", invocation.id(), text);
    runtime.fail(
        invocation,
        "http-" + response.statusCode(),
        LambdaEvent.error("http-" + response.statusCode(), text));
  }

  private static byte[] http(HttpResponse<byte[]> response) {
    Map<String, String> headers = new LinkedHashMap<>();
    response
        .headers()
        .map()
        .forEach(
            (name, values) -> {
              if (!OF_THE_HOP.contains(name) && !name.startsWith(":")) {
                headers.put(name, String.join(",", values));
              }
            });
    return LambdaEvent.answer(
        response.statusCode(),
        headers,
        response.headers().firstValue("content-type").orElse(""),
        response.body());
  }

  private static byte[] tooLarge(int bytes) {
    Problem problem =
        Problem.of(new SluiceException(ErrorKind.CAPACITY, "answer-too-large", sizeMessage(bytes)));
    return LambdaEvent.answer(
        problem.status(),
        Map.of("content-type", Problem.MEDIA_TYPE),
        Problem.MEDIA_TYPE,
        problem.toJson().toString().getBytes(StandardCharsets.UTF_8));
  }

  private static String sizeMessage(int bytes) {
    return "an answer of "
        + bytes
        + " bytes does not go through Lambda, which takes at most "
        + LambdaRuntime.MAX_PAYLOAD
        + ": have the output stored as a model, or ask for less";
  }
}
