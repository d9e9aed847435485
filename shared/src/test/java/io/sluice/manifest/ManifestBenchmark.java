package io.sluice.manifest;

import io.sluice.manifest.ModelManifest.File;
import io.sluice.manifest.ModelManifest.Piece;
import io.sluice.manifest.ModelManifest.Plan;
import io.sluice.manifest.ModelManifest.Tensor;
import io.sluice.model.ChunkChecksums;
import io.sluice.model.DType;
import io.sluice.model.Digest;
import io.sluice.model.ShardDescriptor;
import io.sluice.model.TensorInfo;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;

/**
 * Measures how long a large manifest takes to write and read and what it holds in memory: {@code
 * main [tensors] [shards]}. Not a test, since times depend on the machine.
 */
final class ManifestBenchmark {
  private static final int MIB = 1 << 20;
  private static final int HEADER = 1 << 12;

  private ManifestBenchmark() {}

  public static void main(String[] args) {
    int tensors = args.length > 0 ? Integer.parseInt(args[0]) : 100_000;
    int shards = args.length > 1 ? Integer.parseInt(args[1]) : 10_000;
    ManifestCodec codec = new ManifestCodec();
    byte[] document = codec.encode(manifest(tensors, shards));
    System.out.printf(
        "%,d tensors, %,d shards, document of %,d bytes%n", tensors, shards, document.length);
    for (int round = 0; round < 8; round++) {
      long before = used();
      long start = System.nanoTime();
      ModelManifest manifest = codec.decode(document);
      long decoded = System.nanoTime();
      byte[] again = codec.encode(manifest);
      long encoded = System.nanoTime();
      if (!Arrays.equals(again, document)) {
        throw new IllegalStateException("round " + round + " changed the document");
      }
      again = null;
      System.out.printf(
          "round %d: read %,d ms, write %,d ms, holds %,d KiB%n",
          round,
          (decoded - start) / 1_000_000,
          (encoded - decoded) / 1_000_000,
          (used() - before) / 1024);
      if (manifest.tensors().size() != tensors) {
        throw new IllegalStateException("lost tensors");
      }
    }
  }

  /** Bytes of the heap that are in use. */
  static long used() {
    System.gc();
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  /** Shards of 512 MiB in chunks of 8 MiB, each with the same number of tensors. */
  static ModelManifest manifest(int tensors, int shards) {
    Random random = new Random(1);
    int perShard = tensors / shards;
    long rows = 512L * MIB / perShard / 8192;
    long bytes = rows * 8192;
    long size = HEADER + perShard * bytes;
    List<ShardDescriptor> objects = new ArrayList<>();
    for (int i = 0; i < shards; i++) {
      int[] crcs = random.ints(ChunkChecksums.count(size, 8 * MIB)).toArray();
      Digest digest = Digest.sha256(Integer.toString(i).getBytes(StandardCharsets.UTF_8));
      objects.add(new ShardDescriptor(digest, new ChunkChecksums(size, 8 * MIB, crcs)));
    }
    List<Tensor> all = new ArrayList<>();
    for (int i = 0; i < tensors; i++) {
      all.add(
          new Tensor(
              new TensorInfo(
                  "model.layers." + i / 7 + ".mlp.experts." + i % 7 + ".up_proj.weight",
                  DType.BF16,
                  List.of(rows, 4096L)),
              0,
              i * bytes,
              OptionalInt.of(i / 7),
              List.of(new Piece(i / perShard, HEADER + i % perShard * bytes, 0, rows, bytes))));
    }
    File file =
        new File(
            "model.safetensors",
            tensors * bytes,
            objects.getFirst().digest(),
            "SAFETENSORS",
            Optional.empty());
    return ModelManifest.of(new Plan("size", size, 8 * MIB), List.of(file), all, objects);
  }
}
