package io.sluice.functions.auth;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Which role each function and each route needs: the one place that says so. What does not stand
 * here is refused to everybody.
 */
public final class AccessTable {
  /**
   * A line of the table.
   *
   * @param method GET or POST; HEAD counts as GET
   * @param path segments in braces stand for any
   * @param role what it needs; empty for what anybody may
   */
  public record Route(String method, String path, Optional<Role> role) {
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
          open("GET", "/q/health"),
          open("GET", "/q/health/live"),
          open("GET", "/q/health/ready"),
          open("GET", "/q/health/started"),
          needs(Role.READ, "GET", "/q/metrics"),
          needs(Role.READ, "GET", "/openapi"),
          needs(Role.READ, "GET", "/models"),
          needs(Role.READ, "GET", "/models/{name}"),
          needs(Role.READ, "GET", "/models/{org}/{name}"),
          needs(Role.READ, "GET", "/workers"),
          needs(Role.READ, "GET", "/jobs"),
          needs(Role.READ, "GET", "/jobs/{id}"),
          needs(Role.READ, "GET", "/jobs/{id}/events"),
          needs(Role.READ, "POST", "/load"),
          needs(Role.READ, "POST", "/compute"), // what stores its result: see storing()
          needs(Role.READ, "POST", "/embed"),
          needs(Role.READ, "POST", "/events"), // which start loads
          needs(Role.WRITE, "POST", "/upload"),
          needs(Role.WRITE, "POST", "/copy"),
          needs(Role.WRITE, "POST", "/unload"),
          needs(Role.WRITE, "POST", "/tag"),
          needs(Role.WRITE, "POST", "/jobs/{id}/cancel"),
          needs(Role.ADMIN, "POST", "/remove"),
          needs(Role.WORKER, "POST", "/work"),
          needs(Role.WORKER, "POST", "/release"),
          needs(Role.WORKER, "POST", "/activations"),
          needs(Role.WORKER, "GET", "/shards/{digest}"));

  private AccessTable() {}

  /** All lines. */
  public static List<Route> routes() {
    return ROUTES;
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

  private static Route open(String method, String path) {
    return new Route(method, path, Optional.empty());
  }

  private static Route needs(Role role, String method, String path) {
    return new Route(method, path, Optional.of(role));
  }
}
