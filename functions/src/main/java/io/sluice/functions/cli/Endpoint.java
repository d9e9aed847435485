package io.sluice.functions.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.functions.engine.http.RemoteProblem;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Optional;

/** The functions of a server, over HTTP. */
final class Endpoint {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration CONNECT = Duration.ofSeconds(5);
  private static final Duration ANSWER = Duration.ofMinutes(2);

  private final URI base;
  private final Optional<String> token;
  private final HttpClient client =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(CONNECT)
          .followRedirects(HttpClient.Redirect.NEVER)
          .build();

  /**
   * @param token what it is to know the caller by, if it asks
   */
  Endpoint(URI base, Optional<String> token) {
    this.base = base;
    this.token = token;
  }

  /** Asks for a document. */
  JsonNode get(String path) throws InterruptedException {
    return answer(path, request(path).GET());
  }

  /** Calls a function. */
  JsonNode post(String path, JsonNode body) throws InterruptedException {
    return answer(
        path,
        request(path)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body.toString())));
  }

  /**
   * Opens the events of a job.
   *
   * @param after id of the last event that was seen, empty for none
   * @throws IOException if the server cannot be reached
   */
  InputStream events(String job, String after) throws IOException, InterruptedException {
    String path = "jobs/" + job + "/events";
    HttpRequest.Builder request = request(path).header("Accept", "text/event-stream");
    if (!after.isEmpty()) {
      request.header("Last-Event-ID", after);
    }
    HttpResponse<InputStream> response =
        client.send(request.GET().build(), BodyHandlers.ofInputStream());
    if (response.statusCode() != 200) {
      try (InputStream body = response.body()) {
        throw RemoteProblem.of(base, path, response.statusCode(), JSON.readTree(body));
      }
    }
    return response.body();
  }

  private JsonNode answer(String path, HttpRequest.Builder request) throws InterruptedException {
    try {
      HttpResponse<String> response = client.send(request.build(), BodyHandlers.ofString());
      JsonNode body = parse(path, response);
      if (response.statusCode() / 100 != 2) {
        throw RemoteProblem.of(base, path, response.statusCode(), body);
      }
      return body;
    } catch (ConnectException e) {
      throw unreachable("no server answers at " + base, e);
    } catch (IOException e) {
      throw unreachable("cannot call " + base + ": " + e, e);
    }
  }

  private JsonNode parse(String path, HttpResponse<String> response) {
    try {
      return response.body().isEmpty() ? JSON.nullNode() : JSON.readTree(response.body());
    } catch (JsonProcessingException e) {
      if (response.statusCode() / 100 != 2) {
        ObjectNode none = JsonNodeFactory.instance.objectNode();
        throw RemoteProblem.of(base, path, response.statusCode(), none);
      }
      throw unreachable("what answers at " + base + " is no Sluice: it sent no JSON", e);
    }
  }

  private HttpRequest.Builder request(String path) {
    String root = base.toString().replaceFirst("/+$", "");
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(root + "/" + path)).timeout(ANSWER);
    token.ifPresent(value -> request.header("Authorization", "Bearer " + value));
    return request;
  }

  private static SluiceException unreachable(String message, Exception cause) {
    return new SluiceException(ErrorKind.TRANSIENT, "endpoint-unreachable", message, cause);
  }
}
