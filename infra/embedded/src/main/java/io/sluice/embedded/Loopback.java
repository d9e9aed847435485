package io.sluice.embedded;

import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;

/** The address that both servers listen on. */
final class Loopback {
  static final String HOST = "127.0.0.1";

  private Loopback() {}

  static InetSocketAddress address(int port) throws IOException {
    return new InetSocketAddress(InetAddress.getByName(HOST), port);
  }

  /** A port that was free a moment ago. */
  static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket()) {
      socket.bind(address(0));
      return socket.getLocalPort();
    }
  }

  /**
   * Fails now, with the port's name, rather than later with whatever the server says.
   *
   * @throws IOException if the port cannot be bound
   */
  static void requireFree(String server, int port) throws IOException {
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(address(port));
    } catch (BindException e) {
      throw new IOException(
          server + " cannot listen on " + HOST + ":" + port + ": " + e.getMessage(), e);
    }
  }
}
