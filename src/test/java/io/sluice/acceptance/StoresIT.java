package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The whole life of a model in each store, chosen by configuration alone, and between two. */
class StoresIT {
  private static final String MODEL = "stores/m";
  private static final int TENSORS = 60;
  private static final int BYTES = 16 << 10;
  private static final String FILE = "m.safetensors";

  @TempDir Path folder;

  private Cluster cluster;
  private Cli cli;
  private Api api;

  @ParameterizedTest
  @EnumSource
  void aModelLivesInItGoesToAnotherAndComesBack(TestStore store) throws Exception {
    try (TestStore.Running running = store.start(folder)) {
      Map<String, String> settings = new HashMap<>(running.settings());
      settings.put("SLUICE_STORE", store.text());
      try (Cluster started =
          Cluster.start(
              Stack.shared(), "stores-" + store.text(), 2, 256 << 20, Map.copyOf(settings))) {
        cluster = started;
        cli = new Cli(cluster);
        api = cluster.api();
        live(store);
      }
    }
  }

  private void live(TestStore store) throws Exception {
    List<Synthetic> tensors = Models.uniform(91, TENSORS, BYTES);
    byte[] file = SafetensorsFile.write(tensors);
    String source =
        cluster.stack().write("stores-" + store.text(), Map.of(FILE, file)).toUri().toString();
    JsonNode upload = api.upload(source, MODEL, "shardBytes", BYTES);
    int objects = upload.get("shards").intValue() + 1; // and a skeleton
    assertThat(cluster.bucket().shards()).as("nothing goes to S3").isEmpty();

    assertLoads(upload, tensors);
    JsonNode report = cli.run("verify", MODEL, "--deep", "--json").json();
    assertThat(report.get("sound").booleanValue()).as(report.toString()).isTrue();
    cli.run("pull", MODEL, folder.resolve("pulled").toString()).succeeded();
    assertThat(Files.readAllBytes(folder.resolve("pulled").resolve(FILE))).isEqualTo(file);

    JsonNode out = cli.run("copy", MODEL, "--to", "s3", "--json").json();
    assertThat(out.get("from").textValue()).isEqualTo(store.text());
    assertThat(out.at("/sent/objects").intValue()).isEqualTo(objects);
    assertThat(cluster.bucket().files(MODEL, upload.get("version").textValue()).get(FILE))
        .isEqualTo(file);

    // Gone from here, and only from here.
    cli.run("rm", MODEL, "--force").succeeded();
    collect(objects);
    assertThat(cluster.bucket().shards()).hasSize(objects - 1);

    aCopyThatADamagedShardCutsOffGoesOn(store, objects, upload.get("version").textValue());
    assertLoads(upload, tensors);
  }

  private void assertLoads(JsonNode upload, List<Synthetic> tensors) {
    JsonNode load = api.load(MODEL);
    assertThat(load.get("L")).isEqualTo(upload.get("S"));
    assertThat(load.get("P").intValue()).isEqualTo(2);
    Models.assertStats(api.stats(MODEL), tensors);
    cluster.unloadAll();
  }

  private void collect(int objects) {
    JsonNode gc = cli.run("gc", "--grace", "0s", "--json").json();
    assertThat(gc.get("deletedObjects").intValue()).isGreaterThanOrEqualTo(objects);
    assertThat(gc.get("keptObjects").intValue()).isZero();
    Api.problem(api.post("/load", Api.object("model", MODEL)), 404, "model-missing");
  }

  private void aCopyThatADamagedShardCutsOffGoesOn(TestStore store, int objects, String version) {
    // The last shard: most others are copied when it is found.
    JsonNode shards = cluster.bucket().manifest(MODEL, version).get("shards");
    String key = Bucket.shardKey(shards.get(shards.size() - 1).get("digest").textValue());
    byte[] right = cluster.bucket().get(key);
    byte[] wrong = right.clone();
    wrong[wrong.length / 2] ^= 1;
    cluster.bucket().overwrite(key, wrong);
    JsonNode problem = Api.problem(api.post("/copy", back(store)), 502, "object-corrupt");
    assertThat(problem.get("detail").textValue()).contains(key).contains("'s3'");
    Api.problem(api.post("/load", Api.object("model", MODEL)), 404, "model-missing");

    cluster.bucket().overwrite(key, right);
    JsonNode rest = Api.ok(api.post("/copy", back(store)));
    int reused = rest.at("/reused/objects").intValue();
    assertThat(reused).isBetween(1, objects - 1);
    assertThat(rest.at("/sent/objects").intValue()).isEqualTo(objects - reused);
    JsonNode checked = Api.ok(api.post("/copy", back(store).put("check", true)));
    assertThat(checked.at("/reused/objects").intValue()).isEqualTo(objects);
  }

  private static ObjectNode back(TestStore store) {
    return Api.object("model", MODEL, "from", "s3", "to", store.text());
  }
}
