package io.sluice.functions.function;

import io.smallrye.mutiny.Uni;
import java.util.concurrent.Callable;

/**
 * Runs a function on a virtual thread: it may wait long for a job without keeping one of the few
 * threads that serve functions.
 */
final class OnVirtualThread {
  private OnVirtualThread() {}

  static <T> Uni<T> call(Callable<T> function) {
    return Uni.createFrom()
        .emitter(
            emitter ->
                Thread.ofVirtual()
                    .name("sluice-function")
                    .start(
                        () -> {
                          try {
                            emitter.complete(function.call());
                          } catch (Throwable failure) {
                            emitter.fail(failure);
                          }
                        }));
  }
}
