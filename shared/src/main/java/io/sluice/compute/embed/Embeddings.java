package io.sluice.compute.embed;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.model.Digest;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * The embeddings of some texts, in the order of the texts.
 *
 * @param model name of the model
 * @param version of the model
 * @param settings with which they were made
 * @param vectors one a text
 * @param tokens of all texts, special ones included
 * @param truncated texts that were too long and lost their end
 * @param parts which parts each worker executed: 0 for the embeddings, i + 1 for layer i
 */
public record Embeddings(
    String model,
    Digest version,
    EncoderSettings settings,
    List<float[]> vectors,
    long tokens,
    int truncated,
    Map<String, SortedSet<Integer>> parts) {

  /** What the answer tells besides the vectors, as JSON. */
  ObjectNode summary(int dimensions) {
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("model", model)
            .put("version", version.toString())
            .put("dimensions", dimensions)
            .put("tokens", tokens)
            .put("truncated", truncated)
            .put("pooling", settings.pooling().text())
            .put("normalize", settings.normalize())
            .put("heads", settings.heads());
    ArrayNode workers = json.putArray("workers");
    parts.forEach(
        (id, list) -> {
          ObjectNode worker = workers.addObject().put("id", id);
          worker.put("embeddings", list.contains(0));
          ArrayNode layers = worker.putArray("layers");
          list.stream().filter(part -> part > 0).forEach(part -> layers.add(part - 1));
        });
    return json;
  }

  /** The answer as JSON. */
  public ObjectNode toJson(boolean base64) {
    ObjectNode json = summary(vectors.getFirst().length);
    json.put("encoding", base64 ? "base64" : "float");
    ArrayNode list = json.putArray("embeddings");
    for (float[] vector : vectors) {
      if (base64) {
        list.add(base64(vector));
      } else {
        ArrayNode numbers = list.addArray();
        for (float value : vector) {
          numbers.add(value);
        }
      }
    }
    return json;
  }

  /** Adds what the {@code workers} of an answer executed. */
  static void readParts(JsonNode workers, Map<String, SortedSet<Integer>> parts) {
    for (JsonNode worker : workers) {
      SortedSet<Integer> of =
          parts.computeIfAbsent(worker.get("id").textValue(), id -> new TreeSet<>());
      if (worker.get("embeddings").booleanValue()) {
        of.add(0);
      }
      worker.get("layers").forEach(layer -> of.add(layer.intValue() + 1));
    }
  }

  /** Base64 of little-endian F32. */
  static String base64(float[] vector) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * vector.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(vector);
    return Base64.getEncoder().encodeToString(bytes.array());
  }

  /** Reads what {@link #base64} wrote. */
  static float[] floats(String base64) {
    ByteBuffer bytes = ByteBuffer.wrap(Base64.getDecoder().decode(base64));
    float[] vector = new float[bytes.remaining() / 4];
    bytes.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(vector);
    return vector;
  }
}
