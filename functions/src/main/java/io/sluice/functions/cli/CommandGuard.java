package io.sluice.functions.cli;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;

/**
 * The command that runs in this process. When the process is told to end, the command is
 * interrupted, and what it needs lasts until it has cleaned up after itself.
 */
final class CommandGuard {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private static final CountDownLatch CONTAINER_ENDED = new CountDownLatch(1);
  private static volatile boolean containerStarted;
  private static volatile boolean interrupted;
  private static volatile Thread thread;
  private static CountDownLatch ended = new CountDownLatch(0);

  private CommandGuard() {}

  /** Runs the command. */
  static int run(IntSupplier command) {
    synchronized (CommandGuard.class) {
      thread = Thread.currentThread();
      ended = new CountDownLatch(1);
    }
    try {
      return command.getAsInt();
    } finally {
      synchronized (CommandGuard.class) {
        thread = null;
        ended.countDown();
      }
    }
  }

  /** Whether the process was told to end while the command ran. */
  static boolean interrupted() {
    return interrupted;
  }

  /** Interrupts the command and waits until it has cleaned up. */
  static void interrupt() {
    CountDownLatch end;
    synchronized (CommandGuard.class) {
      if (thread == null) {
        return;
      }
      interrupted = true;
      thread.interrupt();
      end = ended;
    }
    await(end);
  }

  /** The container, on which the clean-up may depend, runs. */
  static void containerStarted() {
    containerStarted = true;
  }

  /** The container is about to end; the command has. */
  static void containerEnds() {
    CONTAINER_ENDED.countDown();
  }

  /** Waits until the command has cleaned up and the container, if there is one, ends. */
  static void awaitEnd() {
    if (containerStarted) {
      await(CONTAINER_ENDED);
    } else {
      interrupt();
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      if (!latch.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        System.err.println(
            "sluice: the command did not stop within " + PATIENCE.toSeconds() + " s");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
