package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every benchmark runs, measures what it says, and leaves nothing behind. How fast it is, is
 * nobody's business here.
 */
class BenchIT {
  private static final long MIB = 1 << 20;
  private static final String[] SMALL = {
    "--size", "64MiB", "--shard", "16MiB", "--chunk", "4MiB", "--repeat", "1"
  };

  @TempDir Path folder;
  private final Map<String, String> environment = new HashMap<>();
  private Path temporary;
  private Cli cli;

  @BeforeEach
  void ownTemporaryFolder() throws IOException {
    temporary = Files.createDirectory(folder.resolve("tmp"));
    environment.put("TMPDIR", temporary.toString());
    // What is measured is nobody's business, so all processes may compile as little as tests do.
    environment.put("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -Djava.io.tmpdir=" + temporary);
    environment.put("SLUICE_BENCH_HOME", Application.benchHome().toString());
    cli = new Cli(environment);
  }

  @AfterEach
  void nothingIsLeft() {
    Await.untilTrue("the temporary files to go: " + temporary, () -> list().isEmpty());
  }

  private List<Path> list() {
    try (Stream<Path> files = Files.list(temporary)) {
      return files.toList();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private JsonNode bench(String kind, String... more) {
    List<String> words = new ArrayList<>(List.of("bench", kind, "--json"));
    words.addAll(List.of(SMALL));
    words.addAll(List.of(more));
    JsonNode json = cli.run(words.toArray(String[]::new)).json();
    assertThat(json.get("bench").textValue()).isEqualTo(kind);
    assertThat(json.get("bytes").longValue()).isEqualTo(64 * MIB);
    assertThat(json.get("embedded").booleanValue()).isNotEqualTo(words.contains("--configured"));
    assertThat(json.get("endpoint").textValue())
        .startsWith(words.contains("--tls") ? "https://127.0.0.1:" : "http://127.0.0.1:");
    return json;
  }

  private static JsonNode subject(JsonNode json, String name) {
    for (JsonNode subject : json.get("subjects")) {
      if (subject.get("name").textValue().equals(name)) {
        return subject;
      }
    }
    throw new AssertionError("no subject '" + name + "' in " + json);
  }

  private static void assertMeasured(JsonNode subject) {
    assertThat(subject.get("gigabytesPerSecond").get("median").doubleValue()).isPositive();
    assertThat(subject.get("cpuSecondsPerGib").get("median").doubleValue()).isNotNegative();
    assertThat(subject.get("speedOfCeiling").get("median").doubleValue()).isPositive();
    assertThat(subject.get("retries").longValue()).isZero();
    assertThat(subject.get("rounds")).hasSize(1);
  }

  @Test
  void loadComparesWithRawSocketsAndOtherClients() {
    JsonNode json = bench("load", "--warmup", "0");
    for (String name : List.of("raw", "sluice", "sdk-crt", "sdk-netty", "sdk-url")) {
      JsonNode subject = subject(json, name);
      assertMeasured(subject);
      if (!name.equals("sluice")) {
        assertThat(subject.get("storeBytes").longValue()).as(name).isEqualTo(64 * MIB);
        assertThat(subject.get("requests").longValue()).as(name).isEqualTo(16);
      }
    }
    // Small chunks share a request; the last ones may be asked for twice.
    JsonNode sluice = subject(json, "sluice");
    assertThat(sluice.get("storeBytes").longValue()).isBetween(64 * MIB, 128 * MIB);
    assertThat(sluice.get("requests").longValue()).isBetween(4L, 16L);
    assertThat(subject(json, "raw").get("speedOfCeiling").get("median").doubleValue()).isEqualTo(1);
    assertThat(json.get("bestPeer").get("name").textValue()).startsWith("sdk-");
    assertThat(json.get("bestPeer").get("cpuOfPeer").get("median").doubleValue()).isPositive();
  }

  @Test
  void uploadSendsEveryByteInEveryRound() {
    JsonNode json = bench("upload", "--warmup", "1");
    assertMeasured(subject(json, "raw"));
    JsonNode sluice = subject(json, "sluice");
    assertMeasured(sluice);
    // The shards and their headers; the rest of the file is the skeleton.
    assertThat(sluice.get("storeBytes").longValue()).isBetween(64 * MIB, 65 * MIB);
  }

  @Test
  void tlsIsMeasuredBesideRawTls() {
    JsonNode json = bench("load", "--tls", "--subjects", "sluice", "--warmup", "0");
    for (String name : List.of("raw", "sluice")) {
      assertMeasured(subject(json, name));
      assertThat(subject(json, name).get("storeBytes").longValue())
          .as(name)
          .isBetween(64 * MIB, 128 * MIB);
    }
    cli.run("bench", "cache", "--tls").failed(2, "bench-invalid");
  }

  @Test
  void aConfiguredStoreIsMeasuredAndLeftAsItWas() {
    Stack stack = Stack.shared();
    Bucket bucket = new Bucket(stack.s3(), stack.endpoints().bucket(), "benched/");
    bucket.overwrite("kept", new byte[] {1});
    environment.putAll(stack.environment());
    environment.put("SLUICE_S3_PREFIX", "benched/");
    cli = new Cli(environment);

    JsonNode json = bench("upload", "--configured", "--warmup", "0");

    assertThat(json.get("endpoint").textValue()).isEqualTo(stack.endpoints().endpoint());
    assertMeasured(subject(json, "raw"));
    assertMeasured(subject(json, "sluice"));
    assertThat(bucket.list("").keySet()).containsExactly("kept");
  }

  @Test
  void aSecondLoadOnAWarmWorkerAsksTheStoreForNothing() {
    JsonNode json = bench("cache", "--subjects", "store,memory,disk,redis", "--warmup", "1");
    assertThat(subject(json, "store").get("storeBytes").longValue()).isBetween(64 * MIB, 128 * MIB);
    assertThat(subject(json, "memory").get("storeBytes").longValue()).isZero();
    assertThat(subject(json, "memory").get("requests").longValue()).isZero();
    for (String cache : List.of("disk", "redis")) {
      assertCached(json, cache);
    }
  }

  @Test
  void aWorkerBesideAWarmOneReadsFromIt() {
    JsonNode json = bench("cache", "--subjects", "peer,memcached", "--warmup", "1");
    assertCached(json, "peer");
    if (json.findValuesAsText("name").contains("memcached")) {
      assertCached(json, "memcached"); // this machine has one
    }
  }

  private static void assertCached(JsonNode json, String cache) {
    assertMeasured(subject(json, cache));
    // Filling goes on beside the load and may let chunks go, but not all.
    assertThat(subject(json, cache).get("storeBytes").longValue()).as(cache).isLessThan(64 * MIB);
  }

  @Test
  void fanoutIsMeasuredBesideItsPrediction() {
    JsonNode json =
        bench("fanout", "--workers", "1,3", "--bandwidth", "50MB/s", "--seconds", "0.3");
    JsonNode points = json.get("points");
    assertThat(points).hasSize(2);
    for (JsonNode point : points) {
      long workers = point.get("workers").longValue();
      assertThat(point.get("bytes").longValue()).isEqualTo(workers * 16 * MIB);
      double predicted = point.get("predictedSeconds").doubleValue();
      assertThat(predicted).isEqualTo(16 * MIB / 50e6);
      // Nobody is faster than the bandwidth allows.
      assertThat(point.get("seconds").get("median").doubleValue())
          .isGreaterThanOrEqualTo(predicted);
    }
    assertThat(points.get(0).get("timesOneWorker").doubleValue()).isEqualTo(1);
  }

  @Test
  void storesAreMeasuredBesideEachOther(@TempDir Path files) throws IOException {
    Path kept = Files.write(files.resolve("kept"), new byte[1]);
    Cli withFiles = new Cli(Map.of("SLUICE_FILE_ROOT", files.toString()));
    JsonNode json =
        withFiles
            .run("bench", "stores", "--json", "--size", "8MiB", "--shard", "4MiB", "--repeat", "2")
            .json();
    assertThat(json.get("objects").intValue()).isEqualTo(2);
    assertThat(json.get("stores"))
        .extracting(store -> store.get("name").textValue())
        .containsExactly("s3", "file");
    for (JsonNode store : json.get("stores")) {
      for (String way : List.of("write", "read")) {
        assertThat(store.at("/" + way + "/gigabytesPerSecond/median").doubleValue()).isPositive();
        // So few bytes may take less than the system's clock of CPU time tells.
        assertThat(store.at("/" + way + "/cpuSecondsPerGib/median").isNumber()).isTrue();
      }
      assertThat(store.at("/put/milliseconds/median").doubleValue()).isPositive();
    }
    try (Stream<Path> left = Files.walk(files)) {
      assertThat(left.filter(Files::isRegularFile)).containsExactly(kept);
    }
    Cli elsewhere = new Cli(Map.of("SLUICE_STORE", "file", "SLUICE_FILE_ROOT", files.toString()));
    elsewhere.run("bench", "load", "--configured").failed(2, "bench-store-unsupported");
    assertThat(kept).as("what is in a store that is not measured stays").exists();
  }

  @Test
  void planNeedsNoStack() {
    JsonNode plan =
        cli.run("plan", "--json", "--size", "140GB", "--workers", "16", "--latency", "0").json();
    assertThat(plan.get("S").longValue()).isEqualTo(140_000_000_000L);
    assertThat(plan.get("workers").intValue()).isEqualTo(16);
    assertThat(plan.get("seconds").doubleValue())
        .isEqualTo(plan.get("mostBytes").longValue() / 75e6);
    assertThat(plan.get("dollars").get("load").doubleValue()).isPositive();
    Cli.Run tight = cli.run("plan", "--size", "140GB", "--workers", "16", "--memory", "1GiB");
    assertThat(tight.exit()).isEqualTo(6);
    assertThat(tight.out()).isEmpty();
    assertThat(tight.err()).contains("(placement-does-not-fit)");
  }
}
