package io.sluice.storage.http;

import io.sluice.model.ErrorKind;
import io.sluice.storage.StorageException;
import io.sluice.storage.TransientStorageException;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Which URLs may be read: a guard against requests that a caller forges to reach what only this
 * machine can reach (SSRF). Every redirect is checked as the first URL is.
 *
 * <p>Allowed are {@code https} URLs whose host has public addresses only, and {@code https} and
 * {@code http} URLs of hosts that are named, unless their addresses are those where clouds serve
 * their metadata. Not public are the special-purpose blocks of RFC 6890 and its IANA registries:
 * loopback, private, shared (RFC 6598), link-local (where clouds serve their metadata), unique
 * local, multicast, reserved and documentation addresses, and the IPv6 addresses that stand for
 * such an IPv4 address.
 *
 * <p>The name is looked up here and again when the client connects. Java keeps the answer of the
 * first look-up for 30 seconds by default; who sets {@code networkaddress.cache.ttl} to 0 opens a
 * gap for a name server that answers differently the second time.
 */
public final class HostPolicy {
  private final Set<String> named;

  private HostPolicy(Set<String> named) {
    this.named = named;
  }

  /** Public hosts over https only. */
  public static HostPolicy publicOnly() {
    return new HostPolicy(Set.of());
  }

  /**
   * Public hosts over https, and the named hosts wherever they are, over http too.
   *
   * @param hosts as they stand in the URL: names, or addresses without brackets
   */
  public static HostPolicy publicAnd(Set<String> hosts) {
    return new HostPolicy(
        hosts.stream()
            .map(host -> host.toLowerCase(Locale.ROOT))
            .collect(Collectors.toUnmodifiableSet()));
  }

  /**
   * Checks one URL.
   *
   * @throws StorageException FORBIDDEN if it must not be read, INVALID if it is no such URL,
   *     TRANSIENT if its host cannot be looked up
   */
  public void check(URI url) {
    String scheme = String.valueOf(url.getScheme()).toLowerCase(Locale.ROOT);
    if (!scheme.equals("https") && !scheme.equals("http")) {
      throw StorageException.invalid(
          "url-invalid", url.toString(), "'" + url + "' is no https URL: scheme '" + scheme + "'");
    }
    if (url.getHost() == null || url.getRawUserInfo() != null) {
      throw StorageException.invalid(
          "url-invalid",
          url.getScheme() + "://…",
          "a URL needs a host and must carry no user and password");
    }
    String host = url.getHost().toLowerCase(Locale.ROOT);
    host = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
    if (named.contains(host)) {
      for (InetAddress address : lookUp(url, host)) {
        if (isMetadata(address)) {
          throw refused(
              url,
              "its host has the address "
                  + address.getHostAddress()
                  + ", where clouds give away credentials, which no setting allows");
        }
      }
      return;
    }
    if (!scheme.equals("https")) {
      throw refused(url, "plain http is read only from hosts that are allowed by name");
    }
    for (InetAddress address : lookUp(url, host)) {
      if (!isPublic(address)) {
        throw refused(
            url, "its host has the address " + address.getHostAddress() + ", which is not public");
      }
    }
  }

  private static InetAddress[] lookUp(URI url, String host) {
    try {
      return InetAddress.getAllByName(host);
    } catch (UnknownHostException e) {
      throw new TransientStorageException(
          url.getPath(), 0, "cannot look up the host '" + host + "'", e);
    }
  }

  private static StorageException refused(URI url, String why) {
    return new StorageException(
        ErrorKind.FORBIDDEN,
        "host-refused",
        url.getPath(),
        "reading from host '" + url.getHost() + "' is refused: " + why,
        null);
  }

  /**
   * Whether an address is one where clouds serve credentials: link-local, and Amazon's for IPv6.
   */
  static boolean isMetadata(InetAddress address) {
    byte[] ip = address.getAddress();
    boolean mapped =
        address instanceof Inet6Address
            && (starts(ip, 0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 169, 254)
                || starts(ip, 0x20, 0x02, 169, 254));
    return address.isLinkLocalAddress()
        || mapped
        || (address instanceof Inet6Address && starts(ip, 0xfd, 0x00, 0x0e, 0xc2));
  }

  /** Whether an address belongs to the public internet. */
  static boolean isPublic(InetAddress address) {
    if (address.isAnyLocalAddress()
        || address.isLoopbackAddress()
        || address.isLinkLocalAddress()
        || address.isSiteLocalAddress()
        || address.isMulticastAddress()) {
      return false;
    }
    byte[] bytes = address.getAddress();
    return address instanceof Inet4Address ? isPublic4(bytes) : isPublic6(bytes);
  }

  private static boolean isPublic4(byte[] ip) {
    int a = ip[0] & 0xff;
    int b = ip[1] & 0xff;
    int c = ip[2] & 0xff;
    return !(a == 0 // this network
        || a == 10
        || a == 127
        || (a == 100 && b >= 64 && b < 128) // shared, RFC 6598
        || (a == 169 && b == 254)
        || (a == 172 && b >= 16 && b < 32)
        || (a == 192 && b == 168)
        || (a == 192 && b == 0 && (c == 0 || c == 2)) // protocol assignments, documentation
        || (a == 192 && b == 88 && c == 99) // 6to4 relays
        || (a == 198 && (b == 18 || b == 19)) // benchmarks
        || (a == 198 && b == 51 && c == 100)
        || (a == 203 && b == 0 && c == 113)
        || a >= 224); // multicast, reserved, broadcast
  }

  private static boolean isPublic6(byte[] ip) {
    if (starts(ip, 0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0)) { // NAT64, RFC 6052
      return isPublic4(Arrays.copyOfRange(ip, 12, 16));
    }
    if (starts(ip, 0x20, 0x02)) { // 6to4, RFC 3056
      return isPublic4(Arrays.copyOfRange(ip, 2, 6));
    }
    return (ip[0] & 0xe0) == 0x20 // global unicast is 2000::/3
        && !starts(ip, 0x20, 0x01, 0x00, 0x00) // Teredo
        && !starts(ip, 0x20, 0x01, 0x0d, 0xb8) // documentation
        && !starts(ip, 0x3f, 0xff); // documentation, RFC 9637 (3fff::/20, generously)
  }

  private static boolean starts(byte[] ip, int... prefix) {
    for (int i = 0; i < prefix.length; i++) {
      if ((ip[i] & 0xff) != prefix[i]) {
        return false;
      }
    }
    return true;
  }
}
