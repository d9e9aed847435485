package io.sluice.servers;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hbase.HBaseConfiguration;
import org.apache.hadoop.hbase.LocalHBaseCluster;
import org.apache.hadoop.hbase.TableName;
import org.apache.hadoop.hbase.client.Admin;
import org.apache.hadoop.hbase.client.ColumnFamilyDescriptor;
import org.apache.hadoop.hbase.client.ColumnFamilyDescriptorBuilder;
import org.apache.hadoop.hbase.client.Connection;
import org.apache.hadoop.hbase.client.ConnectionFactory;
import org.apache.hadoop.hbase.client.Get;
import org.apache.hadoop.hbase.client.RegionInfo;
import org.apache.hadoop.hbase.client.RegionLocator;
import org.apache.hadoop.hbase.client.Scan;
import org.apache.hadoop.hbase.client.Table;
import org.apache.hadoop.hbase.client.TableDescriptorBuilder;
import org.apache.hadoop.hbase.rest.RESTServer;
import org.apache.hadoop.hbase.util.Bytes;
import org.apache.hadoop.hbase.zookeeper.MiniZooKeeperCluster;

/**
 * ZooKeeper, an HBase master and a region server on loopback, or a REST gateway before them, until
 * standard input ends. Arguments are {@code name=value}:
 *
 * <ul>
 *   <li>{@code data}: the folder of their files
 *   <li>{@code gateway}: {@code true} for a gateway alone, before the servers that {@code
 *       zookeeper} knows; without it there are servers and a gateway
 *   <li>{@code rest}, {@code zookeeper}, {@code master}, {@code regionserver}: ports; free ones if
 *       not given
 *   <li>what begins with {@code hbase.}: HBase's configuration
 * </ul>
 *
 * <p>Prints the ports as {@code name=value} lines, then {@code ready}. Then each line of standard
 * input is a command, answered by one line: {@code create TABLE REGIONS FAMILY...} makes a table
 * split by hexadecimal digits, a family being a name or {@code NAME:ATTRIBUTE}, {@code regions
 * TABLE} counts its regions, {@code rows TABLE} its rows, {@code flush TABLE} writes it to files,
 * {@code split TABLE ROW} splits the region of a row before it.
 */
public final class HbaseServer {
  private static final int PATIENCE_SECONDS = 45;

  private final Connection connection;

  private HbaseServer(Connection connection) {
    this.connection = connection;
  }

  public static void main(String[] arguments) throws Exception {
    ServerProgram program = ServerProgram.start(arguments);
    Configuration configuration = configuration(program);
    if (program.flag("gateway")) {
      configuration.setInt("hbase.zookeeper.property.clientPort", program.port("zookeeper"));
      new RESTServer(configuration).run();
      program.tell("rest", configuration.get("hbase.rest.port"));
      program.serve();
      return;
    }

    MiniZooKeeperCluster zookeeper = new MiniZooKeeperCluster(configuration);
    zookeeper.setDefaultClientPort(program.port("zookeeper"));
    int zookeeperPort = zookeeper.startup(program.data().resolve("zookeeper").toFile());
    configuration.setInt("hbase.zookeeper.property.clientPort", zookeeperPort);
    new LocalHBaseCluster(configuration, 1, 1).startup();

    Connection connection = ConnectionFactory.createConnection(configuration);
    HbaseServer server = new HbaseServer(connection);
    server.awaitTables();
    new RESTServer(configuration).run();
    program.tell("zookeeper", zookeeperPort);
    program.tell("master", configuration.get("hbase.master.port"));
    program.tell("regionserver", configuration.get("hbase.regionserver.port"));
    program.tell("rest", configuration.get("hbase.rest.port"));
    program.serve(server::command);
  }

