package io.sluice.compute.publish;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.SortedMap;

/** The document {@code model.safetensors.index.json}: in which file each tensor lies. */
final class IndexJson {
  private IndexJson() {}

  static String write(long totalBytes, SortedMap<String, String> fileOfTensor) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.putObject("metadata").put("total_size", totalBytes);
    ObjectNode map = json.putObject("weight_map");
    fileOfTensor.forEach(map::put);
    return json.toPrettyString() + "\n";
  }
}
