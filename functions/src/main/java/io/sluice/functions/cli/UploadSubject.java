package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.micrometer.core.instrument.MeterRegistry;
import io.sluice.functions.bench.StoreCounts;
import io.sluice.measure.ProcessMeter;
import io.sluice.measure.Subject;
import io.sluice.model.ModelRef;
import io.sluice.plan.PlanOptions;
import io.sluice.storage.ShardStore;
import jakarta.enterprise.context.Dependent;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Inject;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The product's upload of a local file, as {@code sluice upload} does it: a job whose tasks this
 * process does itself. Before each round everything that the last one stored is deleted, so that
 * every byte is sent.
 */
@Dependent
class UploadSubject {
  @Inject LocalUpload upload;
  @Inject Instance<ShardStore> store;
  @Inject MeterRegistry meters;

  /**
   * Uploads of a file.
   *
   * @param work {@code path} and {@code shardBytes}
   */
  Subject of(JsonNode work, PrintWriter err) {
    Path path = Path.of(work.get("path").textValue());
    PlanOptions options = PlanOptions.bySize(work.get("shardBytes").longValue());
    AtomicInteger turn = new AtomicInteger();
    return () -> {
      ModelRef name = ModelRef.parse("bench-" + turn.incrementAndGet());
      StoreCounts before = StoreCounts.of(meters, "put");
      try (ProgressView silent = ProgressView.silent("upload", err)) {
        return ProcessMeter.measure(
            () -> {
              JsonNode uploaded = upload.upload(path, name, options, Optional.empty(), silent);
              StoreCounts asked = StoreCounts.of(meters, "put").since(before);
              long sent = uploaded.get("sent").get("bytes").longValue();
              return new ProcessMeter.Transferred(
                  uploaded.get("S").longValue(), asked.requests(), asked.failed(), sent);
            });
      } finally {
        deleteAll(store.get());
      }
    };
  }

  /** Deletes every object below the prefix of the store. */
  static void deleteAll(ShardStore store) {
    List<String> keys = new ArrayList<>();
    store.list("", object -> keys.add(object.key()));
    keys.forEach(store::delete);
  }
}
