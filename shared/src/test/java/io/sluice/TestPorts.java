package io.sluice;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.ThreadLocalRandom;

/** Ports for tests that cannot let a server choose one. */
public final class TestPorts {
  /** Below those that Linux (32768) and macOS (49152) give to whoever asks for any. */
  private static final int FIRST = 20_000;

  private static final int END = 32_000;

  private TestPorts() {}

  /**
   * A port that is free now and that the system gives to nobody, so that a server can be stopped
   * and started again on it.
   */
  public static int fixed() {
    for (int attempt = 0; attempt < 1_000; attempt++) {
      int port = ThreadLocalRandom.current().nextInt(FIRST, END);
      try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
        return socket.getLocalPort();
      } catch (BindException e) {
        continue; // taken
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    throw new IllegalStateException("no free port from " + FIRST + " to " + END);
  }

  /** A port on which nobody listens, and nobody can until it is closed. */
  public static Deaf deaf() {
    return new Deaf();
  }

  /** Bound and not listening: connections are refused. */
  public static final class Deaf implements AutoCloseable {
    private final Socket socket = new Socket();

    private Deaf() {
      try {
        socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    public int port() {
      return socket.getLocalPort();
    }

    @Override
    public void close() {
      try {
        socket.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
