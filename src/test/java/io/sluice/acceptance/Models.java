package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/** Models that tests make up, and what has to hold of answers about any model. */
final class Models {
  private Models() {}

  /** Weights of a transformer of some layers: names as on Hugging Face. */
  static List<Synthetic> transformer(long seed, int layers, long width) {
    Random random = new Random(seed);
    List<Synthetic> tensors = new ArrayList<>();
    tensors.add(Synthetic.weights("model.embed_tokens.weight", random, 4 * width, width));
    for (int layer = 0; layer < layers; layer++) {
      String name = "model.layers." + layer + ".";
      tensors.add(Synthetic.weights(name + "self_attn.q_proj.weight", random, width, width));
      tensors.add(Synthetic.weights(name + "mlp.up_proj.weight", random, 2 * width, width));
      tensors.add(Synthetic.weights(name + "input_layernorm.weight", random, width));
    }
    tensors.add(Synthetic.weights("lm_head.weight", random, 4 * width, width));
    return tensors;
  }

  /** Many tensors of the same size: as many shards, if a shard has that size too. */
  static List<Synthetic> uniform(long seed, int tensors, int bytesEach) {
    Random random = new Random(seed);
    List<Synthetic> all = new ArrayList<>();
    for (int i = 0; i < tensors; i++) {
      byte[] data = new byte[bytesEach];
      random.nextBytes(data);
      all.add(new Synthetic("t.%05d".formatted(i), "U8", List.of((long) bytesEach), data));
    }
    return all;
  }

  /**
   * L and P of a load: every shard once, every sum right, every worker alive.
   *
   * @param model the document of {@code /models/{name}}
   */
  static void assertWholeLoad(JsonNode load, JsonNode model, Set<String> alive) {
    assertThat(load.get("S").longValue()).isEqualTo(model.get("S").longValue());
    assertThat(load.get("L").longValue()).as("L of " + load).isEqualTo(load.get("S").longValue());
    Map<Integer, Long> sizes = new HashMap<>();
    model
        .get("shards")
        .forEach(s -> sizes.put(s.get("index").intValue(), s.get("size").longValue()));
    assertLoad(load, sizes, alive);
  }

  /** Every sum of a load, and that it took of each shard what was expected. */
  static void assertLoad(JsonNode load, Map<Integer, Long> expected, Set<String> alive) {
    Map<Integer, Long> loaded = new HashMap<>();
    Set<String> ids = new HashSet<>();
    for (JsonNode worker : load.get("workers")) {
      assertThat(ids.add(worker.get("id").textValue())).isTrue();
      long bytes = 0;
      for (JsonNode shard : worker.get("shards")) {
        bytes += shard.get("bytes").longValue();
        Long before = loaded.put(shard.get("index").intValue(), shard.get("bytes").longValue());
        assertThat(before).as("shard is loaded twice: " + shard).isNull();
        assertThat(shard.get("seconds").doubleValue()).isNotNegative();
        assertThat(shard.get("source").textValue()).isIn("store", "memory", "peer");
      }
      assertThat(worker.get("bytes").longValue()).isEqualTo(bytes);
      assertThat(worker.get("address").textValue()).startsWith("http://127.0.0.1:");
    }
    assertThat(loaded).isEqualTo(expected);
    assertThat(load.get("L").longValue())
        .isEqualTo(expected.values().stream().mapToLong(Long::longValue).sum());
    assertThat(alive).containsAll(ids);
    int n = load.get("N").intValue();
    assertThat(n).isEqualTo(expected.size());
    assertThat(load.get("P").intValue()).isEqualTo(ids.size());
    if (n > 0) {
      assertThat((long) load.get("P").intValue() * load.get("T").intValue())
          .isGreaterThanOrEqualTo(n);
    }
  }

  /** Statistics of every tensor against an independent computation; skipped ones by type. */
  static void assertStats(JsonNode answer, List<Synthetic> tensors) {
    Set<String> skipped = new HashSet<>();
    answer.get("skipped").forEach(s -> skipped.add(s.get("tensor").textValue()));
    JsonNode stats = answer.get("result").get("tensors");
    int counted = 0;
    for (Synthetic tensor : tensors) {
      if (Numbers.SKIPPED.contains(tensor.dtype())) {
        assertThat(skipped).contains(tensor.name());
        assertThat(stats.has(tensor.name())).isFalse();
      } else {
        assertThat(stats.has(tensor.name())).as(tensor.name() + " in " + answer).isTrue();
        Numbers.of(tensor).assertSameAs(tensor, stats.get(tensor.name()));
        counted++;
      }
    }
    assertThat(stats.size()).isEqualTo(counted);
    assertThat(answer.get("result").get("summary").get("tensors").intValue()).isEqualTo(counted);
  }

  /** Names, types, shapes and sizes of the tensors of {@code /models/{name}}. */
  static void assertTensors(JsonNode model, List<Synthetic> tensors) {
    Map<String, JsonNode> listed = new HashMap<>();
    model.get("tensors").forEach(t -> listed.put(t.get("name").textValue(), t));
    Set<String> names = new HashSet<>();
    for (Synthetic tensor : tensors) {
      names.add(tensor.name());
      JsonNode entry = listed.get(tensor.name());
      assertThat(entry).as(tensor.name()).isNotNull();
      assertThat(entry.get("dtype").textValue()).isEqualTo(tensor.dtype());
      assertThat(entry.get("bytes").longValue()).isEqualTo(tensor.data().length);
      List<Long> shape = new ArrayList<>();
      entry.get("shape").forEach(dim -> shape.add(dim.longValue()));
      assertThat(shape).isEqualTo(tensor.shape());
      assertPieces(entry, model);
    }
    assertThat(listed.keySet()).isEqualTo(names);
  }

  /** The pieces are all rows and all bytes of the tensor, inside their shards. */
  private static void assertPieces(JsonNode tensor, JsonNode model) {
    long row = 0;
    long bytes = 0;
    for (JsonNode piece : tensor.get("pieces")) {
      assertThat(piece.get("firstRow").longValue()).isEqualTo(row);
      row += piece.get("rows").longValue();
      bytes += piece.get("bytes").longValue();
      long end = piece.get("offset").longValue() + piece.get("bytes").longValue();
      assertThat(end)
          .isLessThanOrEqualTo(
              model.get("shards").get(piece.get("shard").intValue()).get("size").longValue());
    }
    assertThat(bytes).isEqualTo(tensor.get("bytes").longValue());
  }
}
