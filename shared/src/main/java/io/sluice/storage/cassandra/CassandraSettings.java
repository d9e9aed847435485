package io.sluice.storage.cassandra;

import io.sluice.model.HostPort;
import io.sluice.model.InvalidValueException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A keyspace of a Cassandra cluster, and how to reach it.
 *
 * @param contactPoints some nodes, through which the others are found
 * @param datacenter whose nodes are asked, the one that is near
 * @param keyspace that holds the tables
 * @param consistency of reads and writes
 * @param createSchema whether to make keyspace and tables that are not there
 * @param replication replicas by data center, of a keyspace that is made
 * @param credentials user and password, if the cluster asks for them
 * @param tls whether and how to encrypt connections
 * @param window rows of one object that are on their way at a time, 1 to 64
 * @param timeout how long one request may take
 */
public record CassandraSettings(
    List<HostPort> contactPoints,
    String datacenter,
    String keyspace,
    Consistency consistency,
    boolean createSchema,
    Map<String, Integer> replication,
    Optional<Credentials> credentials,
    Optional<Tls> tls,
    int window,
    Duration timeout) {
  private static final Pattern NAME = Pattern.compile("[A-Za-z][A-Za-z0-9_]{0,47}");
  private static final Pattern REPLICAS = Pattern.compile("([^:']+):([0-9]{1,3})");
  private static final int PORT = 9042;
  private static final int MAX_WINDOW = 64;

  /** How many replicas have to answer. */
  public enum Consistency {
    ONE,
    LOCAL_ONE,
    QUORUM,
    LOCAL_QUORUM,
    EACH_QUORUM,
    ALL
  }

  /** Who asks. */
  public record Credentials(String user, String password) {
    @Override
    public String toString() {
      return "Credentials[user=" + user + "]";
    }
  }

  /**
   * Encryption.
   *
   * @param trustStore file of the certificates that are believed; those of the JDK if absent
   */
  public record Tls(Optional<Path> trustStore, Optional<String> trustStorePassword) {
    @Override
    public String toString() {
      return "Tls[trustStore=" + trustStore + "]";
    }
  }

  public CassandraSettings {
    contactPoints = List.copyOf(contactPoints);
    replication = Map.copyOf(replication);
    Objects.requireNonNull(consistency, "consistency");
    Objects.requireNonNull(credentials, "credentials");
    Objects.requireNonNull(tls, "tls");
    if (contactPoints.isEmpty()) {
      throw invalid("Cassandra needs at least one contact point, got none");
    }
    if (datacenter.isBlank() || datacenter.indexOf('\'') >= 0) {
      throw invalid("'" + datacenter + "' is no name of a data center");
    }
    if (!NAME.matcher(keyspace).matches()) {
      throw invalid(
          "a keyspace is a letter and up to 47 more letters, digits and '_', got '"
              + keyspace
              + "'");
    }
    replication.forEach(
        (name, replicas) -> {
          if (name.isBlank() || name.indexOf('\'') >= 0 || replicas < 1 || replicas > 100) {
            throw invalid(
                "replication is 1 to 100 replicas by data center, got '" + name + "': " + replicas);
          }
        });
    if (createSchema && replication.isEmpty()) {
      throw invalid("to make a keyspace, it has to be said how it is replicated");
    }
    if (window < 1 || window > MAX_WINDOW) {
      throw invalid(
          "1 to " + MAX_WINDOW + " rows of an object can be on their way at a time, got " + window);
    }
    if (timeout.isNegative() || timeout.isZero()) {
      throw invalid("the timeout of requests to Cassandra is positive, got " + timeout);
    }
  }

  private static InvalidValueException invalid(String message) {
    return new InvalidValueException("cassandra-settings-invalid", message);
  }

  /** Reads how many replicas each data center has: {@code name:replicas} for each. */
  public static Map<String, Integer> replication(List<String> datacenters) {
    Map<String, Integer> replicas = new TreeMap<>();
    for (String text : datacenters) {
      Matcher found = REPLICAS.matcher(text.strip());
      if (!found.matches()
          || replicas.put(found.group(1), Integer.parseInt(found.group(2))) != null) {
        throw invalid(
            "replication is datacenter:replicas, each data center once, got " + datacenters);
      }
    }
    return replicas;
  }

  /** Reads a contact point: {@code host} or {@code host:port}. */
  public static HostPort contactPoint(String text) {
    return HostPort.parse(text, PORT)
        .orElseThrow(
            () ->
                invalid(
                    "a contact point of Cassandra is host:port with a port of 1 to 65535, got '"
                        + text
                        + "'"));
  }
}
