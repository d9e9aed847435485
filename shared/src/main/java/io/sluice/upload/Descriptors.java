package io.sluice.upload;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.model.ChunkChecksums;
import io.sluice.model.Digest;
import io.sluice.model.ShardDescriptor;

/** What a task stored, as JSON in its result. */
final class Descriptors {
  private Descriptors() {}

  static ObjectNode write(ShardDescriptor descriptor) {
    return JsonNodeFactory.instance
        .objectNode()
        .put("digest", descriptor.digest().toString())
        .put("size", descriptor.size())
        .put("chunkBytes", descriptor.checksums().chunkSize())
        .put("crc32c", descriptor.checksums().toBase64());
  }

  static ShardDescriptor read(JsonNode json) {
    return new ShardDescriptor(
        Digest.parse(json.get("digest").textValue()),
        ChunkChecksums.fromBase64(
            json.get("size").longValue(),
            json.get("chunkBytes").intValue(),
            json.get("crc32c").textValue()));
  }
}
