package io.sluice.cache.net;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.net.ProtocolException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.SocketChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.Future;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;

/**
 * A connection for one thread at a time that may block. Lines go through a small buffer, bodies
 * from the socket straight into their memory. Without TLS nothing is copied.
 */
public final class Wire implements AutoCloseable {
  private static final int BUFFER = 8 << 10;

  /** One read call takes at most this: the kernel has no more at a time. */
  private static final int SLICE = 1 << 20;

  private final AutoCloseable connection;
  private final ByteChannel channel;
  private final Deadlines deadlines;
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER).limit(0);
  private Future<?> deadline;
  private volatile boolean expired;
  private boolean answered;

  private Wire(AutoCloseable connection, ByteChannel channel, Deadlines deadlines) {
    this.connection = connection;
    this.channel = channel;
    this.deadlines = deadlines;
  }

  /**
   * Connects.
   *
   * @param tls whether to speak TLS and check that the host is who it says
   * @param timeout how long connecting may take
   */
  public static Wire connect(
      String host, int port, boolean tls, Duration timeout, Deadlines deadlines)
      throws IOException {
    SocketChannel plain = SocketChannel.open();
    try {
      plain.setOption(StandardSocketOptions.TCP_NODELAY, true);
      plain.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
      Socket socket = plain.socket();
      socket.connect(new InetSocketAddress(host, port), Math.toIntExact(timeout.toMillis()));
      if (!tls) {
        return new Wire(plain, plain, deadlines);
      }
      SSLSocket secure =
          (SSLSocket)
              ((SSLSocketFactory) SSLSocketFactory.getDefault())
                  .createSocket(socket, host, port, true);
      SSLParameters parameters = secure.getSSLParameters();
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
      secure.setSSLParameters(parameters);
      return new Wire(secure, streams(secure), deadlines);
    } catch (IOException | RuntimeException e) {
      plain.close();
      throw e;
    }
  }

  private static ByteChannel streams(Socket socket) throws IOException {
    ReadableByteChannel in = Channels.newChannel(socket.getInputStream());
    WritableByteChannel out = Channels.newChannel(socket.getOutputStream());
    return new ByteChannel() {
      @Override
      public int read(ByteBuffer target) throws IOException {
        return in.read(target);
      }

      @Override
      public int write(ByteBuffer source) throws IOException {
        return out.write(source);
      }

      @Override
      public boolean isOpen() {
        return !socket.isClosed();
      }

      @Override
      public void close() throws IOException {
        socket.close();
      }
    };
  }

  /** From now on everything must be done within this time, or the connection is closed. */
  public void begin(Duration time) {
    answered = false;
    deadline =
        deadlines.after(
            time,
            () -> {
              expired = true;
              close();
            });
  }

  /** All is done: the time no longer runs. */
  public void end() {
    if (deadline != null) {
      deadline.cancel(false);
      deadline = null;
    }
  }

  /** Whether a byte of an answer came since {@link #begin}. */
  public boolean answered() {
    return answered;
  }

  /** Whether nothing is left of an answer, so that the connection can be used again. */
  public boolean reusable() {
    return channel.isOpen() && !expired && !buffer.hasRemaining();
  }

  /** Writes text. */
  public void write(String text) throws IOException {
    write(ByteBuffer.wrap(text.getBytes(StandardCharsets.ISO_8859_1)));
  }

  /** Writes all that remains. */
  public void write(ByteBuffer bytes) throws IOException {
    try {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    } catch (IOException e) {
      throw translated(e);
    }
  }

  /**
   * A line without its CR LF.
   *
   * @param max most bytes of it
   */
  public String readLine(int max) throws IOException {
    StringBuilder line = new StringBuilder();
    while (true) {
      if (!buffer.hasRemaining()) {
        refill();
      }
      char c = (char) (buffer.get() & 0xff);
      if (c == '\n') {
        int length = line.length();
        if (length > 0 && line.charAt(length - 1) == '\r') {
          line.setLength(length - 1);
        }
        return line.toString();
      }
      if (line.length() >= max) {
        throw new ProtocolException("a line has at most " + max + " bytes, this one has more");
      }
      line.append(c);
    }
  }

  /** Fills the memory. */
  public void readFully(MemorySegment target) throws IOException {
    long at = 0;
    while (at < target.byteSize()) {
      ByteBuffer rest = target.asSlice(at, Math.min(SLICE, target.byteSize() - at)).asByteBuffer();
      int count;
      if (buffer.hasRemaining()) {
        count = Math.min(buffer.remaining(), rest.remaining());
        rest.put(0, buffer, buffer.position(), count);
        buffer.position(buffer.position() + count);
      } else {
        count = read(rest);
      }
      at += count;
    }
  }

  /** Reads bytes that nobody needs. */
  public void skip(long bytes) throws IOException {
    long left = bytes;
    while (left > 0) {
      if (!buffer.hasRemaining()) {
        refill();
      }
      int count = (int) Math.min(left, buffer.remaining());
      buffer.position(buffer.position() + count);
      left -= count;
    }
  }

  private void refill() throws IOException {
    buffer.clear();
    try {
      read(buffer);
    } finally {
      buffer.flip();
    }
  }

  private int read(ByteBuffer target) throws IOException {
    try {
      int count = channel.read(target);
      if (count < 0) {
        throw new EOFException("the connection was closed in the middle of an answer");
      }
      answered |= count > 0;
      return count;
    } catch (IOException e) {
      throw translated(e);
    }
  }

  private IOException translated(IOException e) {
    if (expired) {
      SocketTimeoutException timeout = new SocketTimeoutException("no answer in time");
      timeout.initCause(e);
      return timeout;
    }
    return e;
  }

  /** Breaks the connection, whatever it does. */
  @Override
  public void close() {
    end();
    try {
      connection.close();
    } catch (Exception e) {
      // Nothing to be done about it: nobody will use the connection again.
      org.jboss.logging.Logger.getLogger(Wire.class).debugf("closing a connection: %s", e);
    }
  }
}
