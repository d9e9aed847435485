package io.sluice.storage;

/** Told how a read goes on, by the thread that reads. */
public interface ReadObserver {
  /** Wants to know nothing. */
  ReadObserver NONE = new ReadObserver() {};

  /**
   * The store began to answer; told before any byte is in place. Throwing refuses the answer.
   *
   * @param etag of the object that the bytes are of; not every store tells
   */
  default void answered(String etag) {}

  /**
   * More bytes are in place, while they still lie in the caches of the core. A store that hears of
   * its bytes only when all have come, as that in files, tells once, at the end.
   *
   * @param bytes leading bytes of the target that are in place; never fewer than before
   */
  default void received(long bytes) {}

  /** A try failed, and another one is about to be made, after a pause. */
  default void retrying(TransientStorageException failure) {}
}
