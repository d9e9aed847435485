package io.sluice.acceptance;

import io.sluice.servers.GlusterServer;
import io.sluice.servers.RealServer;
import io.sluice.servers.ServerProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;

/**
 * The stores that a model lives in by {@link StoresIT}, each with a real server of its own. One
 * that cannot be started here skips its tests and says so.
 */
enum TestStore {
  FILE {
    @Override
    Running start(Path folder) throws IOException {
      Path root = Files.createDirectories(folder.resolve("file-store"));
      return new Running(Map.of("SLUICE_FILE_ROOT", root.toString()), () -> {});
    }
  },
  GLUSTER {
    @Override
    Running start(Path folder) {
      RealServer.GLUSTER.assumeThere();
      GlusterServer server = GlusterServer.start();
      return new Running(
          Map.of(
              "SLUICE_GLUSTER_SERVERS", server.address(),
              "SLUICE_GLUSTER_VOLUME", server.volume()),
          server::close);
    }
  },
  CASSANDRA {
    @Override
    Running start(Path folder) {
      RealServer.CASSANDRA.assumeThere();
      ServerProcess server = ServerProcess.start(RealServer.CASSANDRA, Map.of());
      return new Running(
          Map.of(
              "SLUICE_CASSANDRA_CONTACT_POINTS", "127.0.0.1:" + server.port("port"),
              "SLUICE_CASSANDRA_DATACENTER", "datacenter1",
              "SLUICE_CASSANDRA_CREATE_SCHEMA", "true",
              "SLUICE_CASSANDRA_REPLICATION", "datacenter1:1"),
          server::close);
    }
  },
  HDFS {
    @Override
    Running start(Path folder) {
      RealServer.HDFS.assumeThere();
      ServerProcess server = ServerProcess.start(RealServer.HDFS, Map.of());
      return new Running(
          Map.of("SLUICE_HDFS_NAME_NODES", "http://127.0.0.1:" + server.port("http.0")),
          server::close);
    }
  },

  HBASE {
    @Override
    Running start(Path folder) {
      RealServer.HBASE.assumeThere();
      ServerProcess server = ServerProcess.start(RealServer.HBASE, Map.of());
      return new Running(
          Map.of("SLUICE_HBASE_GATEWAYS", "http://127.0.0.1:" + server.port("rest")),
          server::close);
    }
  };

  /**
   * A store that serves.
   *
   * @param settings environment that leads to it, without SLUICE_STORE
   * @param stop ends its server
   */
  record Running(Map<String, String> settings, Runnable stop) implements AutoCloseable {
    @Override
    public void close() {
      stop.run();
    }
  }

  /** As settings and options spell it. */
  String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Starts its server.
   *
   * @param folder where it may keep what it has
   */
  abstract Running start(Path folder) throws Exception;
}
