package io.sluice.functions.engine;

import io.sluice.event.CloudEvent;
import io.sluice.event.ModelUploaded;
import io.sluice.event.SeenEvents;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.load.LoadKind;
import io.sluice.load.LoadSpec;
import io.sluice.plan.TensorGlobs;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Loads the models that events say were uploaded. */
@ApplicationScoped
public class UploadedModels {
  /** Longer than starting a job takes. */
  private static final Duration HOLD = Duration.ofSeconds(30);

  @Inject SluiceConfig config;
  @Inject SeenEvents seen;
  @Inject JobService jobs;

  /**
   * Starts the load of the model of an event; once, however often the event is delivered.
   *
   * @return id of the job
   */
  public String load(CloudEvent event) {
    LoadSpec load =
        new LoadSpec(
            ModelUploaded.read(event).model(), new TensorGlobs(List.of()), OptionalInt.empty());
    String key = event.key();
    Optional<String> before = seen.claim(key, HOLD);
    if (before.isPresent()) {
      return before.get();
    }
    String job;
    try {
      job = jobs.start(LoadKind.LOAD, load.toJson(), Optional.of("event " + key));
    } catch (RuntimeException e) {
      seen.release(key);
      throw e;
    }
    seen.handled(key, job, config.events().remember());
    return job;
  }
}
