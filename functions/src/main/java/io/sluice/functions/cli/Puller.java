package io.sluice.functions.cli;

import io.sluice.functions.config.SluiceConfig;
import io.sluice.manifest.ModelManifest;
import io.sluice.pull.ModelPull;
import jakarta.enterprise.context.Dependent;
import jakarta.inject.Inject;
import java.nio.file.Path;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongConsumer;

/** Pulls with the settings of loads, and shows how far it is. */
@Dependent
class Puller {
  @Inject SluiceConfig config;
  @Inject StoreSide store;

  /**
   * Pulls.
   *
   * @return the seconds it took
   */
  double pull(ModelManifest manifest, Path directory, boolean force, ProgressView progress)
      throws InterruptedException {
    long start = System.nanoTime();
    pull().pull(manifest, directory, force, counting(manifest, progress));
    return (System.nanoTime() - start) / 1e9;
  }

  /** What a GGUF file has and took. */
  record Gguf(long bytes, double seconds) {}

  /** Pulls the tensors as a GGUF file. */
  Gguf pullGguf(
      ModelManifest manifest, String name, Path directory, boolean force, ProgressView progress)
      throws InterruptedException {
    long start = System.nanoTime();
    long bytes = pull().pullGguf(manifest, name, directory, force, counting(manifest, progress));
    return new Gguf(bytes, (System.nanoTime() - start) / 1e9);
  }

  private ModelPull pull() {
    return new ModelPull(
        store.store(), config.load().parallelism(), config.load().verifyAttempts());
  }

  private static LongConsumer counting(ModelManifest manifest, ProgressView progress) {
    long total = ModelPull.bytes(manifest);
    long chunks = manifest.objects().values().stream().mapToLong(o -> o.checksums().count()).sum();
    progress.count("chunks");
    LongAdder bytes = new LongAdder();
    LongAdder done = new LongAdder();
    return more -> {
      bytes.add(more);
      done.increment();
      progress.update(done.sum(), chunks, bytes.sum(), total);
    };
  }
}
