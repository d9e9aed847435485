package io.sluice.functions.wiring;

import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.configuration.MemorySize;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.functions.config.SluiceConfig.StoreKind;
import io.sluice.http.HttpTransport;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import io.sluice.storage.MeteredShardStore;
import io.sluice.storage.RetryPolicy;
import io.sluice.storage.RetryingShardStore;
import io.sluice.storage.ShardStore;
import io.sluice.storage.cassandra.CassandraSettings;
import io.sluice.storage.cassandra.CassandraSettings.Credentials;
import io.sluice.storage.cassandra.CassandraSettings.Tls;
import io.sluice.storage.cassandra.CassandraStores;
import io.sluice.storage.file.FileShardStore;
import io.sluice.storage.gluster.GlusterSettings;
import io.sluice.storage.gluster.GlusterShardStore;
import io.sluice.storage.hbase.HbaseSettings;
import io.sluice.storage.hbase.HbaseShardStore;
import io.sluice.storage.hdfs.HdfsSettings;
import io.sluice.storage.hdfs.HdfsShardStore;
import io.sluice.storage.s3.MultipartSettings;
import io.sluice.storage.s3.S3ShardStore;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import software.amazon.awssdk.services.s3.S3Client;

/**
 * The stores by their kinds, each as its settings say. A store is made when it is first opened, and
 * so is the client that it needs: what is not used costs nothing.
 *
 * <p>A new kind of store is one method here that reads its settings, and one arm of the switch.
 * What it needs and is expensive to make is injected as an {@link Instance}.
 */
@Singleton
public class StoreFactory {
  @Inject SluiceConfig config;
  @Inject RetryPolicy retry;
  @Inject MeterRegistry meters;
  @Inject Instance<S3Client> s3;
  @Inject Instance<HttpTransport> transport;

  private final Map<StoreKind, ShardStore> open = new EnumMap<>(StoreKind.class);

  /**
   * The store of this kind, the same one each time, with its decorators: retries around metrics
   * around the adapter, so that every try is counted. It is closed with the application.
   *
   * @throws SluiceException INVALID {@code config-invalid} if its settings are incomplete
   */
  public synchronized ShardStore open(StoreKind kind) {
    return open.computeIfAbsent(
        kind,
        wanted ->
            new RetryingShardStore(
                new MeteredShardStore(adapter(wanted), new MicrometerStoreMetrics(meters, wanted)),
                retry));
  }

  @PreDestroy
  synchronized void close() {
    open.values().forEach(ShardStore::close);
    open.clear();
  }

  private ShardStore adapter(StoreKind kind) {
    return switch (kind) {
      case S3 -> s3();
      case FILE -> file();
      case GLUSTER -> gluster();
      case CASSANDRA -> cassandra();
      case HDFS -> hdfs();
      case HBASE -> hbase();
    };
  }

  private ShardStore s3() {
    SluiceConfig.S3 settings = config.s3();
    return new S3ShardStore(
        s3.get(),
        settings.bucket(),
        settings.prefix().orElse(""),
        new MultipartSettings(
            settings.multipartThreshold().asLongValue(),
            settings.partSize().asLongValue(),
            settings.partParallelism()),
        retry,
        settings.checksums());
  }

  private ShardStore file() {
    return new FileShardStore(needed(StoreKind.FILE, "sluice.file.root", config.file().root()));
  }

  private ShardStore gluster() {
    SluiceConfig.Gluster settings = config.gluster();
    return new GlusterShardStore(
        new GlusterSettings(
            needed(StoreKind.GLUSTER, "sluice.gluster.servers", settings.servers()).stream()
                .map(GlusterSettings::server)
                .toList(),
            needed(StoreKind.GLUSTER, "sluice.gluster.volume", settings.volume()),
            settings.root(),
            settings.threads(),
            settings.library(),
            settings.log()));
  }

  private ShardStore cassandra() {
    SluiceConfig.Cassandra settings = config.cassandra();
    List<String> contactPoints =
        needed(StoreKind.CASSANDRA, "sluice.cassandra.contact-points", settings.contactPoints());
    Optional<Credentials> credentials =
        settings
            .username()
            .map(
                user ->
                    new Credentials(
                        user,
                        needed(
                            StoreKind.CASSANDRA,
                            "sluice.cassandra.password",
                            settings.password())));
    Optional<Tls> tls =
        settings.tls()
            ? Optional.of(new Tls(settings.trustStore(), settings.trustStorePassword()))
            : Optional.empty();
    return CassandraStores.find()
        .open(
            new CassandraSettings(
                contactPoints.stream().map(CassandraSettings::contactPoint).toList(),
                needed(StoreKind.CASSANDRA, "sluice.cassandra.datacenter", settings.datacenter()),
                settings.keyspace(),
                CassandraSettings.Consistency.valueOf(settings.consistency().name()),
                settings.createSchema(),
                CassandraSettings.replication(settings.replication().orElse(List.of())),
                credentials,
                tls,
                settings.window(),
                settings.timeout()),
            retry);
  }

  private ShardStore hdfs() {
    SluiceConfig.Hdfs settings = config.hdfs();
    return new HdfsShardStore(
        transport.get(),
        new HdfsSettings(
            needed(StoreKind.HDFS, "sluice.hdfs.name-nodes", settings.nameNodes()),
            settings.root(),
            settings.user().or(() -> Optional.ofNullable(System.getProperty("user.name"))),
            settings.token(),
            settings.replication().stream().mapToInt(copies -> copies).findFirst(),
            settings.blockSize().stream().mapToLong(MemorySize::asLongValue).findFirst()));
  }

  private ShardStore hbase() {
    SluiceConfig.Hbase settings = config.hbase();
    return new HbaseShardStore(
        transport.get(),
        new HbaseSettings(
            needed(StoreKind.HBASE, "sluice.hbase.gateways", settings.gateways()),
            settings.table(),
            settings.create(),
            settings.parallelism()));
  }

  /** The value of a setting without which there is no such store. */
  private static <T> T needed(StoreKind kind, String name, Optional<T> value) {
    return value.orElseThrow(
        () ->
            new SluiceException(
                ErrorKind.INVALID,
                "config-invalid",
                "the store '"
                    + kind.text()
                    + "' needs the setting "
                    + name
                    + ", which is not set"));
  }
}
