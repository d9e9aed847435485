package io.sluice.functions.cli;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * What is to be undone when the process ends, in whatever way it does: the last thing first. The
 * JVM's own shutdown hooks run all at once, in no order.
 */
final class AtExit {
  private static final Deque<Runnable> ACTIONS = new ArrayDeque<>();
  private static boolean hooked;

  private AtExit() {}

  /** Adds an action; it must bear to be run although it was done already. */
  static synchronized void add(Runnable action) {
    if (!hooked) {
      Runtime.getRuntime().addShutdownHook(new Thread(AtExit::run, "sluice-at-exit"));
      hooked = true;
    }
    ACTIONS.push(action);
  }

  private static synchronized Runnable next() {
    return ACTIONS.poll();
  }

  private static void run() {
    for (Runnable action = next(); action != null; action = next()) {
      try {
        action.run();
      } catch (RuntimeException e) {
        System.err.println("sluice: clean-up failed: " + e.getMessage());
      }
    }
  }
}
