package io.sluice.storage.hdfs;

import io.sluice.model.InvalidValueException;
import io.sluice.storage.ObjectKeys;
import io.sluice.storage.StorageException;
import java.net.URI;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Where an HDFS is and how files are made in it.
 *
 * @param nameNodes web addresses of the name nodes, such as {@code http://nn1:9870}: all that can
 *     become active. Also of HttpFS ({@code http://host:14000}) or of a Knox gateway ({@code
 *     https://host:8443/gateway/default})
 * @param root the folder that holds the objects, made when the first is written
 * @param user who asks, where HDFS takes one's word for it ({@code user.name}); unless a token says
 * @param token a delegation token, as {@code hdfs fetchdt} or {@code GETDELEGATIONTOKEN} gives it
 * @param replication copies of each block; the cluster's default if absent
 * @param blockSize bytes of a block; the cluster's default if absent
 */
public record HdfsSettings(
    List<URI> nameNodes,
    String root,
    Optional<String> user,
    Optional<String> token,
    OptionalInt replication,
    OptionalLong blockSize) {
  /** HDFS computes its checksums of so many bytes, of which blocks are multiples. */
  private static final int CHECKSUMMED = 512;

  public HdfsSettings {
    nameNodes = List.copyOf(nameNodes);
    Objects.requireNonNull(user, "user");
    Objects.requireNonNull(token, "token");
    if (nameNodes.isEmpty()) {
      throw invalid("HDFS needs the address of at least one name node");
    }
    for (URI nameNode : nameNodes) {
      boolean web = "http".equals(nameNode.getScheme()) || "https".equals(nameNode.getScheme());
      if (!web || nameNode.getHost() == null || nameNode.getRawQuery() != null) {
        throw invalid(
            "the address of a name node is its web address, such as http://namenode:9870, got '"
                + nameNode
                + "'");
      }
    }
    if (!root.startsWith("/")) {
      throw invalid("the root of an HDFS store begins with a slash, got '" + root + "'");
    }
    root = root.equals("/") || !root.endsWith("/") ? root : root.substring(0, root.length() - 1);
    if (!root.equals("/")) {
      try {
        ObjectKeys.check(root.substring(1));
      } catch (StorageException e) {
        throw invalid("the root of an HDFS store is no path: " + e.getMessage());
      }
      if (root.contains(":")) {
        throw invalid("HDFS takes no colon in a path, got the root '" + root + "'");
      }
    }
    if (replication.isPresent()
        && (replication.getAsInt() < 1 || replication.getAsInt() > Short.MAX_VALUE)) {
      throw invalid(
          "the replication of HDFS is 1 to " + Short.MAX_VALUE + ", got " + replication.getAsInt());
    }
    if (blockSize.isPresent()
        && (blockSize.getAsLong() < CHECKSUMMED || blockSize.getAsLong() % CHECKSUMMED != 0)) {
      throw invalid(
          "the block size of HDFS is a multiple of "
              + CHECKSUMMED
              + " bytes, got "
              + blockSize.getAsLong());
    }
  }

  /** As user {@code user}, everything else as the cluster has it. */
  public static HdfsSettings of(List<URI> nameNodes, String root, String user) {
    return new HdfsSettings(
        nameNodes,
        root,
        Optional.of(user),
        Optional.empty(),
        OptionalInt.empty(),
        OptionalLong.empty());
  }

  private static InvalidValueException invalid(String message) {
    return new InvalidValueException("hdfs-settings-invalid", message);
  }

  /** Without the token. */
  @Override
  public String toString() {
    return "HdfsSettings[nameNodes=" + nameNodes + ", root=" + root + ", user=" + user + "]";
  }
}