  private static Configuration configuration(ServerProgram program) {
    Configuration configuration = HBaseConfiguration.create();
    Path data = program.data();
    configuration.set("hbase.rootdir", data.resolve("hbase").toUri().toString());
    configuration.set("hbase.tmp.dir", data.resolve("tmp").toString());
    // Unlike the file system with checksums it keeps, after a kill, what was flushed.
    configuration.set("fs.file.impl", "org.apache.hadoop.fs.RawLocalFileSystem");
    configuration.setBoolean("fs.file.impl.disable.cache", false);
    configuration.set("hbase.wal.provider", "filesystem");
    configuration.setBoolean("hbase.unsafe.stream.capability.enforce", false);
    configuration.setBoolean("hbase.cluster.distributed", false);
    configuration.set("hbase.zookeeper.quorum", "127.0.0.1");
    for (String role : new String[] {"master", "regionserver"}) {
      configuration.set("hbase." + role + ".hostname", "127.0.0.1");
      configuration.set("hbase." + role + ".ipc.address", "127.0.0.1");
      // Who comes back at the address of one that died takes its place at once.
      configuration.setInt("hbase." + role + ".port", program.port(role));
      configuration.setInt("hbase." + role + ".info.port", -1);
    }
    configuration.setInt("hbase.rest.port", program.port("rest"));
    configuration.set("hbase.rest.host", "127.0.0.1");
    configuration.setInt("hbase.rest.info.port", -1);
    // Nobody else comes.
    configuration.setInt("hbase.master.wait.on.regionservers.mintostart", 1);
    configuration.setInt("hbase.master.wait.on.regionservers.interval", 50);
    configuration.setInt("hbase.master.wait.on.regionservers.timeout", 500);
    configuration.setInt("hbase.regionserver.msginterval", 500);
    configuration.setInt("hbase.regionserver.handler.count", 10);
    configuration.setInt("hbase.procedure.remote.dispatcher.delay.msec", 0);
    configuration.setInt("zookeeper.session.timeout", 20_000);
    program.eachWithPrefix(configuration::set, "hbase.");
    return configuration;
  }

  /** Waits until the regions that were there before serve again. */
  private void awaitTables() throws IOException {
    try (Admin admin = connection.getAdmin()) {
      for (TableName name : admin.listTableNames()) {
        try (Table table = connection.getTable(name)) {
          for (RegionInfo region : admin.getRegions(name)) {
            byte[] row = region.getStartKey();
            table.exists(new Get(row.length == 0 ? Bytes.toBytes("0") : row));
          }
        }
      }
    }
  }

  /** A family, perhaps with a colon and something that is to be true of it. */
  private static ColumnFamilyDescriptor family(String word) {
    String[] parts = word.split(":");
    ColumnFamilyDescriptorBuilder family =
        ColumnFamilyDescriptorBuilder.newBuilder(Bytes.toBytes(parts[0]));
    if (parts.length > 1) {
      family.setValue(parts[1], "true");
    }
    return family.build();
  }

  private String command(String[] words) throws IOException {
    TableName table = TableName.valueOf(words[1]);
    try (Admin admin = connection.getAdmin()) {
      switch (words[0]) {
        case "create" -> {
          TableDescriptorBuilder description = TableDescriptorBuilder.newBuilder(table);
          Arrays.stream(words).skip(3).forEach(word -> description.setColumnFamily(family(word)));
          int regions = Integer.parseInt(words[2]);
          byte[][] splits = new byte[regions - 1][];
          for (int i = 1; i < regions; i++) {
            splits[i - 1] = Bytes.toBytes(String.format("%02x", 256 * i / regions));
          }
          admin.createTable(description.build(), splits);
          return "ok";
        }
        case "regions" -> {
          return "ok " + admin.getRegions(table).size();
        }
        case "rows" -> {
          int rows = 0;
          try (var scanner = connection.getTable(table).getScanner(new Scan())) {
            while (scanner.next() != null) {
              rows++;
            }
          }
          return "ok " + rows;
        }
        case "flush" -> {
          admin.flush(table);
          return "ok";
        }
        case "split" -> {
          byte[] row = Bytes.toBytes(words[2]);
          try (RegionLocator regions = connection.getRegionLocator(table)) {
            byte[] region = regions.getRegionLocation(row, true).getRegion().getRegionName();
            admin.splitRegionAsync(region, row).get(PATIENCE_SECONDS, TimeUnit.SECONDS);
          } catch (InterruptedException | ExecutionException | TimeoutException e) {
            throw new IllegalStateException("table " + table + " is not split: " + e, e);
          }
          return "ok";
        }
        default -> throw new IllegalArgumentException("no command: " + words[0]);
      }
    }
  }
}
