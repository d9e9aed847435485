package io.sluice.functions.web;

import io.sluice.event.CloudEvent;
import io.sluice.event.HttpBinding;
import io.sluice.functions.engine.UploadedModels;
import io.sluice.functions.problem.Problem;
import io.sluice.model.ErrorKind;
import io.vertx.core.Context;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.util.Optional;

/**
 * Takes CloudEvents in binary and structured mode: {@code POST /events}. The answer is 202 without
 * a body, because a broker takes any body for another event; its header {@value #JOB} tells the
 * job.
 */
@ApplicationScoped
public class EventsRoute {
  /** Header of an answer that names the job that the event has started. */
  static final String JOB = "Sluice-Job";

  @Inject UploadedModels models;

  void register(@Observes Router router) {
    router.post("/events").handler(this::handle);
  }

  private void handle(RoutingContext context) {
    Buffer body = context.body().buffer();
    int size = body == null ? 0 : body.length();
    if (size > HttpBinding.MAX_BYTES) {
      ProblemRoutes.send(
          context,
          new Problem(
              413,
              ErrorKind.INVALID.name(),
              "event-too-large",
              "the body of an event has at most " + HttpBinding.MAX_BYTES + " bytes, got " + size));
      return;
    }
    byte[] bytes = body == null ? new byte[0] : body.getBytes();
    Context loop = context.vertx().getOrCreateContext();
    Thread.ofVirtual().name("sluice-event").start(() -> answer(context, loop, bytes));
  }

  private void answer(RoutingContext context, Context loop, byte[] body) {
    try {
      CloudEvent event =
          HttpBinding.read(name -> Optional.ofNullable(context.request().getHeader(name)), body);
      String job = models.load(event);
      loop.runOnContext(
          v ->
              context
                  .response()
                  .setStatusCode(202)
                  .putHeader(JOB, job)
                  .putHeader(HttpHeaders.LOCATION, "/jobs/" + job)
                  .end());
    } catch (Throwable failure) {
      loop.runOnContext(v -> context.fail(failure));
    }
  }
}
