package io.sluice.storage.gluster;

import io.sluice.model.HostPort;
import io.sluice.model.InvalidValueException;
import io.sluice.storage.FileTree;
import io.sluice.storage.StorageException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A directory of a GlusterFS volume, and how to reach it.
 *
 * @param servers management daemons of any of the volume's servers, which say of what it is made;
 *     one is enough, others are asked when it is down
 * @param volume its name
 * @param root directory in the volume below which the objects lie, without slashes around it; empty
 *     for the whole volume
 * @param threads calls to the library at a time, 1 to 1024
 * @param library file or name of libgfapi
 * @param log where the library writes its log of warnings and errors; nowhere if absent
 */
public record GlusterSettings(
    List<HostPort> servers,
    String volume,
    String root,
    int threads,
    String library,
    Optional<Path> log) {
  /** The library as Linux distributions name it. */
  public static final String LIBRARY = "libgfapi.so.0";

  private static final Pattern VOLUME = Pattern.compile("[A-Za-z0-9_-]{1,1000}");
  private static final int PORT = 24007;
  private static final int MAX_THREADS = 1024;

  public GlusterSettings {
    servers = List.copyOf(servers);
    Objects.requireNonNull(library, "library");
    Objects.requireNonNull(log, "log");
    if (servers.isEmpty()) {
      throw invalid("a GlusterFS volume needs at least one server, got none");
    }
    if (!VOLUME.matcher(volume).matches()) {
      throw invalid(
          "a GlusterFS volume is named by letters, digits, '_' and '-', got '" + volume + "'");
    }
    if (threads < 1 || threads > MAX_THREADS) {
      throw invalid("GlusterFS needs 1 to " + MAX_THREADS + " threads, got " + threads);
    }
    root = trimmed(root);
    if (!root.isEmpty()) {
      try {
        FileTree.check(root);
      } catch (StorageException e) {
        throw invalid("the root of a GlusterFS store cannot be '" + root + "': " + e.getMessage());
      }
    }
  }

  /** Of a volume as a whole, with the library of the system, 16 threads and without a log. */
  public static GlusterSettings of(String volume, HostPort... servers) {
    return new GlusterSettings(List.of(servers), volume, "", 16, LIBRARY, Optional.empty());
  }

  /** With another root. */
  public GlusterSettings below(String root) {
    return new GlusterSettings(servers, volume, root, threads, library, log);
  }

  private static String trimmed(String root) {
    int begin = root.startsWith("/") ? 1 : 0;
    int end = root.length() > begin && root.endsWith("/") ? root.length() - 1 : root.length();
    return root.substring(begin, end);
  }

  private static InvalidValueException invalid(String message) {
    return new InvalidValueException("gluster-settings-invalid", message);
  }

  /** Reads the management daemon (glusterd) of a server: {@code host} or {@code host:port}. */
  public static HostPort server(String text) {
    return HostPort.parse(text, PORT)
        .orElseThrow(
            () ->
                invalid(
                    "a GlusterFS server is host:port with a port of 1 to 65535, got '"
                        + text
                        + "'"));
  }
}
