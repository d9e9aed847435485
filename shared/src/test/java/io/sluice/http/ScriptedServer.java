package io.sluice.http;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A server on loopback that says over real connections whatever a test wants it to, well-formed or
 * not.
 */
public final class ScriptedServer implements AutoCloseable {
  /** What becomes of one connection; it is closed afterwards. */
  public interface Script {
    void run(Peer peer) throws IOException, InterruptedException;
  }

  /** The side of the server. */
  public record Peer(int number, Socket socket, InputStream in, OutputStream out) {
    /** The head of the next request, or null if the client closed instead. */
    public String head() throws IOException {
      ByteArrayOutputStream head = new ByteArrayOutputStream();
      int last = 0;
      while (last != 0x0d0a0d0a) {
        int b = in.read();
        if (b < 0) {
          return null;
        }
        head.write(b);
        last = last << 8 | b;
      }
      return head.toString(StandardCharsets.ISO_8859_1);
    }

    public void say(String text) throws IOException {
      out.write(text.getBytes(StandardCharsets.ISO_8859_1));
      out.flush();
    }

    /** Ends the connection by a reset. */
    public void reset() throws IOException {
      socket.setSoLinger(true, 0);
      socket.close();
    }
  }

  private final ServerSocket listener;
  private final Script script;
  private final AtomicInteger connections = new AtomicInteger();
  private final List<Socket> open = new CopyOnWriteArrayList<>();
  private final List<Thread> threads = new ArrayList<>();
  private final AtomicReference<Throwable> defect = new AtomicReference<>();

  public ScriptedServer(Script script) throws IOException {
    this(new ServerSocket(0, 512, InetAddress.getLoopbackAddress()), script);
  }

  /** On a socket that listens already, such as one of TLS. */
  public ScriptedServer(ServerSocket listener, Script script) {
    this.listener = listener;
    this.script = script;
    threads.add(Thread.ofVirtual().start(this::accept));
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket socket = listener.accept();
        open.add(socket);
        int number = connections.incrementAndGet();
        Thread.ofVirtual().start(() -> serve(number, socket));
      } catch (IOException e) {
        if (!listener.isClosed()) {
          defect.set(e);
        }
      }
    }
  }

  private void serve(int number, Socket socket) {
    try (socket) {
      script.run(new Peer(number, socket, socket.getInputStream(), socket.getOutputStream()));
    } catch (SocketException | javax.net.ssl.SSLException e) {
      return; // the client gave up, as some tests want
    } catch (IOException | InterruptedException | RuntimeException e) {
      defect.set(e);
    }
  }

  public int port() {
    return listener.getLocalPort();
  }

  public Origin origin() {
    return new Origin(false, "127.0.0.1", port());
  }

  /** Connections so far. */
  public int connections() {
    return connections.get();
  }

  @Override
  public void close() throws IOException {
    listener.close();
    for (Socket socket : open) {
      socket.close();
    }
    if (defect.get() != null) {
      throw new IllegalStateException("the server itself failed", defect.get());
    }
  }
}
