package io.sluice.redis;

import java.io.IOException;
import java.io.UncheckedIOException;

/** Signals that make a process hang and go on. */
public final class TestSignals {
  private TestSignals() {}

  /** SIGSTOP: its connections stay open, and nobody answers. */
  public static void stop(long pid) {
    send("-STOP", pid);
  }

  /** SIGCONT. */
  public static void go(long pid) {
    send("-CONT", pid);
  }

  private static void send(String signal, long pid) {
    try {
      Process kill = new ProcessBuilder("kill", signal, Long.toString(pid)).inheritIO().start();
      if (kill.waitFor() != 0) {
        throw new IllegalStateException("kill " + signal + " " + pid + " failed");
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
