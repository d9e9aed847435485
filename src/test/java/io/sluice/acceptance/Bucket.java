package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;

/** What lies in the bucket below a prefix, seen by a plain S3 client. */
record Bucket(S3Client s3, String bucket, String prefix) {

  /** Sizes of the objects whose keys start so, by key. */
  Map<String, Long> list(String start) {
    Map<String, Long> sizes = new TreeMap<>();
    s3.listObjectsV2Paginator(r -> r.bucket(bucket).prefix(prefix + start))
        .contents()
        .forEach(o -> sizes.put(o.key().substring(prefix.length()), o.size()));
    return sizes;
  }

  /** Sizes of all shards by key. */
  Map<String, Long> shards() {
    return list("shards/");
  }

  byte[] get(String key) {
    return s3.getObjectAsBytes(r -> r.bucket(bucket).key(prefix + key)).asByteArray();
  }

  /** Writes an object whether it is there or not. */
  void overwrite(String key, byte[] bytes) {
    s3.putObject(r -> r.bucket(bucket).key(prefix + key), RequestBody.fromBytes(bytes));
  }

  void delete(String key) {
    s3.deleteObject(r -> r.bucket(bucket).key(prefix + key));
  }

  /** Key of the shard of a digest {@code sha256:…}. */
  static String shardKey(String digest) {
    return "shards/" + hex(digest) + ".safetensors";
  }

  /** The manifest of a version as it is stored, checked against its digest. */
  JsonNode manifest(String model, String version) {
    byte[] stored = get("models/" + model + "/versions/" + hex(version) + ".json");
    assertThat(sha256(stored)).isEqualTo(version);
    return Api.parse(new String(stored, StandardCharsets.UTF_8));
  }

  /**
   * Puts the source files of a version together from what is stored and nothing else: the skeleton
   * with the pieces of every tensor at its offset.
   */
  Map<String, byte[]> files(String model, String version) {
    JsonNode manifest = manifest(model, version);
    JsonNode shards = manifest.get("shards");
    Map<Integer, byte[]> cache = new TreeMap<>();
    Map<String, byte[]> files = new TreeMap<>();
    for (int f = 0; f < manifest.get("files").size(); f++) {
      JsonNode file = manifest.get("files").get(f);
      byte[] bytes = new byte[file.get("size").intValue()];
      boolean[] filled = new boolean[bytes.length];
      for (JsonNode tensor : manifest.get("tensors")) {
        if (tensor.get("file").intValue() == f) {
          place(tensor, shards, cache, bytes, filled);
        }
      }
      fillGaps(file, bytes, filled);
      // Files of an upload have the first; files that a computation made have the second.
      assertThat(file.has("crc32c") || file.has("digest")).as(file.toString()).isTrue();
      if (file.has("crc32c")) {
        assertThat(crc32c(bytes))
            .as(file.get("path").textValue())
            .isEqualTo(file.get("crc32c").textValue());
      }
      if (file.has("digest")) {
        assertThat(sha256(bytes))
            .as(file.get("path").textValue())
            .isEqualTo(file.get("digest").textValue());
      }
      files.put(file.get("path").textValue(), bytes);
    }
    return files;
  }

  private void place(
      JsonNode tensor,
      JsonNode shards,
      Map<Integer, byte[]> cache,
      byte[] bytes,
      boolean[] filled) {
    int at = tensor.get("offset").intValue();
    for (JsonNode piece : tensor.get("pieces")) {
      int shard = piece.get(0).intValue();
      byte[] object =
          cache.computeIfAbsent(shard, s -> get(shardKey(shards.get(s).get("digest").textValue())));
      int length = Synthetic.rowBytes(tensor, piece.get(2).longValue());
      System.arraycopy(object, piece.get(1).intValue(), bytes, at, length);
      java.util.Arrays.fill(filled, at, at + length, true);
      at += length;
    }
  }

  private void fillGaps(JsonNode file, byte[] bytes, boolean[] filled) {
    byte[] skeleton =
        file.has("skeleton")
            ? get("skeletons/" + hex(file.get("skeleton").get("digest").textValue()) + ".bin")
            : new byte[0];
    int next = 0;
    for (int i = 0; i < bytes.length; i++) {
      if (!filled[i]) {
        bytes[i] = skeleton[next++];
      }
    }
    assertThat(next).as("bytes of the skeleton that are used").isEqualTo(skeleton.length);
  }

  static String sha256(byte[] bytes) {
    try {
      return "sha256:"
          + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  /** The CRC32C of bytes as manifests have it. */
  static String crc32c(byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    byte[] word = ByteBuffer.allocate(4).putInt((int) crc.getValue()).array();
    return Base64.getEncoder().encodeToString(word);
  }

  private static String hex(String digest) {
    assertThat(digest).startsWith("sha256:");
    return digest.substring("sha256:".length());
  }
}
