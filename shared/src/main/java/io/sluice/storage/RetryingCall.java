package io.sluice.storage;

/** A single request that adapters repeat themselves, because what it is a part of is long. */
public final class RetryingCall {
  /** A request. */
  @FunctionalInterface
  public interface Call<T> {
    T call();
  }

  private RetryingCall() {}

  /**
   * Calls until it succeeds.
   *
   * @throws StorageException what is not TRANSIENT at once, otherwise the last failure
   */
  public static <T> T call(RetryPolicy policy, Call<T> call) {
    Retrier retrier = new Retrier(policy, Retrier.Clock.SYSTEM);
    while (true) {
      try {
        return call.call();
      } catch (TransientStorageException e) {
        retrier.failed(e, e.transferred());
      }
    }
  }
}
