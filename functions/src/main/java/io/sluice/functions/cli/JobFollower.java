package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.job.JobState;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;

/**
 * Follows a job on a server to its end: by its events, which go on where they were when a
 * connection breaks; by looks at the job when there are none.
 */
final class JobFollower {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** How long a server that cannot be reached is tried. */
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  private static final Duration PAUSE = Duration.ofMillis(500);

  /** The server sends something every 15 seconds; after that without, the connection is dead. */
  private static final Duration SILENCE = Duration.ofSeconds(45);

  private final Endpoint endpoint;
  private final ProgressView progress;

  JobFollower(Endpoint endpoint, ProgressView progress) {
    this.endpoint = endpoint;
    this.progress = progress;
  }

  /** Waits for the end of a job and returns its document. */
  JsonNode follow(String job) throws InterruptedException {
    String after = "";
    long lost = 0;
    while (true) {
      try {
        after = events(job, after);
        JsonNode document = endpoint.get("jobs/" + job);
        if (over(document)) {
          return document;
        }
        lost = 0;
      } catch (IOException | SluiceException e) {
        boolean gone = e instanceof IOException || ((SluiceException) e).retryable();
        lost = lost == 0 ? System.nanoTime() : lost;
        if (!gone || System.nanoTime() - lost > PATIENCE.toNanos()) {
          throw e instanceof SluiceException known
              ? known
              : new SluiceException(
                  ErrorKind.TRANSIENT,
                  "endpoint-unreachable",
                  "lost the server of job " + job + ", which goes on without: " + e.getMessage(),
                  e);
        }
      }
      Thread.sleep(PAUSE);
    }
  }

  /**
   * The result of a finished job with its id and duration.
   *
   * @throws SluiceException the error of one that failed
   */
  static JsonNode result(JsonNode job) {
    String state = job.path("state").asText();
    if (job.hasNonNull("error")) {
      JsonNode error = job.get("error");
      throw new SluiceException(
          kind(error.path("kind").asText()),
          error.path("code").asText(),
          error.path("detail").asText());
    }
    if (!state.equals(JobState.SUCCEEDED.text())) {
      throw new SluiceException(
          ErrorKind.CONFLICT, "job-" + state, "job " + job.path("id").asText() + " is " + state);
    }
    ObjectNode answer = JsonNodeFactory.instance.objectNode().put("job", job.path("id").asText());
    answer.setAll((ObjectNode) job.get("result"));
    Duration duration =
        Duration.between(
            Instant.parse(job.get("createdAt").asText()),
            Instant.parse(job.get("updatedAt").asText()));
    return answer.put("seconds", duration.toMillis() / 1000.0);
  }

  /** Whether nothing happens to a job any more. */
  static boolean over(JsonNode job) {
    return JobState.of(job.path("state").asText()).terminal();
  }

  /** Shows events until the stream ends; the id of the last one. */
  private String events(String job, String after) throws IOException, InterruptedException {
    try (InputStream stream = endpoint.events(job, after);
        Watchdog watchdog = new Watchdog(stream)) {
      ServerEvents events =
          new ServerEvents(new InputStreamReader(stream, StandardCharsets.UTF_8), after);
      try {
        for (var event = events.next(watchdog::fed);
            event != null;
            event = events.next(watchdog::fed)) {
          progress.event(event.type(), JSON.readTree(event.data()));
        }
      } catch (IOException e) {
        if (Thread.interrupted()) {
          throw new InterruptedException();
        }
        // Broken off: the job is looked at, then the events go on.
        progress.note("the events broke off: " + e.getMessage());
      }
      return events.lastId();
    }
  }

  private static ErrorKind kind(String name) {
    for (ErrorKind kind : ErrorKind.values()) {
      if (kind.name().equals(name)) {
        return kind;
      }
    }
    return ErrorKind.FATAL;
  }

  /** Closes a stream on which nothing comes any more. */
  private static final class Watchdog implements AutoCloseable {
    private final Thread thread;
    private volatile long fedAt = System.nanoTime();

    Watchdog(InputStream stream) {
      thread =
          Thread.ofVirtual()
              .name("sluice-events-watchdog")
              .start(
                  () -> {
                    try {
                      while (System.nanoTime() - fedAt < SILENCE.toNanos()) {
                        Thread.sleep(SILENCE.dividedBy(9));
                      }
                      stream.close();
                    } catch (InterruptedException | IOException e) {
                      // Nobody reads any more, or the stream is closed already.
                      Thread.currentThread().interrupt();
                    }
                  });
    }

    void fed() {
      fedAt = System.nanoTime();
    }

    @Override
    public void close() {
      thread.interrupt();
    }
  }
}
