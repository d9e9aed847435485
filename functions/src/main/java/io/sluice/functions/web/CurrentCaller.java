package io.sluice.functions.web;

import io.quarkus.vertx.http.runtime.CurrentVertxRequest;
import io.sluice.functions.audit.Caller;
import io.sluice.functions.auth.Principal;
import io.sluice.functions.auth.Role;
import io.sluice.functions.trace.TraceContext;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.util.Optional;

/** Who has sent the request that a function or route answers, as {@link AccessGuard} found out. */
@ApplicationScoped
public class CurrentCaller {
  private static final String NOTE = "sluice.caller";

  @Inject CurrentVertxRequest request;

  /** Who calls the function that runs on this thread. */
  public Caller get() {
    return of(request.getCurrent());
  }

  /**
   * Checks that the caller may do what not everybody may who may call the function.
   *
   * @param what names it in the error
   * @return the caller
   * @throws SluiceException FORBIDDEN if he may not
   */
  public Caller require(Role needed, String what) {
    Caller caller = get();
    if (!caller.principal().role().covers(needed)) {
      throw refused(caller.principal(), needed, what);
    }
    return caller;
  }

  /** Who has sent a request. */
  static Caller of(RoutingContext context) {
    return context.get(NOTE);
  }

  static void note(
      RoutingContext context, Principal principal, String requestId, Optional<TraceContext> trace) {
    context.put(NOTE, new Caller(principal, requestId, trace));
  }

  static SluiceException refused(Principal principal, Role needed, String what) {
    return new SluiceException(
        ErrorKind.FORBIDDEN,
        "role-missing",
        what
            + " needs the role '"
            + needed.text()
            + "', '"
            + principal.name()
            + "' has '"
            + principal.role().text()
            + "'");
  }
}
