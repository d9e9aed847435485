package io.sluice.cache.memcached;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.net.ProtocolException;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.Future;
import org.jboss.logging.Logger;

/**
 * A connection for one thread at a time that may block. Lines go through a small buffer, bodies
 * from the socket straight into their memory.
 */
final class Wire implements AutoCloseable {
  private static final Logger LOG = Logger.getLogger(Wire.class);
  private static final int BUFFER = 8 << 10;

  /** One read call takes at most this: the kernel has no more at a time. */
  private static final int SLICE = 1 << 20;

  private final SocketChannel channel;
  private final Deadlines deadlines;
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER).limit(0);
  private Future<?> deadline;
  private volatile boolean expired;
  private boolean answered;

  private Wire(SocketChannel channel, Deadlines deadlines) {
    this.channel = channel;
    this.deadlines = deadlines;
  }

  /**
   * Connects.
   *
   * @param timeout how long connecting may take
   */
  static Wire connect(String host, int port, Duration timeout, Deadlines deadlines)
      throws IOException {
    SocketChannel channel = SocketChannel.open();
    try {
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
      channel
          .socket()
          .connect(new InetSocketAddress(host, port), Math.toIntExact(timeout.toMillis()));
      return new Wire(channel, deadlines);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
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
      channel.close();
    } catch (IOException e) {
      // Nobody will use the connection again.
      LOG.debugf("closing a connection: %s", e);
    }
  }
}
