package io.sluice.model;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a server listens.
 *
 * @param host name or address, without brackets
 * @param port 1 to 65535
 */
public record HostPort(String host, int port) {
  private static final Pattern TEXT =
      Pattern.compile("(?:\\[([0-9a-fA-F:.]+)]|([^\\s:\\[\\]/]+))(?::([0-9]{1,5}))?");

  /**
   * Reads {@code host} or {@code host:port}; an IPv6 address stands in brackets.
   *
   * @return empty if the text is neither
   */
  public static Optional<HostPort> parse(String text, int defaultPort) {
    Matcher found = TEXT.matcher(text.strip());
    if (!found.matches()) {
      return Optional.empty();
    }
    int port = found.group(3) == null ? defaultPort : Integer.parseInt(found.group(3));
    return port < 1 || port > 65_535
        ? Optional.empty()
        : Optional.of(new HostPort(found.group(1) != null ? found.group(1) : found.group(2), port));
  }

  @Override
  public String toString() {
    return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
  }
}
