package io.sluice.functions.cli;

import io.sluice.functions.config.SluiceConfig;
import io.sluice.manifest.ModelManifest;
import io.sluice.pull.ModelPull;
import jakarta.enterprise.context.Dependent;
import jakarta.inject.Inject;
import java.nio.file.Path;
import java.util.concurrent.atomic.LongAdder;

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
    long total = ModelPull.bytes(manifest);
    long chunks = manifest.objects().values().stream().mapToLong(o -> o.checksums().count()).sum();
    progress.count("chunks");
    LongAdder bytes = new LongAdder();
    LongAdder done = new LongAdder();
    new ModelPull(store.store(), config.load().parallelism(), config.load().verifyAttempts())
        .pull(
            manifest,
            directory,
            force,
            more -> {
              bytes.add(more);
              done.increment();
              progress.update(done.sum(), chunks, bytes.sum(), total);
            });
    return (System.nanoTime() - start) / 1e9;
  }
}
