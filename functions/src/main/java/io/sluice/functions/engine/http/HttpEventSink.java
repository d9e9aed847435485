package io.sluice.functions.engine.http;

import io.sluice.event.CloudEvent;
import io.sluice.event.EventException;
import io.sluice.event.EventSink;
import io.sluice.event.HttpBinding;
import io.sluice.model.ErrorKind;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Optional;

/** Posts events to their sink, in binary mode. */
public final class HttpEventSink implements EventSink {
  private static final Duration ANSWER = Duration.ofSeconds(30);

  private final HttpClient client =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(5))
          .build();
  private final Optional<String> authorization;

  /**
   * @param authorization value of the header {@code Authorization}
   */
  public HttpEventSink(Optional<String> authorization) {
    this.authorization = authorization;
  }

  @Override
  public void send(URI sink, CloudEvent event) throws InterruptedException {
    HttpBinding.Message message = HttpBinding.write(event);
    HttpRequest.Builder request =
        HttpRequest.newBuilder(sink)
            .timeout(ANSWER)
            .POST(HttpRequest.BodyPublishers.ofByteArray(message.body()));
    message.headers().forEach(request::header);
    authorization.ifPresent(value -> request.header("Authorization", value));
    int status;
    try {
      status = client.send(request.build(), HttpResponse.BodyHandlers.discarding()).statusCode();
    } catch (IOException e) {
      throw new EventException(
          ErrorKind.TRANSIENT, "sink-unreachable", "cannot send events to " + sink + ": " + e, e);
    }
    if (status / 100 != 2) {
      throw new EventException(
          later(status) ? ErrorKind.TRANSIENT : ErrorKind.FATAL,
          "sink-refused",
          "the sink of events " + sink + " answered with HTTP status " + status);
    }
  }

  /** A broker that is not there yet answers with 404. */
  private static boolean later(int status) {
    return status >= 500 || status == 404 || status == 408 || status == 429;
  }
}
