package io.sluice.event;

import java.time.Duration;
import java.util.Optional;

/** Remembers which events were received: brokers deliver at least once, not exactly once. */
public interface SeenEvents {
  /**
   * Asks for the right to handle an event.
   *
   * @param key {@link CloudEvent#key}
   * @param hold how long the right lasts if the process dies
   * @return empty if this caller has it now; else the job that the event has started already
   * @throws EventException TRANSIENT {@code event-busy} if somebody else has it
   */
  Optional<String> claim(String key, Duration hold);

  /** The event is handled: this is its job. */
  void handled(String key, String job, Duration remember);

  /** The event could not be handled: its next delivery may try at once. */
  void release(String key);
}
