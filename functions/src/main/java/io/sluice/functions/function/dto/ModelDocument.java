package io.sluice.functions.function.dto;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.manifest.ModelManifest;
import io.sluice.manifest.ModelSummary;
import io.sluice.manifest.VersionSummary;
import io.sluice.model.Crc32c;
import io.sluice.model.Digest;
import io.sluice.model.ShardDescriptor;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Models and their versions as they travel to clients. */
public final class ModelDocument {
  private ModelDocument() {}

  /** A model in a list. */
  public static ObjectNode summary(ModelSummary model) {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("name", model.name());
    ObjectNode tags = json.putObject("tags");
    model
        .tags()
        .forEach(
            move -> move.target().ifPresent(version -> tags.put(move.tag(), version.toString())));
    ArrayNode versions = json.putArray("versions");
    for (VersionSummary version : model.versions()) {
      versions
          .addObject()
          .put("version", version.version().toString())
          .put("createdAt", version.createdAt().toString())
          .put("S", version.totalBytes())
          .put("files", version.files())
          .put("tensors", version.tensors())
          .put("shards", version.shards());
    }
    return json;
  }

  /**
   * A version with everything in it.
   *
   * @param holders ids of the workers that hold something of a shard
   */
  public static ObjectNode version(
      String name, Digest version, ModelManifest manifest, Map<Digest, Set<String>> holders) {
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("model", name)
            .put("version", version.toString())
            .put("S", manifest.totalBytes());
    json.putObject("plan")
        .put("strategy", manifest.plan().strategy())
        .put("shardBytes", manifest.plan().shardBytes())
        .put("chunkBytes", manifest.plan().chunkBytes());
    manifest.provenance().ifPresent(made -> json.set("provenance", provenance(made)));
    ArrayNode files = json.putArray("files");
    for (ModelManifest.File file : manifest.files()) {
      ObjectNode entry = files.addObject().put("path", file.path()).put("size", file.size());
      checks(file, entry);
      entry.put("format", file.format());
    }
    ArrayNode shards = json.putArray("shards");
    for (int i = 0; i < manifest.shards().size(); i++) {
      ShardDescriptor shard = manifest.shards().get(i);
      ArrayNode workers =
          shards
              .addObject()
              .put("index", i)
              .put("digest", shard.digest().toString())
              .put("size", shard.size())
              .put("chunks", shard.checksums().count())
              .putArray("workers");
      new TreeSet<>(holders.getOrDefault(shard.digest(), Set.of())).forEach(workers::add);
    }
    ArrayNode tensors = json.putArray("tensors");
    manifest.tensors().forEach(tensor -> tensors.add(tensor(tensor)));
    return json;
  }

  private static ObjectNode provenance(ModelManifest.Provenance made) {
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("operation", made.operation())
            .put("arguments", made.arguments());
    ArrayNode parents = json.putArray("parents");
    for (ModelManifest.Provenance.Parent parent : made.parents()) {
      parents.addObject().put("model", parent.model()).put("version", parent.version().toString());
    }
    return json;
  }

  /** The digest and the checksum of a file, those that are known. */
  public static void checks(ModelManifest.File file, ObjectNode entry) {
    file.digest().ifPresent(digest -> entry.put("digest", digest.toString()));
    file.crc32c().ifPresent(crc -> entry.put("crc32c", Crc32c.toBase64(crc)));
  }

  private static ObjectNode tensor(ModelManifest.Tensor tensor) {
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("name", tensor.info().name())
            .put("dtype", tensor.info().dtype().name());
    ArrayNode shape = json.putArray("shape");
    tensor.info().shape().forEach(shape::add);
    json.put("bytes", tensor.info().bytes()).put("file", tensor.file());
    tensor.layer().ifPresent(layer -> json.put("layer", layer));
    tensor.role().ifPresent(role -> json.put("role", role));
    ArrayNode pieces = json.putArray("pieces");
    for (ModelManifest.Piece piece : tensor.pieces()) {
      pieces
          .addObject()
          .put("shard", piece.shard())
          .put("offset", piece.offset())
          .put("firstRow", piece.firstRow())
          .put("rows", piece.rows())
          .put("bytes", piece.length());
    }
    return json;
  }
}
