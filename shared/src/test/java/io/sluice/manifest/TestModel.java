package io.sluice.manifest;

import io.sluice.manifest.ModelManifest.File;
import io.sluice.manifest.ModelManifest.Piece;
import io.sluice.manifest.ModelManifest.Plan;
import io.sluice.manifest.ModelManifest.Tensor;
import io.sluice.model.ChunkChecksums;
import io.sluice.model.DType;
import io.sluice.model.Digest;
import io.sluice.model.Keys;
import io.sluice.model.ShardDescriptor;
import io.sluice.model.TensorInfo;
import io.sluice.storage.ShardStore;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.zip.CRC32C;

/** A small model with real bytes: each shard holds two tensors, the file has a skeleton. */
public record TestModel(ModelManifest manifest, Map<String, byte[]> objects) {
  static final int CHUNK = 100;
  private static final int HEADER = 64;
  private static final int ELEMENTS = 40;

  /** A model whose shard {@code i} depends on {@code seeds[i]} only. */
  public static TestModel of(int... seeds) {
    Map<String, byte[]> objects = new LinkedHashMap<>();
    List<ShardDescriptor> shards = new ArrayList<>();
    List<Tensor> tensors = new ArrayList<>();
    int bytes = 4 * ELEMENTS;
    long at = 0;
    for (int i = 0; i < seeds.length; i++) {
      byte[] shard = bytes(seeds[i], HEADER + 2 * bytes);
      shards.add(describe(shard));
      objects.put(Keys.shard(Digest.sha256(shard)), shard);
      for (int half = 0; half < 2; half++) {
        tensors.add(
            new Tensor(
                new TensorInfo("t" + i + "." + half, DType.F32, List.of((long) ELEMENTS)),
                0,
                at,
                OptionalInt.of(i),
                List.of(new Piece(i, HEADER + half * bytes, 0, ELEMENTS, bytes))));
        at += bytes;
      }
    }
    byte[] skeleton = bytes(Arrays.hashCode(seeds), 30);
    objects.put(Keys.skeleton(Digest.sha256(skeleton)), skeleton);
    File file =
        new File(
            "model.safetensors",
            at + skeleton.length,
            Digest.sha256(skeleton),
            "SAFETENSORS",
            Optional.of(describe(skeleton)));
    Plan plan = new Plan("size", HEADER + 2 * bytes, CHUNK);
    return new TestModel(ModelManifest.of(plan, List.of(file), tensors, shards), objects);
  }

  public Digest version() {
    return Digest.sha256(new ManifestCodec().encode(manifest));
  }

  /** Stores shards and skeletons. */
  public TestModel upload(ShardStore store) {
    objects.forEach((key, bytes) -> store.putIfAbsent(key, MemorySegment.ofArray(bytes)));
    return this;
  }

  static ShardDescriptor describe(byte[] object) {
    int[] crcs = new int[ChunkChecksums.count(object.length, CHUNK)];
    for (int i = 0; i < crcs.length; i++) {
      CRC32C crc = new CRC32C();
      crc.update(object, i * CHUNK, Math.min(CHUNK, object.length - i * CHUNK));
      crcs[i] = (int) crc.getValue();
    }
    return new ShardDescriptor(
        Digest.sha256(object), new ChunkChecksums(object.length, CHUNK, crcs));
  }

  private static byte[] bytes(int seed, int length) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }
}
