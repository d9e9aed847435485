package io.sluice.measure;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.model.ChunkChecksums;
import io.sluice.model.Digest;
import io.sluice.model.ShardDescriptor;
import java.util.ArrayList;
import java.util.List;

/**
 * What is to be transferred, the same for everybody who is compared.
 *
 * @param access where the store is
 * @param connections requests in flight
 * @param shards the objects, by the keys of shards
 */
public record TransferSpec(StoreAccess access, int connections, List<ShardDescriptor> shards) {
  public TransferSpec {
    shards = List.copyOf(shards);
    if (connections < 1) {
      throw new IllegalArgumentException("at least 1 connection is needed, got " + connections);
    }
  }

  /** A chunk of a shard. */
  public record Chunk(int shard, int index) {}

  /** All chunks, shard after shard. */
  public List<Chunk> chunks() {
    List<Chunk> chunks = new ArrayList<>();
    for (int shard = 0; shard < shards.size(); shard++) {
      for (int i = 0; i < shards.get(shard).checksums().count(); i++) {
        chunks.add(new Chunk(shard, i));
      }
    }
    return chunks;
  }

  /** Bytes of all shards. */
  public long bytes() {
    return shards.stream().mapToLong(ShardDescriptor::size).sum();
  }

  /** Reads what {@link #toJson} wrote. */
  public static TransferSpec read(JsonNode json) {
    List<ShardDescriptor> shards = new ArrayList<>();
    for (JsonNode shard : json.get("shards")) {
      shards.add(
          new ShardDescriptor(
              Digest.parse(shard.get("digest").textValue()),
              ChunkChecksums.fromBase64(
                  shard.get("size").longValue(),
                  shard.get("chunkBytes").intValue(),
                  shard.get("crc32c").textValue())));
    }
    return new TransferSpec(
        StoreAccess.read(json.get("access")), json.get("connections").intValue(), shards);
  }

  /** On one line, with the secret of the store. */
  public ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.set("access", access.toJson());
    json.put("connections", connections);
    ArrayNode list = json.putArray("shards");
    for (ShardDescriptor shard : shards) {
      list.addObject()
          .put("digest", shard.digest().toString())
          .put("size", shard.size())
          .put("chunkBytes", shard.checksums().chunkSize())
          .put("crc32c", shard.checksums().toBase64());
    }
    return json;
  }
}
