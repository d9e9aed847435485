package io.sluice.functions.engine.lambda;

import com.fasterxml.jackson.databind.JsonNode;

/** Starts Lambda functions. */
@FunctionalInterface
public interface LambdaInvoker {
  /**
   * Has a function invoked, and does not wait for it (invocation type {@code Event}).
   *
   * @param function name or ARN
   * @param payload its input
   * @throws io.sluice.model.SluiceException TRANSIENT if the service throttles or cannot be reached
   */
  void start(String function, JsonNode payload);
}
