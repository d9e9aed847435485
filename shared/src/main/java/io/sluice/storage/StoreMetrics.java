package io.sluice.storage;

import io.sluice.model.ErrorKind;

/** Where the counters of a store go. Implementations are safe for many threads and do not throw. */
public interface StoreMetrics {
  /** What was asked of a store. */
  enum Operation {
    HEAD,
    READ,
    PUT,
    DELETE,
    LIST
  }

  /**
   * A request succeeded.
   *
   * @param bytes bytes of objects that were read or stored; 0 for the other operations and for a
   *     put whose key was taken
   * @param nanos how long it took
   */
  void succeeded(Operation operation, long bytes, long nanos);

  /**
   * A request failed.
   *
   * @param bytes bytes that a read had put in place before it failed
   * @param nanos how long it took
   */
  void failed(Operation operation, ErrorKind kind, long bytes, long nanos);
}
