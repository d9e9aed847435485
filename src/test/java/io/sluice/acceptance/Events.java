package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Reads an event stream to its end, by the rules of server-sent events. */
final class Events {
  private Events() {}

  /**
   * An event.
   *
   * @param id what to go on after
   * @param type {@code state}, {@code task}, {@code retry} or {@code progress}
   */
  record Event(String id, String type, JsonNode data) {}

  /** All events of a job, after the one of that id if given; returns when the server ends. */
  static List<Event> of(Api api, String job, Optional<String> lastId) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(api.base() + "/jobs/" + job + "/events"))
            .timeout(Await.LONG);
    lastId.ifPresent(id -> request.header("Last-Event-ID", id));
    try (HttpClient client = HttpClient.newHttpClient()) {
      HttpResponse<Stream<String>> response =
          client.send(request.build(), HttpResponse.BodyHandlers.ofLines());
      assertThat(response.statusCode()).isEqualTo(200);
      assertThat(response.headers().firstValue("content-type")).contains("text/event-stream");
      List<Event> events = new ArrayList<>();
      String id = "";
      String type = "";
      String data = "";
      for (String line : (Iterable<String>) response.body()::iterator) {
        if (line.isEmpty()) {
          if (!data.isEmpty()) {
            events.add(new Event(id, type, Api.parse(data)));
          }
          type = "";
          data = "";
        } else if (line.startsWith("id: ")) {
          id = line.substring(4);
        } else if (line.startsWith("event: ")) {
          type = line.substring(7);
        } else if (line.startsWith("data: ")) {
          data += line.substring(6);
        } else {
          assertThat(line).as("a comment").startsWith(":");
        }
      }
      return events;
    } catch (IOException e) {
      throw new AssertionError("the stream of job " + job + " broke", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }
}
