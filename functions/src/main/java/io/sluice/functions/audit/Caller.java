package io.sluice.functions.audit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.functions.auth.Principal;
import io.sluice.functions.auth.Role;
import io.sluice.functions.trace.TraceContext;
import io.sluice.functions.trace.TracedKind;
import java.util.Objects;
import java.util.Optional;

/**
 * On whose behalf something is done. It goes with a job: the worker that publishes what a job made
 * is hardly the one that was asked for it.
 *
 * @param principal who has asked
 * @param requestId by which request
 * @param trace where in a trace that request is, if traces are collected
 */
public record Caller(Principal principal, String requestId, Optional<TraceContext> trace) {
  private static final String FIELD = "caller";
  private static final ScopedValue<Caller> CURRENT = ScopedValue.newInstance();

  public Caller {
    Objects.requireNonNull(principal, "principal");
    Objects.requireNonNull(requestId, "requestId");
    Objects.requireNonNull(trace, "trace");
  }

  /** On whose behalf this thread works, if it is on somebody's. */
  public static Optional<Caller> current() {
    return CURRENT.isBound() ? Optional.of(CURRENT.get()) : Optional.empty();
  }

  /** Does something on behalf of this caller. */
  public <T, X extends Throwable> T call(ScopedValue.CallableOp<T, X> action) throws X {
    return ScopedValue.where(CURRENT, this).call(action);
  }

  /** The request of a job with its caller, and its place in a trace, noted in it. */
  public ObjectNode noteIn(ObjectNode request) {
    ObjectNode noted = TracedKind.noteIn(request.deepCopy(), trace);
    noted.set(
        FIELD,
        JsonNodeFactory.instance
            .objectNode()
            .put("name", principal.name())
            .put("role", principal.role().text())
            .put("request", requestId));
    return noted;
  }

  /** The caller that is noted in the request of a job. */
  static Optional<Caller> of(JsonNode request) {
    JsonNode noted = request.path(FIELD);
    if (noted.isMissingNode()) {
      return Optional.empty();
    }
    Role role = Role.parse(noted.path("role").asText());
    return Optional.of(
        new Caller(
            new Principal(noted.path("name").asText(), role),
            noted.path("request").asText(),
            TracedKind.trace(request)));
  }
}
