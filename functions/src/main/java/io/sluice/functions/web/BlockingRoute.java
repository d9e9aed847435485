package io.sluice.functions.web;

import com.fasterxml.jackson.databind.JsonNode;
import io.vertx.core.Context;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;

/** A route that answers with JSON and may block: it runs on a virtual thread. */
@FunctionalInterface
interface BlockingRoute {
  /** The answer. */
  JsonNode answer(RoutingContext context) throws Exception;

  /** The route as a handler for Vert.x. */
  static Handler<RoutingContext> of(BlockingRoute route) {
    return context -> {
      Context loop = context.vertx().getOrCreateContext();
      Thread.ofVirtual()
          .name("sluice-route")
          .start(
              () -> {
                try {
                  String body = route.answer(context).toString();
                  loop.runOnContext(
                      v ->
                          context
                              .response()
                              .putHeader(HttpHeaders.CONTENT_TYPE, "application/json")
                              .end(body));
                } catch (Throwable failure) {
                  loop.runOnContext(v -> context.fail(failure));
                }
              });
    };
  }
}
