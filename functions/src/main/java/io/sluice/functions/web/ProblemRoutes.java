package io.sluice.functions.web;

import io.quarkus.funqy.runtime.ApplicationException;
import io.sluice.functions.auth.AccessTable;
import io.sluice.functions.problem.Problem;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import org.jboss.logging.Logger;

/** Turns every failure of every route, Funqy's included, into a problem document. */
@ApplicationScoped
public class ProblemRoutes {
  private static final Logger LOG = Logger.getLogger(ProblemRoutes.class);

  void register(@Observes Router router) {
    router.route().order(AccessGuard.ORDER).failureHandler(ProblemRoutes::answer);
    // Funqy would let a GET call a function with its query as input.
    for (String function : AccessTable.functions()) {
      router
          .route(function)
          .method(HttpMethod.GET)
          .method(HttpMethod.HEAD)
          .order(AccessGuard.ORDER + 1)
          .handler(context -> context.fail(405));
    }
    router.errorHandler(404, ProblemRoutes::answer);
    router.errorHandler(405, ProblemRoutes::answer);
  }

  /** Ends the request with the problem that made it fail. */
  static void answer(RoutingContext context) {
    if (context.response().headWritten()) {
      context.response().reset();
      return;
    }
    Problem problem = problem(context);
    if (problem.status() == 500) {
      LOG.errorf(
          context.failure(), "%s %s failed", context.request().method(), context.normalizedPath());
    }
    send(context, problem);
  }

  /** Sends a problem document. */
  static void send(RoutingContext context, Problem problem) {
    context
        .response()
        .setStatusCode(problem.status())
        .putHeader(HttpHeaders.CONTENT_TYPE, Problem.MEDIA_TYPE)
        .end(problem.toJson().toString());
  }

  private static Problem problem(RoutingContext context) {
    Throwable failure = unwrap(context.failure());
    if (failure != null) {
      return Problem.of(failure);
    }
    return switch (context.statusCode()) {
      case 400 ->
          Problem.of(
              new SluiceException(
                  ErrorKind.INVALID,
                  "body-invalid",
                  "the request body is not one JSON document without duplicate fields"));
      case 404 ->
          new Problem(
              404,
              ErrorKind.MISSING.name(),
              "route-missing",
              "no such function: " + context.normalizedPath());
      case 405 ->
          new Problem(
              405,
              ErrorKind.INVALID.name(),
              "method-not-allowed",
              context.request().method() + " is not a method of " + context.normalizedPath());
      case 413 ->
          new Problem(
              413,
              ErrorKind.INVALID.name(),
              "body-too-large",
              "the request body is larger than the server takes");
      default ->
          new Problem(
              context.statusCode() < 400 ? 500 : context.statusCode(),
              ErrorKind.FATAL.name(),
              "internal",
              "internal error");
    };
  }

  private static Throwable unwrap(Throwable failure) {
    Throwable at = failure;
    while (at != null
        && !(at instanceof SluiceException)
        && (at instanceof ApplicationException
            || at instanceof java.util.concurrent.CompletionException
            || at instanceof java.util.concurrent.ExecutionException)
        && at.getCause() != null) {
      at = at.getCause();
    }
    return at;
  }
}
