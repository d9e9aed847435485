package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertAll;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.acceptance.Cli.Run;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** The main job and its errors over the command line. */
class CliIT {
  private static final String REAL = "sentence-transformers/all-MiniLM-L6-v2";
  private static final String NO_VERSION = "sha256:" + "0".repeat(64);

  private static Cluster cluster;
  private static Cli cli;

  @TempDir Path folder;

  @BeforeAll
  static void start() {
    cluster = Cluster.start(Stack.shared(), "cli", 2, 96 << 20, Map.of());
    cli = new Cli(cluster);
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  @Test
  void mainJobOnTheRealModel() throws IOException {
    Path source = Application.realModel();
    JsonNode upload =
        cli.run("upload", source.toString(), REAL, "--shard-size", "8MiB", "--json").json();
    Map<String, Long> stored = new HashMap<>();
    cluster
        .api()
        .model(REAL)
        .get("shards")
        .forEach(
            s ->
                stored.put(
                    Bucket.shardKey(s.get("digest").textValue()), s.get("size").longValue()));
    assertThat(cluster.bucket().shards()).containsAllEntriesOf(stored);
    assertThat(upload.get("S").longValue())
        .isEqualTo(stored.values().stream().mapToLong(Long::longValue).sum());

    JsonNode again =
        cli.run("--json", "upload", source.toString(), REAL, "--shard-size=8MiB").json();
    assertThat(again.get("version")).isEqualTo(upload.get("version"));
    assertThat(again.get("sent").get("shards").intValue()).isZero();

    Run load = cli.run("load", REAL, "--json");
    Models.assertWholeLoad(
        load.json(), cluster.api().model(REAL), cluster.api().workers().keySet());
    assertThat(load.err()).contains("load: ").contains(" tasks");

    JsonNode stats = cli.run("compute", REAL, "--operation", "stats", "--json").json();
    Models.assertStats(stats, OnnxFile.read(Files.readAllBytes(source.resolve("model.onnx"))));

    Run show = cli.run("show", REAL).succeeded();
    assertThat(show.out())
        .contains("shard 0")
        .contains("worker-1")
        .contains("worker-2")
        .contains("embeddings.word_embeddings.weight");
    Run ls = cli.run("ls").succeeded();
    assertThat(ls.out()).contains(REAL).contains("latest");

    Path target = folder.resolve("pulled");
    JsonNode pull = cli.run("pull", REAL, target.toString(), "--json").json();
    assertThat(pull.get("files")).hasSize(2);
    for (String name : List.of("model.onnx", "tokenizer.json")) {
      assertThat(Files.mismatch(target.resolve(name), source.resolve(name))).as(name).isEqualTo(-1);
    }
    JsonNode unload = cli.run("unload", REAL, "--json").json();
    assertThat(unload.get("freedBytes").longValue())
        .isGreaterThanOrEqualTo(upload.get("S").longValue());
    cluster.awaitEmpty();
  }

  @Test
  void everyFormatIsPulledByteForByte() throws IOException {
    Random random = new Random(101);
    Map<String, byte[]> files =
        new HashMap<>(SafetensorsFile.folder(Models.transformer(102, 3, 48), 2));
    files.put(
        "gguf/model.gguf",
        GgufFile.write(
            List.of(
                Synthetic.random("blk.0.w", "Q4_0", random, 40, 64),
                Synthetic.random("blk.0.b", "F16", random, 41))));
    OnnxFile.writeExternal(Models.transformer(103, 1, 16))
        .forEach((path, bytes) -> files.put("onnx/" + path, bytes));
    files.put("empty.txt", new byte[0]);
    files.put("ünï/code.txt", SafetensorsFile.utf8("ü"));
    Path source = cluster.stack().write("cli-formats", files);
    cli.run("upload", source.toString(), "cli/formats", "--shard-size", "4KiB").succeeded();
    Path target = folder.resolve("formats");
    cli.run("pull", "cli/formats", target.toString()).succeeded();
    for (Map.Entry<String, byte[]> file : files.entrySet()) {
      assertThat(Files.readAllBytes(target.resolve(file.getKey())))
          .as(file.getKey())
          .isEqualTo(file.getValue());
    }
    cli.run("pull", "cli/formats", target.toString()).failed(4, "target-not-empty");
  }

  @Test
  void versionsAreTaggedRemovedCollectedAndRebuilt() {
    String one = upload("cli/v", 111);
    String two = upload("cli/v", 112);
    cli.run("tag", "cli/v@" + one, "stable").succeeded();
    assertThat(cluster.api().model("cli/v?tag=stable").get("version").textValue()).isEqualTo(one);
    cli.run("tag", "cli/v", "stable", "--expect", NO_VERSION).failed(4, "tag-moved");
    cli.run("tag", "cli/v", "stable", "--expect", one).succeeded();
    assertThat(cluster.api().model("cli/v?tag=stable").get("version").textValue()).isEqualTo(two);

    JsonNode rebuilt = cli.run("rebuild", "--json").json();
    assertThat(rebuilt.get("versions").intValue()).isGreaterThanOrEqualTo(2);
    assertThat(rebuilt.get("refused")).isEmpty();
    assertThat(cluster.api().model("cli/v").get("version").textValue()).isEqualTo(two);

    cli.run("rm", "cli/v").failed(4, "version-tagged");
    cli.run("rm", "cli/v@" + one).succeeded();
    int before = cluster.bucket().shards().size();
    JsonNode dry = cli.run("gc", "--dry-run", "--grace", "0s", "--json").json();
    assertThat(dry.get("deletedObjects").intValue()).isPositive();
    assertThat(cluster.bucket().shards()).hasSize(before);
    Cli.Run collected = cli.run("gc", "--grace", "0s", "--json", "--verbose");
    JsonNode gc = collected.json();
    assertThat(gc.get("deletedObjects")).isEqualTo(dry.get("deletedObjects"));
    assertThat(collected.err())
        .contains("\"principal\":\"process\",\"action\":\"collect\"")
        .contains("\"objects\":" + gc.get("deletedObjects") + ",");
    assertThat(cluster.bucket().shards().size()).isLessThan(before);
    cli.run("load", "cli/v@" + one).failed(3, "version-missing");
    cli.run("verify", "cli/v", "--deep").succeeded();
  }

  /** Uploads by the function, which is quicker than a process of its own. */
  private static String upload(String model, long seed) {
    Path source =
        cluster
            .stack()
            .write(
                model.replace('/', '-') + seed,
                Map.of("m.safetensors", SafetensorsFile.write(Models.transformer(seed, 2, 48))));
    return cluster
        .api()
        .upload(source.toUri().toString(), model, "shardBytes", 16 << 10)
        .get("version")
        .textValue();
  }

  /** A command and how it has to fail. */
  private record Failure(int exit, String code, String... words) {}

  @Test
  void errorsAreOneLineAndAnExitCode() throws IOException {
    upload("cli/errors", 121);
    JsonNode shard = cluster.api().model("cli/errors").get("shards").get(0);
    String key = Bucket.shardKey(shard.get("digest").textValue());
    byte[] wrong = cluster.bucket().get(key);
    wrong[wrong.length - 1] ^= 1;
    cluster.bucket().overwrite(key, wrong);
    Path model =
        cluster.stack().write("cli-e", Map.of("a.safetensors", SafetensorsFile.write(List.of())));

    List<Failure> failures = new ArrayList<>();
    failures.add(new Failure(2, "usage", "load"));
    failures.add(new Failure(2, "usage", "load", "cli/errors", "--colour"));
    failures.add(new Failure(2, "usage", "load", "../m"));
    failures.add(
        new Failure(2, "operation-unknown", "compute", "cli/errors", "--operation", "nope"));
    failures.add(new Failure(3, "model-missing", "load", "no/such"));
    failures.add(new Failure(3, "source-missing", "upload", "/no/such", "m"));
    failures.add(new Failure(3, "job-missing", "jobs", "nope"));
    failures.add(
        new Failure(
            4, "tag-moved", "upload", model.toString(), "cli/errors", "--expect", NO_VERSION));
    failures.add(new Failure(5, "shard-corrupt", "load", "cli/errors"));
    failures.add(
        new Failure(
            6,
            "compute-does-not-fit",
            "compute",
            "cli/errors",
            "--operation",
            "stats",
            "--tasks-per-worker",
            "1"));
    failures.add(
        new Failure(7, "endpoint-unreachable", "load", "m", "--endpoint", "http://127.0.0.1:1"));
    failures.add(new Failure(8, "source-forbidden", "upload", "file:///etc/passwd", "m"));
    for (MalformedFiles.Malformed malformed : MalformedFiles.all()) {
      // One of each format; that all of them are refused is shown over HTTP.
      if (malformed.name().endsWith("cut off")) {
        Path source =
            cluster.stack().write("cli-" + malformed.name().hashCode(), malformed.files());
        failures.add(new Failure(2, malformed.code(), "upload", source.toString(), "cli/bad"));
      }
    }
    assertThat(failures).hasSize(15);
    assertAll(inGroups(failures));
    Api.problem(cluster.api().get("/models/cli/bad"), 404, "model-missing");

    Run verify = cli.run("verify", "cli/errors", "--deep");
    assertThat(verify.exit()).as(verify.toString()).isEqualTo(5);
    assertThat(verify.out() + verify.err()).contains(key);
    cli.run("unload", "cli/errors").succeeded();
  }

  /** A few commands at a time: most of what they take is the start of a process. */
  private static List<Executable> inGroups(List<Failure> failures) {
    List<Executable> checks = new ArrayList<>();
    for (int i = 0; i < failures.size(); i += 4) {
      List<Failure> group = failures.subList(i, Math.min(failures.size(), i + 4));
      Map<Failure, Process> running = new HashMap<>();
      group.forEach(f -> running.put(f, cli.start(name(f), f.words())));
      for (Failure failure : group) {
        Run run = cli.end(name(failure), running.get(failure), failure.words());
        checks.add(() -> run.failed(failure.exit(), failure.code()));
      }
    }
    return checks;
  }

  private static String name(Failure failure) {
    return failure.words()[0] + "-" + System.identityHashCode(failure);
  }

  @Test
  void jobsAreStartedListedAndFollowed() {
    upload("cli/jobs", 131);
    JsonNode job = cli.run("load", "cli/jobs", "--no-wait", "--json").json();
    String id = job.get("id").textValue();
    JsonNode followed = cli.run("jobs", id, "--follow", "--json").json();
    assertThat(followed.get("state").textValue()).isEqualTo("succeeded");
    assertThat(cli.run("jobs").succeeded().out()).contains(id).contains("load");
    cli.run("unload", "cli/jobs").succeeded();
  }

  @Test
  void helpVersionAndCompletion() {
    assertThat(cli.run("--help").succeeded().out())
        .contains("upload", "load", "unload", "compute", "pull", "ls", "show", "tag", "rm", "gc")
        .contains("verify", "rebuild", "jobs", "serve", "up", "demo", "completion");
    assertThat(cli.run("--version").succeeded().out()).startsWith("sluice ");
    assertThat(cli.run("completion").succeeded().out()).contains("complete").contains("upload");
  }
}
