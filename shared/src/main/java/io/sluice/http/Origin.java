package io.sluice.http;

import io.sluice.model.InvalidValueException;
import java.net.URI;
import java.util.Locale;

/**
 * Where connections go: connections to one origin are exchangeable.
 *
 * @param tls whether the connection is encrypted
 * @param host a name, or an address without brackets, in lower case
 * @param port 1 to 65535
 */
public record Origin(boolean tls, String host, int port) {
  public Origin {
    if (host.isEmpty() || port < 1 || port > 65535) {
      throw new InvalidValueException(
          "origin-invalid",
          "an origin has a host and a port of 1 to 65535, got '" + host + "' and " + port);
    }
    host = host.toLowerCase(Locale.ROOT);
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
    }
  }

  /** The origin of an {@code http} or {@code https} URL. */
  public static Origin of(URI url) {
    String scheme = String.valueOf(url.getScheme()).toLowerCase(Locale.ROOT);
    if (url.getHost() == null || !(scheme.equals("http") || scheme.equals("https"))) {
      throw new InvalidValueException(
          "origin-invalid", "an origin is http:// or https:// and a host, got '" + url + "'");
    }
    boolean tls = scheme.equals("https");
    return new Origin(tls, url.getHost(), url.getPort() < 0 ? (tls ? 443 : 80) : url.getPort());
  }

  /** Value of the {@code Host} header. */
  public String authority() {
    String name = host.contains(":") ? "[" + host + "]" : host;
    return port == (tls ? 443 : 80) ? name : name + ":" + port;
  }

  @Override
  public String toString() {
    return (tls ? "https://" : "http://") + authority();
  }
}
