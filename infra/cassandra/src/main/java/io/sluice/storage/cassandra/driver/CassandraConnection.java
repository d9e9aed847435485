package io.sluice.storage.cassandra.driver;

import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.CqlSessionBuilder;
import com.datastax.oss.driver.api.core.DefaultConsistencyLevel;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.DriverConfigLoader;
import com.datastax.oss.driver.api.core.cql.AsyncResultSet;
import com.datastax.oss.driver.api.core.cql.BoundStatement;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.ssl.ProgrammaticSslEngineFactory;
import io.sluice.model.ErrorKind;
import io.sluice.model.HostPort;
import io.sluice.storage.StorageException;
import io.sluice.storage.TransientStorageException;
import io.sluice.storage.cassandra.CassandraSettings;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * A session of the driver with its prepared statements, made when it is first needed, and again
 * after that failed.
 */
final class CassandraConnection implements AutoCloseable {
  /** Keys of a listing that come at a time. */
  private static final int PAGE = 64;

  private static final List<String> TABLES =
      List.of(
          // The bytes of a write, in partitions of a bounded number of rows.
          "CREATE TABLE IF NOT EXISTS %s.chunks (id timeuuid, bucket int, n int, data blob,"
              + " PRIMARY KEY ((id, bucket), n)) WITH compression = {'enabled': 'false'}",
          // What is published under a key, and the writes that were published or given up.
          "CREATE TABLE IF NOT EXISTS %s.objects (key text, current timeuuid static, id timeuuid,"
              + " size bigint, row_bytes int, PRIMARY KEY (key, id))",
          // Every write from before its first to after its last byte, to list and to clean up.
          "CREATE TABLE IF NOT EXISTS %s.keys (shelf int, key text, id timeuuid, size bigint,"
              + " row_bytes int, PRIMARY KEY (shelf, key, id))");

  private static final Set<String> TABLE_NAMES = Set.of("chunks", "objects", "keys");

  /** What is asked of Cassandra, in the format of {@link String#format} with the keyspace. */
  enum Statement {
    INSERT_CHUNK("INSERT INTO %s.chunks (id, bucket, n, data) VALUES (?, ?, ?, ?)"),
    SELECT_CHUNK("SELECT data FROM %s.chunks WHERE id = ? AND bucket = ? AND n = ?"),
    DELETE_BUCKET("DELETE FROM %s.chunks WHERE id = ? AND bucket = ?"),
    SELECT_OBJECT("SELECT current, id, size, row_bytes FROM %s.objects WHERE key = ?"),
    PUBLISH(
        "BEGIN BATCH UPDATE %1$s.objects SET current = ? WHERE key = ? IF current = null;"
            + " INSERT INTO %1$s.objects (key, id, size, row_bytes) VALUES (?, ?, ?, ?)"
            + " IF NOT EXISTS; APPLY BATCH"),
    WITHDRAW(
        "BEGIN BATCH DELETE current FROM %1$s.objects WHERE key = ? IF current = ?;"
            + " DELETE FROM %1$s.objects WHERE key = ? AND id = ?; APPLY BATCH"),
    GIVE_UP("INSERT INTO %s.objects (key, id) VALUES (?, ?) IF NOT EXISTS"),
    INSERT_KEY("INSERT INTO %s.keys (shelf, key, id, size, row_bytes) VALUES (?, ?, ?, ?, ?)"),
    SELECT_KEYS("SELECT key, id, size FROM %s.keys WHERE shelf = ? AND key >= ?"),
    SELECT_KEY("SELECT size, row_bytes FROM %s.keys WHERE shelf = ? AND key = ? AND id = ?"),
    DELETE_KEY("DELETE FROM %s.keys WHERE shelf = ? AND key = ? AND id = ?");

    private final String cql;

    Statement(String cql) {
      this.cql = cql;
    }

    /** A light-weight transaction, which is not the same when it is made twice. */
    boolean conditional() {
      return this == PUBLISH || this == WITHDRAW || this == GIVE_UP;
    }
  }

  private record Open(CqlSession session, Map<Statement, PreparedStatement> statements) {}

  private final CassandraSettings settings;
  private final DefaultConsistencyLevel serial;
  private volatile Open open;
  private boolean closed;

  CassandraConnection(CassandraSettings settings) {
    this.settings = settings;
    this.serial =
        settings.consistency().name().startsWith("LOCAL_")
            ? DefaultConsistencyLevel.LOCAL_SERIAL
            : DefaultConsistencyLevel.SERIAL;
  }

  /** Asks, and waits for the first page of the answer. */
  AsyncResultSet ask(String key, Statement statement, Object... values) {
    return await(key, send(key, statement, values));
  }

  /**
   * Reads what transactions left, after it has ended those that are under way: only this tells what
   * became of one whose answer was lost.
   */
  AsyncResultSet askSerially(String key, Statement statement, Object... values) {
    Open open = open(key);
    BoundStatement bound = open.statements.get(statement).bind(values).setConsistencyLevel(serial);
    return await(key, open.session.executeAsync(bound));
  }

