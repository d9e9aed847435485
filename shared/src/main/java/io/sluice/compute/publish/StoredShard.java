package io.sluice.compute.publish;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.model.ChunkChecksums;
import io.sluice.model.DType;
import io.sluice.model.Digest;
import io.sluice.model.ShardDescriptor;
import io.sluice.model.TensorInfo;
import java.util.ArrayList;
import java.util.List;

/**
 * A shard that a task has stored. It travels as JSON in the result of the task.
 *
 * @param shard the object {@code shards/<sha256>.safetensors}
 * @param header its first bytes up to the data, stored as a skeleton too
 * @param blocks what lies in it
 * @param sent whether the object was not there before
 */
public record StoredShard(
    ShardDescriptor shard, ShardDescriptor header, List<Placed> blocks, boolean sent) {
  public StoredShard {
    blocks = List.copyOf(blocks);
  }

  /**
   * A block in the shard.
   *
   * @param offset where it starts in the object, header included
   */
  public record Placed(OutputBlock block, long offset) {}

  /** As JSON. */
  public ObjectNode toJson() {
    ObjectNode json = descriptor(shard);
    json.put("sent", sent);
    json.set("header", descriptor(header));
    ArrayNode array = json.putArray("blocks");
    for (Placed placed : blocks) {
      TensorInfo tensor = placed.block().tensor();
      ArrayNode row =
          array
              .addArray()
              .add(tensor.name())
              .add(tensor.dtype().name())
              .add(placed.block().firstRow())
              .add(placed.block().rows())
              .add(placed.offset());
      tensor.shape().forEach(row::add);
    }
    return json;
  }

  /** Reads what {@link #toJson} wrote. */
  public static StoredShard read(JsonNode json) {
    List<Placed> blocks = new ArrayList<>();
    for (JsonNode row : json.get("blocks")) {
      List<Long> shape = new ArrayList<>();
      for (int i = 5; i < row.size(); i++) {
        shape.add(row.get(i).longValue());
      }
      TensorInfo tensor =
          new TensorInfo(row.get(0).textValue(), DType.valueOf(row.get(1).textValue()), shape);
      blocks.add(
          new Placed(
              new OutputBlock(tensor, row.get(2).longValue(), row.get(3).longValue()),
              row.get(4).longValue()));
    }
    return new StoredShard(
        descriptor(json), descriptor(json.get("header")), blocks, json.get("sent").booleanValue());
  }

  private static ObjectNode descriptor(ShardDescriptor object) {
    return JsonNodeFactory.instance
        .objectNode()
        .put("digest", object.digest().toString())
        .put("size", object.size())
        .put("chunkBytes", object.checksums().chunkSize())
        .put("crc32c", object.checksums().toBase64());
  }

  private static ShardDescriptor descriptor(JsonNode json) {
    return new ShardDescriptor(
        Digest.parse(json.get("digest").textValue()),
        ChunkChecksums.fromBase64(
            json.get("size").longValue(),
            json.get("chunkBytes").intValue(),
            json.get("crc32c").textValue()));
  }
}
