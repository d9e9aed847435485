package io.sluice.functions.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class ModelDrawingTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static String draw(JsonNode model, JsonNode workers, boolean all) {
    StringWriter out = new StringWriter();
    new ModelDrawing(model, workers, all).draw(new PrintWriter(out));
    return out.toString();
  }

  @Test
  void drawsTensorsInShardsAndShardsOnWorkers() throws IOException {
    JsonNode model =
        JSON.readTree(
            """
            {"model":"m","version":"sha256:%1$s","S":1100,
             "plan":{"strategy":"size","shardBytes":1000,"chunkBytes":65536},
             "files":[{"path":"m.safetensors","size":1000,"digest":"sha256:%1$s","format":"SAFETENSORS"}],
             "shards":[{"index":0,"digest":"sha256:%1$s","size":1000,"chunks":1,"workers":["w1","w2"]},
                       {"index":1,"digest":"sha256:%1$s","size":100,"chunks":1,"workers":[]}],
             "tensors":[
               {"name":"big","dtype":"U8","shape":[10,80],"bytes":800,"file":0,"pieces":[
                 {"shard":0,"offset":500,"firstRow":0,"rows":6,"bytes":500},
                 {"shard":1,"offset":64,"firstRow":6,"rows":4,"bytes":36}]},
               {"name":"small","dtype":"F32","shape":[100],"bytes":400,"file":0,"pieces":[
                 {"shard":0,"offset":100,"firstRow":0,"rows":100,"bytes":400}]}]}
            """
                .formatted("0123456789ab" + "0".repeat(52)));
    JsonNode workers =
        JSON.readTree(
            """
            {"workers":[{"id":"w1","budgetBytes":4096,"freeBytes":3096},
                        {"id":"w2","budgetBytes":4096,"freeBytes":3096}]}
            """);

    String picture = draw(model, workers, false);

    // 48 cells for 1000 bytes: 100 of header, 400 of the one, 500 of the other.
    assertThat(picture)
        .contains("shard 0  0123456789ab  1000 B  on w1, w2\n")
        .contains("  |" + ".".repeat(5) + "a".repeat(19) + "b".repeat(24) + "|\n")
        .contains("  a small  F32 [100], 400 B\n")
        .contains("  b big  U8 [10,80] rows 0 to 5, 500 B\n")
        .contains("shard 1  0123456789ab  100 B  on no worker\n")
        .contains("  a big  U8 [10,80] rows 6 to 9, 36 B\n")
        .containsPattern("w1 +4.0 KiB +1000 B +1000 B +0\n");
  }

  @Test
  void aLargeModelIsCutUnlessAllIsWanted() {
    ObjectNode model = JsonNodeFactory.instance.objectNode().put("model", "m");
    ArrayNode shards = model.putArray("shards");
    ArrayNode tensors = model.putArray("tensors");
    for (int i = 0; i < 1_000; i++) {
      shards.addObject().put("index", i).put("digest", "sha256:00").put("size", 1_000);
      for (int t = 0; t < 10; t++) {
        ObjectNode tensor = tensors.addObject().put("name", "t" + i + "." + t).put("dtype", "U8");
        tensor
            .putArray("pieces")
            .addObject()
            .put("shard", i)
            .put("offset", 100 * t)
            .put("bytes", 100);
      }
    }

    String some = draw(model, JsonNodeFactory.instance.objectNode(), false);
    String all = draw(model, JsonNodeFactory.instance.objectNode(), true);

    assertThat(some)
        .contains("and 980 more shards; --all shows them")
        .contains("and 5 smaller ones, 500 B")
        .doesNotContain("shard 20 ");
    assertThat(some.lines().count()).isLessThan(200);
    assertThat(all).contains("shard 999 ", "t999.9").doesNotContain("smaller ones", "--all");
  }
}