  /** Asks; the answer comes later. */
  CompletionStage<AsyncResultSet> send(String key, Statement statement, Object... values) {
    Open open = open(key);
    BoundStatement bound =
        open.statements.get(statement).bind(values).setIdempotent(!statement.conditional());
    try {
      return open.session.executeAsync(bound);
    } catch (RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /**
   * Waits for an answer.
   *
   * @throws StorageException what became of an error; TRANSIENT if the thread is interrupted
   */
  static <T> T await(String key, CompletionStage<T> answer) {
    try {
      return answer.toCompletableFuture().get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TransientStorageException(
          key, 0, "interrupted while Cassandra was asked for '" + key + "'", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw CassandraErrors.translate(key, 0, cause);
      }
      throw new IllegalStateException("Cassandra's driver failed", e.getCause());
    }
  }

  private Open open(String key) {
    Open made = open;
    return made != null ? made : connect(key);
  }

  private synchronized Open connect(String key) {
    if (closed) {
      throw new IllegalStateException("the store is closed");
    }
    if (open == null) {
      CqlSession session;
      try {
        session = builder().build();
      } catch (RuntimeException e) {
        throw CassandraErrors.translate(key, 0, e);
      }
      try {
        prepareSchema(session);
        Map<Statement, PreparedStatement> statements = new EnumMap<>(Statement.class);
        for (Statement statement : Statement.values()) {
          statements.put(statement, session.prepare(inKeyspace(statement.cql)));
        }
        open = new Open(session, statements);
      } catch (StorageException e) {
        session.close();
        throw e;
      } catch (RuntimeException e) {
        session.close();
        throw CassandraErrors.translate(key, 0, e);
      }
    }
    return open;
  }

  private CqlSessionBuilder builder() {
    ClassLoader loader = CassandraConnection.class.getClassLoader();
    CqlSessionBuilder builder =
        CqlSession.builder()
            .withClassLoader(loader)
            .withLocalDatacenter(settings.datacenter())
            .withConfigLoader(
                DriverConfigLoader.programmaticBuilder(loader)
                    .withDuration(DefaultDriverOption.REQUEST_TIMEOUT, settings.timeout())
                    .withDuration(
                        DefaultDriverOption.CONTROL_CONNECTION_TIMEOUT, settings.timeout())
                    .withDuration(
                        DefaultDriverOption.CONNECTION_INIT_QUERY_TIMEOUT, settings.timeout())
                    .withString(
                        DefaultDriverOption.REQUEST_CONSISTENCY, settings.consistency().name())
                    .withString(DefaultDriverOption.REQUEST_SERIAL_CONSISTENCY, serial.name())
                    .withInt(DefaultDriverOption.REQUEST_PAGE_SIZE, PAGE)
                    .withInt(DefaultDriverOption.CONNECTION_POOL_LOCAL_SIZE, 2)
                    .withDuration(
                        DefaultDriverOption.RECONNECTION_BASE_DELAY, Duration.ofMillis(200))
                    .withDuration(DefaultDriverOption.RECONNECTION_MAX_DELAY, Duration.ofSeconds(5))
                    // Which node has a row follows from how its keyspace is replicated.
                    .withStringList(
                        DefaultDriverOption.METADATA_SCHEMA_REFRESHED_KEYSPACES,
                        List.of(settings.keyspace()))
                    .withBoolean(DefaultDriverOption.NETTY_DAEMON, true)
                    .withInt(DefaultDriverOption.NETTY_IO_SHUTDOWN_QUIET_PERIOD, 0)
                    .withInt(DefaultDriverOption.NETTY_ADMIN_SHUTDOWN_QUIET_PERIOD, 0)
                    .build());
    for (HostPort contact : settings.contactPoints()) {
      builder.addContactPoint(new InetSocketAddress(contact.host(), contact.port()));
    }
    settings
        .credentials()
        .ifPresent(who -> builder.withAuthCredentials(who.user(), who.password()));
    settings
        .tls()
        .ifPresent(
            tls ->
                builder.withSslEngineFactory(
                    new ProgrammaticSslEngineFactory(context(tls), null, true)));
    return builder;
  }

  private static SSLContext context(CassandraSettings.Tls tls) {
    try {
      if (tls.trustStore().isEmpty()) {
        return SSLContext.getDefault();
      }
      Path file = tls.trustStore().get();
      KeyStore certificates = KeyStore.getInstance(KeyStore.getDefaultType());
      try (InputStream in = Files.newInputStream(file)) {
        certificates.load(in, tls.trustStorePassword().map(String::toCharArray).orElse(null));
      }
      TrustManagerFactory trust =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(certificates);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, trust.getTrustManagers(), null);
      return context;
    } catch (IOException | GeneralSecurityException e) {
      throw new StorageException(
          ErrorKind.INVALID,
          "cassandra-tls-invalid",
          "",
          "the certificates for Cassandra cannot be read: " + tls + ": " + e.getMessage(),
          e);
    }
  }

  private void prepareSchema(CqlSession session) {
    Set<String> missing = new HashSet<>(TABLE_NAMES);
    session
        .execute(
            "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?",
            settings.keyspace())
        .forEach(row -> missing.remove(row.getString("table_name")));
    if (missing.isEmpty()) {
      return;
    }
    if (!settings.createSchema()) {
      throw new StorageException(
          ErrorKind.MISSING,
          "schema-missing",
          "",
          "keyspace '"
              + settings.keyspace()
              + "' of Cassandra lacks the tables "
              + missing
              + ", and is not to be made here",
          null);
    }
    String replication =
        settings.replication().entrySet().stream()
            .map(replicas -> ", '" + replicas.getKey() + "': " + replicas.getValue())
            .collect(Collectors.joining());
    session.execute(
        inKeyspace(
            "CREATE KEYSPACE IF NOT EXISTS %s WITH replication ="
                + " {'class': 'NetworkTopologyStrategy'"
                + replication
                + "}"));
    TABLES.forEach(table -> session.execute(inKeyspace(table)));
  }

  private String inKeyspace(String cql) {
    return cql.formatted('"' + settings.keyspace() + '"');
  }

  @Override
  public synchronized void close() {
    closed = true;
    if (open != null) {
      open.session.close();
    }
  }
}
