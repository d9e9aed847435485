package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.functions.bench.GeneratedShards;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.measure.StoreAccess;
import io.sluice.model.ShardDescriptor;
import io.sluice.storage.ShardStore;
import jakarta.enterprise.context.Dependent;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Inject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.eclipse.microprofile.config.ConfigProvider;

/**
 * Where measurements take place: a prefix of its own in the store, processes for the subjects, a
 * folder for their logs. Everything is deleted when it is closed.
 */
@Dependent
class BenchBed {
  private static final String PREFIX = "sluice.s3.prefix";
  private static final String ENDPOINT = "quarkus.s3.endpoint-override";

  @Inject Instance<ShardStore> store;
  @Inject Instance<StoreAccess> access;
  @Inject SluiceConfig config;

  private final List<BenchProcess> processes = new ArrayList<>();
  private final List<Runnable> ends = new ArrayList<>();
  private Path folder;
  private Optional<TlsGate> gate = Optional.empty();

  /** Settings of this process and its children: a prefix that is nobody else's. */
  static Map<String, String> settings() {
    String before = ConfigProvider.getConfig().getOptionalValue(PREFIX, String.class).orElse("");
    String name = "bench-" + UUID.randomUUID().toString().substring(0, 8);
    return Map.of(
        PREFIX, before.isEmpty() || before.endsWith("/") ? before + name : before + "/" + name);
  }

  /** The store without the application's client, as the subjects reach it. */
  StoreAccess access() {
    return gate.map(open -> access.get().at(open.endpoint())).orElseGet(access::get);
  }

  /** From now on subjects reach the store by TLS. */
  void encrypt() throws IOException, InterruptedException {
    TlsGate open = TlsGate.open(access.get().endpoint(), folder());
    ends.add(open::close);
    gate = Optional.of(open);
  }

  /** The address of a memcached for the time of the measurement, if the machine has one. */
  Optional<String> memcached(long bytes) throws IOException, InterruptedException {
    Optional<BenchMemcached> server = BenchMemcached.start(bytes, folder());
    server.ifPresent(started -> ends.add(started::close));
    return server.map(BenchMemcached::address);
  }

  /** A folder that goes with this. */
  Path folder() {
    if (folder == null) {
      folder = Temporary.directory("sluice-bench");
    }
    return folder;
  }

  /** Stores generated shards. */
  List<ShardDescriptor> generate(long bytes, long shardBytes, long chunkBytes, ProgressView view) {
    view.count("shards");
    long count = Math.ceilDiv(bytes, shardBytes);
    long[] done = new long[2];
    return GeneratedShards.store(
        store.get(),
        bytes,
        shardBytes,
        Math.toIntExact(chunkBytes),
        stored -> view.update(++done[0], count, done[1] += stored, bytes));
  }

  /**
   * Starts a subject of this program.
   *
   * @param settings on top of those of this process
   */
  BenchProcess own(String kind, String name, JsonNode work, Map<String, String> settings)
      throws InterruptedException {
    List<String> command = trusting(CommandProcess.self());
    command.addAll(List.of("bench", kind, "--subject", name));
    Map<String, String> all = new LinkedHashMap<>(settings);
    gate.ifPresent(open -> all.put(ENDPOINT, open.endpoint().toString()));
    return start(name, command, environment(all), work);
  }

  /** Starts a client of others, if they were built. */
  Optional<BenchProcess> peer(String name, JsonNode work) throws InterruptedException {
    Optional<Path> jar =
        Optional.ofNullable(System.getenv("SLUICE_BENCH_HOME"))
            .map(home -> Path.of(home, "sluice-bench.jar").toAbsolutePath())
            .filter(Files::isRegularFile);
    if (jar.isEmpty()) {
      return Optional.empty();
    }
    List<String> command = trusting(CommandProcess.java());
    command.addAll(List.of("-jar", jar.get().toString(), "peer", name));
    return Optional.of(start(name, command, Map.of(), work));
  }

  /** The words that start a program, which trusts the gate if there is one. */
  private List<String> trusting(List<String> program) {
    List<String> command = new ArrayList<>(program);
    gate.ifPresent(open -> command.addAll(1, open.trust()));
    return command;
  }

  private BenchProcess start(
      String name, List<String> command, Map<String, String> environment, JsonNode work)
      throws InterruptedException {
    BenchProcess process = BenchProcess.start(name, command, environment, work, folder());
    processes.add(process);
    return process;
  }

  /** What leads a child to the store of this process. */
  private static Map<String, String> environment(Map<String, String> settings) {
    Map<String, String> environment = new LinkedHashMap<>();
    for (String name : System.getProperties().stringPropertyNames()) {
      if (name.startsWith("quarkus.s3.")
          || name.startsWith("quarkus.redis.")
          || name.startsWith("sluice.")) {
        environment.put(CommandProcess.variable(name), System.getProperty(name));
      }
    }
    settings.forEach((name, value) -> environment.put(CommandProcess.variable(name), value));
    return environment;
  }

  /** Ends the subjects and deletes what there is. */
  void close() {
    processes.forEach(BenchProcess::close);
    ends.forEach(Runnable::run);
    if (config.store() == SluiceConfig.StoreKind.S3) {
      UploadSubject.deleteAll(store.get());
    }
    if (folder != null) {
      Temporary.delete(folder);
    }
  }
}
