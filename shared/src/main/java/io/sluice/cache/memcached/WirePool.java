package io.sluice.cache.memcached;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Connections to one server: so many at most, kept for the next call. A call on a connection that
 * was kept and turns out to be dead before it answered anything is made again on a new one.
 */
final class WirePool implements AutoCloseable {
  private final String host;
  private final int port;
  private final Duration connectTimeout;
  private final Duration timeout;
  private final Deadlines deadlines;
  private final Greeting greeting;
  private final Semaphore permits;
  private final ConcurrentLinkedDeque<Wire> idle = new ConcurrentLinkedDeque<>();
  private volatile boolean closed;

  /** What is said on a connection. */
  @FunctionalInterface
  public interface Call<T> {
    /** Writes a request and reads the whole answer. */
    T on(Wire wire) throws IOException;
  }

  /** What is said first on a new connection. */
  @FunctionalInterface
  public interface Greeting {
    /** Writes a request and reads the whole answer. */
    void on(Wire wire) throws IOException;
  }

  /**
   * @param connections most at a time
   * @param timeout how long one call may take, waiting for a connection not included
   * @param greeting what is said first on every new connection
   */
  public WirePool(
      String host,
      int port,
      int connections,
      Duration connectTimeout,
      Duration timeout,
      Deadlines deadlines,
      Greeting greeting) {
    this.host = host;
    this.port = port;
    this.connectTimeout = connectTimeout;
    this.timeout = timeout;
    this.deadlines = deadlines;
    this.greeting = greeting;
    this.permits = new Semaphore(connections, true);
  }

  /** Makes a call. */
  public <T> T call(Call<T> call) throws IOException {
    try {
      if (!permits.tryAcquire(timeout.toNanos(), TimeUnit.NANOSECONDS)) {
        throw new IOException("all connections are busy for longer than " + timeout);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while waiting for a connection", e);
    }
    try {
      Wire kept = idle.pollFirst();
      if (kept != null) {
        try {
          return call(kept, call);
        } catch (IOException e) {
          if (kept.answered() || Thread.currentThread().isInterrupted()) {
            throw e;
          }
          // The server has closed it meanwhile, and perhaps the others too.
          discard();
        }
      }
      Wire fresh = Wire.connect(host, port, connectTimeout, deadlines);
      try {
        fresh.begin(timeout);
        greeting.on(fresh);
        fresh.end();
      } catch (IOException | RuntimeException e) {
        fresh.close();
        throw e;
      }
      return call(fresh, call);
    } finally {
      permits.release();
    }
  }

  private <T> T call(Wire wire, Call<T> call) throws IOException {
    boolean good = false;
    try {
      wire.begin(timeout);
      T answer = call.on(wire);
      wire.end();
      good = wire.reusable();
      return answer;
    } finally {
      if (good) {
        idle.addFirst(wire);
        if (closed) {
          discard();
        }
      } else {
        wire.close();
      }
    }
  }

  private void discard() {
    Wire wire;
    while ((wire = idle.pollFirst()) != null) {
      wire.close();
    }
  }

  @Override
  public void close() {
    closed = true;
    discard();
  }
}
