package io.sluice.functions.auth;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The functions and routes there are, which role each needs, and on which instances it is: the one
 * place that says so. What does not stand here is refused to everybody.
 */
public final class AccessTable {
  /** Where a route is. */
  public enum Reach {
    /** On every instance: it looks, or ends a job. */
    EVERYWHERE,
    /** It is a function: of instances that are one function, only its own has it. */
    FUNCTION,
    /** Only where the whole program serves. */
    WHOLE_PROGRAM
  }

  /**
   * A line of the table.
   *
   * @param method GET or POST; HEAD counts as GET
   * @param path segments in braces stand for any
   * @param role what it needs; empty for what anybody may
   * @param reach which instances have it
   */
  public record Route(String method, String path, Optional<Role> role, Reach reach) {
    /** Whether an instance has it that is nothing but this function. */
    public boolean isOn(String function) {
      return switch (reach) {
        case EVERYWHERE -> true;
        case FUNCTION -> path.equals("/" + function);
        case WHOLE_PROGRAM -> false;
      };
    }

    private boolean matches(String[] segments) {
      String[] pattern = path.split("/", -1);
      if (pattern.length != segments.length) {
        return false;
      }
      for (int i = 0; i < pattern.length; i++) {
        boolean any = pattern[i].startsWith("{") && !segments[i].isEmpty();
        if (!any && !pattern[i].equals(segments[i])) {
          return false;
        }
      }
      return true;
    }
  }

  private static final List<Route> ROUTES =
      List.of(
          open("/q/health"),
          open("/q/health/live"),
          open("/q/health/ready"),
          open("/q/health/started"),
          looks(Role.READ, "/q/metrics"),
          looks(Role.READ, "/openapi"),
          looks(Role.READ, "/models"),
          looks(Role.READ, "/models/{name}"),
          looks(Role.READ, "/models/{org}/{name}"),
          looks(Role.READ, "/workers"),
          looks(Role.READ, "/jobs"),
          looks(Role.READ, "/jobs/{id}"),
          looks(Role.READ, "/jobs/{id}/events"),
          function(Role.READ, "/load"),
          function(Role.READ, "/compute"), // what stores its result: see storing()
          function(Role.READ, "/embed"),
          takes(Role.READ, "/events", Reach.WHOLE_PROGRAM), // which start loads
          function(Role.WRITE, "/upload"),
          function(Role.WRITE, "/copy"),
          function(Role.WRITE, "/unload"),
          function(Role.WRITE, "/tag"),
          takes(Role.WRITE, "/jobs/{id}/cancel", Reach.EVERYWHERE),
          function(Role.ADMIN, "/remove"),
          function(Role.WORKER, "/work"),
          function(Role.WORKER, "/release"),
          takes(Role.WORKER, "/activations", Reach.WHOLE_PROGRAM),
          looks(Role.WORKER, "/shards/{digest}"));

  private AccessTable() {}

  /** All lines. */
  public static List<Route> routes() {
    return ROUTES;
  }

  /** The paths of all functions. */
  public static List<String> functions() {
    return ROUTES.stream()
        .filter(route -> route.reach() == Reach.FUNCTION)
        .map(Route::path)
        .toList();
  }

  /** The role that a computation needs which stores what it computes as a version of a model. */
  public static Role storing() {
    return Role.WRITE;
  }

  /**
   * The line of a request.
   *
   * @param path normalized; a slash at its end does not count
   */
  public static Optional<Route> find(String method, String path) {
    String asked = method.equals("HEAD") ? "GET" : method;
    return matching(path).stream().filter(route -> route.method().equals(asked)).findFirst();
  }

  /** Whether a path stands in the table with any method. */
  public static boolean knows(String path) {
    return !matching(path).isEmpty();
  }

  /**
   * Whether an instance that is nothing but one function has this path, with some method.
   *
   * @param path normalized; a slash at its end does not count
   */
  public static boolean isOn(String function, String path) {
    return matching(path).stream().anyMatch(route -> route.isOn(function));
  }

  private static List<Route> matching(String path) {
    String asked = path.length() > 1 && path.endsWith("/") ? cut(path) : path;
    String[] segments = asked.split("/", -1);
    List<Route> found = new ArrayList<>();
    for (Route route : ROUTES) {
      if (route.matches(segments)) {
        found.add(route);
      }
    }
    return found;
  }

  private static String cut(String path) {
    return path.substring(0, path.length() - 1);
  }

  private static Route open(String path) {
    return new Route("GET", path, Optional.empty(), Reach.EVERYWHERE);
  }

  private static Route looks(Role role, String path) {
    return new Route("GET", path, Optional.of(role), Reach.EVERYWHERE);
  }

  private static Route function(Role role, String path) {
    return takes(role, path, Reach.FUNCTION);
  }

  private static Route takes(Role role, String path, Reach reach) {
    return new Route("POST", path, Optional.of(role), reach);
  }
}
