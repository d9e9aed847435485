package io.sluice.functions.audit;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.functions.auth.Principal;
import io.sluice.model.SluiceException;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/** Writes what is audited to the category {@value #CATEGORY}, each as one line of JSON. */
public final class AuditLog {
  /** The category of the log. */
  public static final String CATEGORY = "sluice.audit";

  private final InstantSource clock;
  private final Consumer<String> lines;

  /** Writes to the log. */
  public AuditLog(InstantSource clock) {
    this(clock, Logger.getLogger(CATEGORY)::info);
  }

  AuditLog(InstantSource clock, Consumer<String> lines) {
    this.clock = clock;
    this.lines = lines;
  }

  /**
   * Does something to a model and writes down what came of it.
   *
   * @param asked the version that it is to be done to, if that is said
   * @param version of what was done, as far as it is known then
   */
  <T> T audited(
      String action,
      String model,
      Optional<String> asked,
      Function<T, String> version,
      Supplier<T> work) {
    return audited(
        action,
        (line, result) ->
            line.put("model", model).put("version", result.map(version).or(() -> asked).orElse("")),
        work);
  }

  /**
   * Does something and writes down what came of it.
   *
   * @param details says in the line what was done; there is no result if it failed
   */
  <T> T audited(String action, BiConsumer<ObjectNode, Optional<T>> details, Supplier<T> work) {
    try {
      T result = work.get();
      write(action, line -> details.accept(line, Optional.of(result)), "done");
      return result;
    } catch (RuntimeException e) {
      String code = e instanceof SluiceException known ? known.code() : "internal";
      write(action, line -> details.accept(line, Optional.empty()), code);
      throw e;
    }
  }

  /** Somebody was refused what his role does not allow. */
  public void refused(Principal principal, String what, String requestId) {
    lines.accept(line(principal.name(), what, requestId).put("outcome", "role-missing").toString());
  }

  private void write(String action, Consumer<ObjectNode> details, String outcome) {
    Optional<Caller> caller = Caller.current();
    ObjectNode line =
        line(
            caller.map(c -> c.principal().name()).orElse("process"),
            action,
            caller.map(Caller::requestId).orElse(""));
    details.accept(line);
    line.put("outcome", outcome);
    lines.accept(line.toString());
  }

  private ObjectNode line(String principal, String action, String requestId) {
    return JsonNodeFactory.instance
        .objectNode()
        .put("time", clock.instant().truncatedTo(ChronoUnit.MILLIS).toString())
        .put("principal", principal)
        .put("action", action)
        .put("request", requestId);
  }
}
