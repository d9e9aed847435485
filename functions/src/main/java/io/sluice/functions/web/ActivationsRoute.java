package io.sluice.functions.web;

import io.sluice.compute.embed.EmbedException;
import io.sluice.compute.embed.Embedder;
import io.sluice.compute.embed.Stages;
import io.sluice.functions.engine.http.HttpStageLink;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import io.vertx.core.Context;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;

/**
 * The worker's side of an encoder pipeline: {@code POST /activations}, bytes in and out. For
 * workers only; what they send is described at {@code StageRequest}.
 */
@ApplicationScoped
public class ActivationsRoute {
  private static final String BYTES = "application/octet-stream";

  @Inject Embedder embedder;

  void register(@Observes Router router) {
    // before the handler that collects bodies for functions, whose limit is that of JSON
    router.post("/activations").order(AccessGuard.ORDER).handler(this::handle);
  }

  private void handle(RoutingContext context) {
    HttpServerRequest request = context.request();
    String type = request.getHeader(HttpHeaders.CONTENT_TYPE);
    if (type == null || !type.startsWith(BYTES)) {
      context.fail(invalid("activations come as " + BYTES + ", got '" + type + "'"));
      return;
    }
    Buffer body = Buffer.buffer();
    request.exceptionHandler(context::fail);
    request.handler(
        part -> {
          if (body.length() + part.length() > Stages.MAX_BYTES) {
            request.handler(rest -> {});
            request.endHandler(v -> {});
            context.fail(
                invalid("activations have at most " + Stages.MAX_BYTES + " bytes, got more"));
            return;
          }
          body.appendBuffer(part);
        });
    Context loop = context.vertx().getOrCreateContext();
    request.endHandler(
        v ->
            Thread.ofVirtual()
                .name("sluice-activations")
                .start(() -> answer(context, loop, body.getBytes())));
  }

  private void answer(RoutingContext context, Context loop, byte[] request) {
    try {
      Buffer vectors = Buffer.buffer(embedder.stages().execute(request));
      loop.runOnContext(
          v -> context.response().putHeader(HttpHeaders.CONTENT_TYPE, BYTES).end(vectors));
    } catch (Throwable failure) {
      loop.runOnContext(
          v -> {
            if (failure instanceof EmbedException e && e.worker() != null) {
              context.response().putHeader(HttpStageLink.FAILED_WORKER, e.worker());
            }
            context.fail(failure);
          });
    }
  }

  private static SluiceException invalid(String message) {
    return new SluiceException(ErrorKind.INVALID, "activations-invalid", message);
  }
}
