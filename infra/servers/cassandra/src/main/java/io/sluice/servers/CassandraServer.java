package io.sluice.servers;

import java.nio.file.Files;
import java.nio.file.Path;
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
    ServerProgram program = ServerProgram.start(arguments);
    Path data = program.data();
    Path settings = Files.writeString(data.resolve("cassandra.yaml"), settings(program));
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
    program.tell("port", program.port("port"));
    program.tell("storage", program.port("storage"));
    program.serve();
  }

  private static String settings(ServerProgram program) {
    Path data = program.data();
    boolean authentication = program.flag("authentication");
    return String.join(
        "\n",
        "cluster_name: sluice",
        "num_tokens: 1",
        "partitioner: org.apache.cassandra.dht.Murmur3Partitioner",
        "endpoint_snitch: SimpleSnitch",
        "listen_address: 127.0.0.1",
        "rpc_address: 127.0.0.1",
        "native_transport_port: " + program.port("port"),
        "storage_port: " + program.port("storage"),
        "start_native_transport: true",
        "seed_provider:",
        "  - class_name: org.apache.cassandra.locator.SimpleSeedProvider",
        "    parameters:",
        "      - seeds: 127.0.0.1:" + program.port("storage"),
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
}
