package io.sluice.compute.embed;

import io.sluice.job.Worker;

/** How activations travel to another worker, and what comes out at the end comes back. */
@FunctionalInterface
public interface StageLink {
  /**
   * Sends a request and waits for the vectors.
   *
   * @param worker the receiver
   * @param request the bytes of a stage request
   * @return the vectors, little-endian F32
   * @throws io.sluice.model.SluiceException what the worker, or one behind it, said; an {@link
   *     EmbedException} that names the worker if it could not be reached
   */
  byte[] send(Worker worker, byte[] request) throws InterruptedException;
}
