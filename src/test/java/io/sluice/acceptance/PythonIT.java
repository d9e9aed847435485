package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What lies in the bucket opens with Python's safetensors, and holds the tensors of the source.
 * Skipped where Python or its modules are not installed.
 */
class PythonIT {
  @TempDir Path folder;

  @Test
  void everyShardOpensAndHoldsTheSource() throws IOException {
    Python python = Python.with(folder, "numpy", "safetensors.numpy");
    Random random = new Random(91);
    List<Synthetic> tensors = new ArrayList<>();
    for (String type :
        List.of(
            "BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64", "F16", "BF16", "F32",
            "F64", "F8_E4M3", "F8_E5M2")) {
      tensors.add(Synthetic.random("small." + type, type, random, 7, 5));
      tensors.add(Synthetic.random("large." + type, type, random, 40, 30, 20));
    }
    tensors.add(Synthetic.weights("scalar", random));
    tensors.add(Synthetic.random("empty", "F32", random, 0, 4));
    byte[] source = SafetensorsFile.write(tensors);
    Cluster cluster = Stack.sharedCluster();
    String url =
        cluster.stack().write("python", Map.of("m.safetensors", source)).toUri().toString();
    cluster.api().upload(url, "python/m", "shardBytes", 30_000);

    List<String> files = new ArrayList<>();
    files.add(Files.write(folder.resolve("source.safetensors"), source).toString());
    JsonNode shards = cluster.api().model("python/m").get("shards");
    for (JsonNode shard : shards) {
      byte[] object = cluster.bucket().get(Bucket.shardKey(shard.get("digest").textValue()));
      Path file = folder.resolve(shard.get("index").asText() + ".safetensors");
      files.add(Files.write(file, object).toString());
    }
    assertThat(python.script("shards.py", files))
        .isEqualTo("ok 31 tensors of " + shards.size() + " shards");
    assertThat(shards.size()).isGreaterThan(20);
  }
}
