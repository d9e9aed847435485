package io.sluice.functions.trace;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jboss.logging.Logger;

/**
 * Sends spans to a collector: OTLP over HTTP in JSON (OpenTelemetry protocol 1). Spans that the
 * collector is too slow for, or refuses, are let go; nothing waits for it.
 */
public final class OtlpExporter implements AutoCloseable {
  private static final Logger LOG = Logger.getLogger(OtlpExporter.class);
  private static final int MAX_WAITING = 10_000;
  private static final int BATCH = 500;
  private static final Duration PAUSE = Duration.ofSeconds(1);
  private static final Duration ANSWER = Duration.ofSeconds(10);
  private static final Duration CLOSE = Duration.ofSeconds(5);

  private final URI collector;
  private final String worker;
  private final HttpClient client = HttpClient.newBuilder().connectTimeout(ANSWER).build();
  private final BlockingQueue<Span> waiting = new ArrayBlockingQueue<>(MAX_WAITING);
  private final AtomicLong lost = new AtomicLong();
  private final Thread thread;
  private volatile boolean closed;

  /**
   * @param endpoint base URL of the collector, such as {@code http://collector:4318}
   * @param worker names this process
   */
  public OtlpExporter(URI endpoint, String worker) {
    this.collector = URI.create(endpoint.toString().replaceFirst("/+$", "") + "/v1/traces");
    this.worker = worker;
    this.thread = Thread.ofVirtual().name("sluice-traces").start(this::run);
  }

  void add(Span span) {
    if (!waiting.offer(span)) {
      lost.incrementAndGet();
    }
  }

  private void run() {
    while (!closed || !waiting.isEmpty()) {
      List<Span> batch = new ArrayList<>();
      try {
        Span first = waiting.poll(PAUSE.toMillis(), TimeUnit.MILLISECONDS);
        if (first == null) {
          continue;
        }
        batch.add(first);
        if (!closed) {
          Thread.sleep(PAUSE); // what happens at once goes together
        }
      } catch (InterruptedException e) {
        closed = true;
      }
      waiting.drainTo(batch, BATCH - batch.size());
      if (!batch.isEmpty()) {
        send(batch);
      }
    }
  }

  private void send(List<Span> batch) {
    try {
      HttpResponse<Void> answer =
          client.send(
              HttpRequest.newBuilder(collector)
                  .timeout(closed ? CLOSE : ANSWER)
                  .header("Content-Type", "application/json")
                  .POST(HttpRequest.BodyPublishers.ofString(json(batch).toString()))
                  .build(),
              HttpResponse.BodyHandlers.discarding());
      if (answer.statusCode() / 100 != 2) {
        failed(batch, "HTTP status " + answer.statusCode());
      }
    } catch (IOException e) {
      failed(batch, e.toString());
    } catch (InterruptedException e) {
      closed = true;
      failed(batch, "interrupted");
    }
  }

  private void failed(List<Span> batch, String why) {
    long sum = lost.addAndGet(batch.size());
    LOG.debugf("%s did not take %d spans (%d so far): %s", collector, batch.size(), sum, why);
  }

  private ObjectNode json(List<Span> batch) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    ObjectNode resource = json.putArray("resourceSpans").addObject();
    resource
        .putObject("resource")
        .set(
            "attributes",
            Span.attributes(Map.of("service.name", "sluice", "service.instance.id", worker)));
    ObjectNode scope = resource.putArray("scopeSpans").addObject();
    scope.putObject("scope").put("name", "io.sluice");
    ArrayNode spans = scope.putArray("spans");
    batch.forEach(span -> spans.add(span.toJson()));
    return json;
  }

  /** Sends what waits, for a few seconds at most. */
  @Override
  public void close() {
    closed = true;
    try {
      if (!thread.join(CLOSE)) {
        thread.interrupt();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
