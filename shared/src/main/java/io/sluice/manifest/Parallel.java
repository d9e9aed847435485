package io.sluice.manifest;

import io.sluice.model.ErrorKind;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/** Work on a list by a bounded number of virtual threads. */
final class Parallel {
  private Parallel() {}

  /**
   * Calls {@code each} for every item and waits. After the first failure no further item is begun,
   * and it is thrown again.
   */
  static <T> void forEach(List<T> items, int parallelism, Consumer<T> each) {
    AtomicInteger next = new AtomicInteger();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < Math.min(parallelism, items.size()); i++) {
      threads.add(
          Thread.startVirtualThread(
              () -> {
                try {
                  for (int at = next.getAndIncrement();
                      at < items.size() && failure.get() == null;
                      at = next.getAndIncrement()) {
                    each.accept(items.get(at));
                  }
                } catch (RuntimeException | Error e) {
                  failure.compareAndSet(null, e);
                }
              }));
    }
    try {
      for (Thread thread : threads) {
        thread.join();
      }
    } catch (InterruptedException e) {
      threads.forEach(Thread::interrupt);
      Thread.currentThread().interrupt();
      throw new ManifestException(ErrorKind.TRANSIENT, "interrupted", "interrupted", e);
    }
    switch (failure.get()) {
      case null -> {}
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      case Throwable e -> throw new IllegalStateException(e);
    }
  }
}
