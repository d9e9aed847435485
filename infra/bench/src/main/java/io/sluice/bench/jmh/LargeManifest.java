package io.sluice.bench.jmh;

import io.sluice.job.Worker;
import io.sluice.manifest.ModelManifest;
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
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;

/** A manifest as large as they get: 10,000 shards of 512 MiB, ten tensors in each. */
final class LargeManifest {
  static final int SHARDS = 10_000;
  static final int TENSORS = 100_000;
  private static final int MIB = 1 << 20;
  private static final int HEADER = 1 << 12;
  private static final int COLUMNS = 4096;

  private LargeManifest() {}

  static ModelManifest make() {
    Random random = new Random(1);
    int perShard = TENSORS / SHARDS;
    long rows = 512L * MIB / perShard / (2 * COLUMNS);
    long bytes = rows * 2 * COLUMNS;
    long size = HEADER + perShard * bytes;
    List<ShardDescriptor> shards = new ArrayList<>();
    for (int i = 0; i < SHARDS; i++) {
      int[] crcs = random.ints(ChunkChecksums.count(size, 8 * MIB)).toArray();
      Digest digest = Digest.sha256(Integer.toString(i).getBytes(StandardCharsets.UTF_8));
      shards.add(new ShardDescriptor(digest, new ChunkChecksums(size, 8 * MIB, crcs)));
    }
    List<Tensor> tensors = new ArrayList<>();
    for (int i = 0; i < TENSORS; i++) {
      tensors.add(
          new Tensor(
              new TensorInfo(
                  "model.layers." + i / 7 + ".mlp.experts." + i % 7 + ".up_proj.weight",
                  DType.BF16,
                  List.of(rows, (long) COLUMNS)),
              0,
              i * bytes,
              OptionalInt.of(i / 7),
              List.of(new Piece(i / perShard, HEADER + i % perShard * bytes, 0, rows, bytes))));
    }
    File file =
        new File(
            "model.safetensors",
            TENSORS * bytes,
            shards.getFirst().digest(),
            "SAFETENSORS",
            Optional.empty());
    return ModelManifest.of(new Plan("size", size, 8 * MIB), List.of(file), tensors, shards);
  }

  static List<Worker> workers(int count, long freeBytes) {
    List<Worker> workers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      workers.add(
          new Worker(
              "worker-" + i,
              "incarnation",
              "http://w" + i,
              Instant.EPOCH,
              freeBytes,
              freeBytes,
              0));
    }
    return workers;
  }
}
