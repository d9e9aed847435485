package io.sluice.http;

/** Where the counters of a transport go. Implementations are safe for many threads. */
public interface TransportMetrics {
  /** Counts nothing. */
  TransportMetrics NONE = new TransportMetrics() {};

  /** A connection was made. */
  default void connected(Origin origin, long nanos) {}

  /** The head of an answer came. */
  default void answered(Origin origin, int status) {}

  /** No whole answer came. */
  default void failed(Origin origin, HttpFailure.Reason reason) {}
}
