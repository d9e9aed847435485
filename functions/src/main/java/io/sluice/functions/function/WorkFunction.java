package io.sluice.functions.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.funqy.Funq;
import io.sluice.functions.engine.JobService;
import io.sluice.json.JsonObject;
import io.smallrye.mutiny.Uni;
import jakarta.inject.Inject;

/**
 * The worker's side of every job: takes tasks of one until there are none left. {@code POST /work}.
 */
public class WorkFunction {
  private static final int MAX_WORKERS = 10_000;

  @Inject JobService jobs;

  /** Answers with what this worker did once the job is over, or has left it to others. */
  @Funq("work")
  public Uni<JsonNode> work(JsonNode request) {
    JsonObject json = new JsonObject("work request", request);
    String job = json.text("job");
    int workers = json.optionalInt("workers", 1, MAX_WORKERS).orElse(1);
    json.end();
    return OnVirtualThread.call(() -> jobs.work(job, workers));
  }
}
