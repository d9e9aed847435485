package io.sluice.servers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.apache.hadoop.hdfs.MiniDFSNNTopology;
import org.apache.hadoop.hdfs.protocol.HdfsConstants;

/**
 * HDFS on loopback, with WebHDFS, until standard input ends. Arguments are {@code name=value}:
 *
 * <ul>
 *   <li>{@code data}: the folder of its files, formatted if it is empty
 *   <li>{@code namenodes}: 1, or 2 for high availability; the first is active
 *   <li>{@code datanodes}: 1 if not given
 *   <li>{@code rpc.N}, {@code http.N}: the ports of name node N; free ones if not given
 *   <li>what begins with {@code dfs.}, {@code hadoop.} or {@code fs.}: Hadoop's configuration
 * </ul>
 *
 * <p>Prints the ports as {@code name=value} lines, then {@code ready}. Then each line of standard
 * input is a command, answered by one line: {@code active N} fails over to that name node, {@code
 * quota PATH BYTES} bounds what lies below a folder, {@code get PATH FILE} copies a file out as
 * {@code hdfs dfs -get} does, {@code stat PATH} tells the length, replication and block size, and
 * {@code mode PATH OCTAL} sets permissions.
 */
public final class HdfsServer {
  private final MiniDFSCluster cluster;

  private HdfsServer(MiniDFSCluster cluster) {
    this.cluster = cluster;
  }

  public static void main(String[] arguments) throws Exception {
    ServerProgram program = ServerProgram.start(arguments);
    MiniDFSCluster cluster = cluster(program);
    for (int i = 0; i < nameNodes(program); i++) {
      program.tell("rpc." + i, cluster.getNameNodePort(i));
      program.tell("http." + i, cluster.getNameNode(i).getHttpAddress().getPort());
    }
    program.serve(new HdfsServer(cluster)::command);
  }

  private static MiniDFSCluster cluster(ServerProgram program) throws IOException {
    Path data = program.data();
    boolean format = !Files.exists(data.resolve("formatted"));
    Configuration configuration = new Configuration();
    configuration.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, data.toString());
    configuration.set("dfs.namenode.rpc-bind-host", "127.0.0.1");
    configuration.set("dfs.namenode.http-bind-host", "127.0.0.1");
    // Nobody waits for a data node that says again what it said before the restart.
    configuration.set("dfs.namenode.safemode.extension", "0");
    configuration.set("dfs.blockreport.initialDelay", "0s");
    configuration.set("dfs.heartbeat.interval", "1s");
    // A data node that completes a file before the name node knows its block asks again so soon; by
    // default after 400 ms, which every second small file then takes.
    configuration.set("dfs.client.block.write.locateFollowingBlock.initial.delay.ms", "20");
    program.eachWithPrefix(configuration::set, "dfs.", "hadoop.", "fs.");
    MiniDFSCluster.Builder builder =
        new MiniDFSCluster.Builder(configuration)
            .numDataNodes(program.number("datanodes", 1))
            .format(format);
    if (nameNodes(program) == 2) {
      MiniDFSNNTopology.NSConf service = new MiniDFSNNTopology.NSConf("sluice");
      for (int i = 0; i < 2; i++) {
        service.addNN(
            new MiniDFSNNTopology.NNConf("nn" + i)
                .setIpcPort(port(program, "rpc." + i))
                .setHttpPort(port(program, "http." + i)));
      }
      builder.nnTopology(new MiniDFSNNTopology().addNameservice(service));
      if (!format) {
        // It would make the shared log of edits anew.
        builder.manageNameDfsSharedDirs(false);
        configuration.set(
            "dfs.namenode.shared.edits.dir",
            data.resolve("shared-edits-0-through-1").toUri().toString());
      }
    } else {
      builder.nameNodePort(port(program, "rpc.0")).nameNodeHttpPort(port(program, "http.0"));
    }
    MiniDFSCluster cluster = builder.build();
    if (nameNodes(program) == 2) {
      cluster.transitionToActive(0);
    }
    cluster.waitActive(0);
    if (format) {
      Files.createFile(data.resolve("formatted"));
    }
    return cluster;
  }

  private static int nameNodes(ServerProgram program) {
    return program.number("namenodes", 1);
  }

  /** The port that is said; of others Hadoop finds free ones. */
  private static int port(ServerProgram program, String name) {
    return program.number(name, 0);
  }

  private String command(String[] words) throws IOException {
    switch (words[0]) {
      case "active" -> {
        int active = Integer.parseInt(words[1]);
        cluster.transitionToStandby(1 - active);
        cluster.transitionToActive(active);
        return "ok";
      }
      case "quota" -> {
        org.apache.hadoop.fs.Path folder = new org.apache.hadoop.fs.Path(words[1]);
        try (DistributedFileSystem files = client()) {
          files.mkdirs(folder);
          files.setQuota(folder, HdfsConstants.QUOTA_DONT_SET, Long.parseLong(words[2]));
        }
        return "ok";
      }
      case "get" -> {
        try (DistributedFileSystem files = client()) {
          files.copyToLocalFile(
              false,
              new org.apache.hadoop.fs.Path(words[1]),
              new org.apache.hadoop.fs.Path(Path.of(words[2]).toUri()),
              true);
        }
        return "ok";
      }
      case "stat" -> {
        try (DistributedFileSystem files = client()) {
          var status = files.getFileStatus(new org.apache.hadoop.fs.Path(words[1]));
          return "ok "
              + status.getLen()
              + " "
              + status.getReplication()
              + " "
              + status.getBlockSize();
        }
      }
      case "mode" -> {
        try (DistributedFileSystem files = client()) {
          files.setPermission(
              new org.apache.hadoop.fs.Path(words[1]),
              new org.apache.hadoop.fs.permission.FsPermission(words[2]));
        }
        return "ok";
      }
      default -> throw new IllegalArgumentException("no command: " + words[0]);
    }
  }

  /** A client of its own, which closing closes alone. */
  private DistributedFileSystem client() throws IOException {
    int active = cluster.getNameNode(0).isActiveState() ? 0 : 1;
    return (DistributedFileSystem)
        FileSystem.newInstance(cluster.getURI(active), cluster.getConfiguration(active));
  }
}
