package io.sluice.servers;

import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.cassandra.service.CassandraDaemon;

/**
 * A Cassandra of one node on loopback, until standard input ends. Arguments are {@code name=value}:
 *
 * <ul>
 *   <li>{@code data}: the folder of its files
 *   <li>{@code port}, {@code storage}: of clients and of other nodes; free ones if not given
 *   <li>{@code authentication}: {@code true} to ask for passwords; the first user is cassandra
 * </ul>
 *
 * <p>Prints the ports as {@code name=value} lines, then {@code ready}.
 */
public final class CassandraServer {
  private CassandraServer() {}

  public static void main(String[] arguments) throws Exception {
    // Cassandra's own words must not get between the lines of the protocol.
    PrintStream out = System.out;
    System.setOut(System.err);
    Map<String, String> options = new LinkedHashMap<>();
    for (String argument : arguments) {
      int equals = argument.indexOf('=');
      options.put(argument.substring(0, equals), argument.substring(equals + 1));
    }
    Path data = Path.of(options.get("data"));
    options.computeIfAbsent("port", name -> freePort());
    options.computeIfAbsent("storage", name -> freePort());
    Path settings = Files.writeString(data.resolve("cassandra.yaml"), settings(data, options));
    System.setProperty("cassandra.config", settings.toUri().toString());
    System.setProperty("cassandra.storagedir", data.toString());
    // Nobody else is there to gossip with.
    System.setProperty("cassandra.skip_wait_for_gossip_to_settle", "0");
    System.setProperty("cassandra.ring_delay_ms", "0");
    System.setProperty("cassandra.superuser_setup_delay_ms", "0");
    System.setProperty("cassandra-foreground", "true");
    CassandraDaemon daemon = new CassandraDaemon(true);
    daemon.activate();
    if (!daemon.isNativeTransportRunning()) {
      throw new IllegalStateException("Cassandra does not serve");
    }
    out.println("port=" + options.get("port"));
    out.println("storage=" + options.get("storage"));
    out.println("ready");
    out.flush();
    while (System.in.read() >= 0) {
      continue; // there are no commands
    }
    // Nothing is kept that a kill would not keep as well.
    Runtime.getRuntime().halt(0);
  }

  private static String settings(Path data, Map<String, String> options) {
    boolean authentication = Boolean.parseBoolean(options.get("authentication"));
    return String.join(
        "\n",
        "cluster_name: sluice",
        "num_tokens: 1",
        "partitioner: org.apache.cassandra.dht.Murmur3Partitioner",
        "endpoint_snitch: SimpleSnitch",
        "listen_address: 127.0.0.1",
        "rpc_address: 127.0.0.1",
        "native_transport_port: " + options.get("port"),
        "storage_port: " + options.get("storage"),
        "start_native_transport: true",
        "seed_provider:",
        "  - class_name: org.apache.cassandra.locator.SimpleSeedProvider",
        "    parameters:",
        "      - seeds: 127.0.0.1:" + options.get("storage"),
        "authenticator: " + (authentication ? "PasswordAuthenticator" : "AllowAllAuthenticator"),
        "authorizer: " + (authentication ? "CassandraAuthorizer" : "AllowAllAuthorizer"),
        "data_file_directories: ['" + data.resolve("data") + "']",
        "commitlog_directory: " + data.resolve("commitlog"),
        "saved_caches_directory: " + data.resolve("caches"),
        "hints_directory: " + data.resolve("hints"),
        "cdc_raw_directory: " + data.resolve("cdc"),
        // What was acknowledged is on the disk: otherwise a node that is killed loses what it took
        // since the last sync.
        "commitlog_sync: batch",
        "commitlog_total_space: 256MiB",
        "memtable_heap_space: 96MiB",
        "memtable_offheap_space: 96MiB",
        "auto_snapshot: false",
        "");
  }

  private static String freePort() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return Integer.toString(socket.getLocalPort());
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
