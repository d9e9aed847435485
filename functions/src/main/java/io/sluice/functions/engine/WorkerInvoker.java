package io.sluice.functions.engine;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URI;
import java.time.Duration;

/** How a function of another worker is invoked: over HTTP here, by other ways elsewhere. */
public interface WorkerInvoker {
  /**
   * Invokes a function and waits for its answer.
   *
   * @throws io.sluice.model.SluiceException the error of the function, or TRANSIENT if the worker
   *     cannot be reached
   */
  JsonNode invoke(URI worker, String function, JsonNode input, Duration timeout);
}
