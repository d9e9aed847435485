package io.sluice.event;

import java.net.URI;

/** Takes events: a broker of Knative, or whatever accepts CloudEvents over HTTP. */
@FunctionalInterface
public interface EventSink {
  /**
   * Sends an event once.
   *
   * @throws EventException TRANSIENT if the same may succeed later, FATAL if the sink refused it
   */
  void send(URI sink, CloudEvent event) throws InterruptedException;
}
