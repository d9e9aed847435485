package io.sluice.functions.web;

import io.sluice.functions.audit.AuditLog;
import io.sluice.functions.auth.AccessPolicy;
import io.sluice.functions.auth.AccessTable;
import io.sluice.functions.auth.AuthenticationException;
import io.sluice.functions.auth.Principal;
import io.sluice.functions.auth.RateLimiter;
import io.sluice.functions.auth.Role;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.functions.engine.lambda.LambdaLoop;
import io.sluice.functions.problem.Problem;
import io.sluice.functions.trace.TraceContext;
import io.sluice.functions.trace.Tracer;
import io.sluice.model.ErrorKind;
import io.vertx.core.Context;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jboss.logging.Logger;

/**
 * Stands in front of every route, Funqy's included: lets in who may, by {@link AccessTable}, and
 * notes for those behind it who it is. What is not in the table does not exist.
 */
@ApplicationScoped
public class AccessGuard {
  /**
   * Before the handler that reads bodies; of routes with one order the first registered is first.
   */
  static final int ORDER = Integer.MIN_VALUE;

  private static final Logger LOG = Logger.getLogger(AccessGuard.class);
  private static final String REQUEST_ID = "X-Request-Id";
  private static final Pattern REQUEST_IDS = Pattern.compile("[A-Za-z0-9._-]{1,64}");

  @Inject SluiceConfig config;
  @Inject AccessPolicy policy;
  @Inject RateLimiter limiter;
  @Inject AuditLog audit;
  @Inject Tracer tracer;

  void register(@Observes @Priority(1) Router router) {
    router.route().order(ORDER).handler(this::handle);
  }

  private void handle(RoutingContext context) {
    String sent = context.request().getHeader(REQUEST_ID);
    String id =
        sent != null && REQUEST_IDS.matcher(sent).matches() ? sent : UUID.randomUUID().toString();
    context.response().putHeader(REQUEST_ID, id);
    if (policy.authenticator().isEmpty()) {
      pass(context, unasked(context), id);
      return;
    }
    HttpServerRequest request = context.request();
    String path = context.normalizedPath();
    Optional<AccessTable.Route> route = AccessTable.find(request.method().name(), path);
    if (route.isPresent() && isOpen(route.get())) {
      pass(context, Principal.ANYBODY, id);
      return;
    }
    try {
      String shown = request.getHeader(HttpHeaders.AUTHORIZATION);
      String method = request.method().name();
      Optional<Principal> principal = policy.authenticator().get().find(shown, method, path);
      if (principal.isPresent()) {
        judge(context, route, principal.get(), id);
      } else {
        later(context, route, shown, id);
      }
    } catch (AuthenticationException e) {
      refuse(context, e);
    }
  }

  /** Whoever calls an open server; on Lambda, AWS may have said who it is. */
  private Principal unasked(RoutingContext context) {
    String name =
        config.engine() == SluiceConfig.Engine.LAMBDA
            ? context.request().getHeader(LambdaLoop.CALLER)
            : null;
    return name == null
        ? Principal.ANYBODY
        : new Principal("aws:" + name, Principal.ANYBODY.role());
  }

  /** Nothing of the body is read before it is known who sends it. */
  private void later(
      RoutingContext context, Optional<AccessTable.Route> route, String shown, String id) {
    context.request().pause();
    Context loop = context.vertx().getOrCreateContext();
    Thread.ofVirtual()
        .name("sluice-authentication")
        .start(
            () -> {
              try {
                Principal principal = policy.authenticator().orElseThrow().verify(shown);
                loop.runOnContext(
                    v -> {
                      judge(context, route, principal, id);
                      context.request().resume(); // who reads the body is there by now
                    });
              } catch (Throwable failure) {
                loop.runOnContext(
                    v -> {
                      if (failure instanceof AuthenticationException e) {
                        refuse(context, e);
                      } else {
                        context.fail(failure);
                      }
                      context.request().resume();
                    });
              }
            });
  }

  private void judge(
      RoutingContext context, Optional<AccessTable.Route> route, Principal principal, String id) {
    if (principal.role() != Role.WORKER) {
      Duration wait = limiter.take(principal.name());
      if (wait.isPositive()) {
        tooMany(context, principal, wait);
        return;
      }
    }
    if (route.isEmpty()) {
      context.fail(AccessTable.knows(context.normalizedPath()) ? 405 : 404);
      return;
    }
    Role needed = route.get().role().orElse(Role.READ);
    if (!principal.role().covers(needed)) {
      String what = context.request().method() + " " + context.normalizedPath();
      audit.refused(principal, what, id);
      context.fail(CurrentCaller.refused(principal, needed, what));
      return;
    }
    pass(context, principal, id);
  }

  private void pass(RoutingContext context, Principal principal, String id) {
    CurrentCaller.note(context, principal, id, traced(context).map(Tracer.Running::context));
    context.next();
  }

  /** A span of the request until its answer is out, if it is one of people's and traces are on. */
  private Optional<Tracer.Running> traced(RoutingContext context) {
    HttpServerRequest request = context.request();
    String method = request.method().name();
    Optional<AccessTable.Route> route =
        tracer.on() ? AccessTable.find(method, context.normalizedPath()) : Optional.empty();
    if (route.isEmpty()
        || route.get().role().filter(role -> role != Role.WORKER).isEmpty()
        || route.get().path().startsWith("/q/")) {
      return Optional.empty();
    }
    Tracer.Running span =
        tracer.request(
            method + " " + route.get().path(),
            TraceContext.parse(request.getHeader(TraceContext.HEADER)));
    context.addEndHandler(
        ended -> {
          int status = context.response().getStatusCode();
          span.end(
              Map.of("http.request.method", method, "http.response.status_code", "" + status),
              status < 500 ? Optional.empty() : Optional.of("HTTP status " + status));
        });
    return Optional.of(span);
  }

  private boolean isOpen(AccessTable.Route route) {
    return route.role().isEmpty()
        || (config.auth().openMetrics() && route.path().equals("/q/metrics"))
        || (config.auth().openEvents() && route.path().equals("/events"));
  }

  private static void refuse(RoutingContext context, AuthenticationException why) {
    LOG.debugf("%s %s: %s", context.request().method(), context.normalizedPath(), why.code());
    boolean shown = !why.code().equals("token-missing");
    context
        .response()
        .putHeader(
            "WWW-Authenticate",
            "Bearer realm=\"sluice\"" + (shown ? ", error=\"invalid_token\"" : ""));
    ProblemRoutes.send(context, new Problem(401, why.kind().name(), why.code(), why.getMessage()));
  }

  private void tooMany(RoutingContext context, Principal principal, Duration wait) {
    long seconds = Math.max(1, wait.plusMillis(999).toSeconds());
    context.response().putHeader("Retry-After", Long.toString(seconds));
    ProblemRoutes.send(
        context,
        new Problem(
            429,
            ErrorKind.TRANSIENT.name(),
            "rate-limited",
            "'%s' may make %d requests a second; try again in %d s"
                .formatted(principal.name(), config.auth().requestsPerSecond(), seconds)));
  }
}
