package io.sluice.functions.web;

import io.sluice.job.JobEvent;
import io.sluice.job.JobStore;
import io.sluice.job.JobWaiter;
import io.vertx.core.Context;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.regex.Pattern;
import org.jboss.logging.Logger;

/**
 * The events of a job as server-sent events (WHATWG HTML, section 9.2): those that were first, then
 * each as it happens, until the job is over. {@code Last-Event-ID} goes on from where it was.
 */
@ApplicationScoped
public class JobEventsRoute {
  private static final Logger LOG = Logger.getLogger(JobEventsRoute.class);
  private static final int PAGE = 100;
  private static final Duration KEEP_ALIVE = Duration.ofSeconds(15);
  private static final Pattern EVENT_ID = Pattern.compile("[0-9]{1,19}-[0-9]{1,19}");

  @Inject JobStore jobs;
  @Inject JobWaiter waiter;

  void register(@Observes Router router) {
    router.get("/jobs/:id/events").handler(this::handle);
  }

  private void handle(RoutingContext context) {
    Context loop = context.vertx().getOrCreateContext();
    String last = context.request().getHeader("Last-Event-ID");
    String from = last != null && EVENT_ID.matcher(last).matches() ? last : JobEvent.START;
    Thread.ofVirtual()
        .name("sluice-events")
        .start(
            () -> {
              try {
                stream(context, loop, context.pathParam("id"), from);
              } catch (Throwable failure) {
                loop.runOnContext(v -> context.fail(failure));
              }
            });
  }

  private void stream(RoutingContext context, Context loop, String job, String from)
      throws InterruptedException {
    jobs.get(job);
    HttpServerResponse response = context.response();
    response
        .setChunked(true)
        .putHeader(HttpHeaders.CONTENT_TYPE, "text/event-stream")
        .putHeader(HttpHeaders.CACHE_CONTROL, "no-store");
    String after = from;
    while (true) {
      // If the job is over before its events are looked at, there is nothing to wait for.
      boolean over = jobs.get(job).state().terminal();
      List<JobEvent> events =
          over ? jobs.events(job, after, PAGE) : waiter.awaitEvents(job, after, PAGE, KEEP_ALIVE);
      if (over && events.isEmpty()) {
        loop.runOnContext(v -> response.end());
        return;
      }
      StringBuilder text = new StringBuilder();
      for (JobEvent event : events) {
        after = event.id();
        text.append("id: ").append(event.id()).append('\n');
        text.append("event: ").append(event.type().text()).append('\n');
        text.append("data: ").append(event.data()).append("\n\n");
      }
      if (events.isEmpty()) {
        text.append(": still here\n\n");
      }
      if (!write(loop, response, text.toString())) {
        return;
      }
    }
  }

  /** Writes and waits until it is on its way; false if the client has gone. */
  private static boolean write(Context loop, HttpServerResponse response, String text)
      throws InterruptedException {
    if (response.closed()) {
      return false;
    }
    var done = new java.util.concurrent.CompletableFuture<Void>();
    loop.runOnContext(
        v ->
            response
                .write(text)
                .onComplete(
                    result -> {
                      if (result.succeeded()) {
                        done.complete(null);
                      } else {
                        done.completeExceptionally(result.cause());
                      }
                    }));
    try {
      done.get();
      return true;
    } catch (ExecutionException e) {
      LOG.debugf("a client of events has gone: %s", e.getCause().getMessage());
      return false;
    }
  }
}
