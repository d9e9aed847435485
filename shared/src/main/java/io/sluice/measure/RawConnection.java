package io.sluice.measure;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.SocketChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;

/**
 * One connection to a store and nothing around it: requests are written by hand, bodies go between
 * the socket and memory. It verifies nothing and repeats nothing; what it reaches is the ceiling.
 */
public final class RawConnection implements AutoCloseable {
  private static final int HEAD = 16 << 10;
  private static final int SENT_AT_ONCE = 1 << 20;

  private final ByteChannel channel;
  private final ByteBuffer head = ByteBuffer.allocateDirect(HEAD);
  private final ByteBuffer block = ByteBuffer.allocateDirect(SENT_AT_ONCE);

  private RawConnection(ByteChannel channel) {
    this.channel = channel;
  }

  /** Connects to the host of a URL, by plain HTTP or TLS. */
  public static RawConnection open(URI url) throws IOException {
    boolean tls = url.getScheme().equals("https");
    int port = url.getPort() >= 0 ? url.getPort() : tls ? 443 : 80;
    if (tls) {
      SSLSocket socket =
          (SSLSocket) SSLSocketFactory.getDefault().createSocket(url.getHost(), port);
      socket.setTcpNoDelay(true);
      return new RawConnection(new Streams(socket));
    }
    SocketChannel socket = SocketChannel.open(new InetSocketAddress(url.getHost(), port));
    socket.setOption(StandardSocketOptions.TCP_NODELAY, true);
    return new RawConnection(socket);
  }

  /** Reads a range of an object into the target, which has its length. */
  public void get(URI url, long offset, MemorySegment target) throws IOException {
    send(url, "GET", "Range: bytes=" + offset + "-" + (offset + target.byteSize() - 1) + "\r\n");
    long length = answer(206);
    if (length != target.byteSize()) {
      throw new IOException(
          "the store sent " + length + " bytes, " + target.byteSize() + " were asked for");
    }
    long at = head.remaining();
    MemorySegment.copy(MemorySegment.ofBuffer(head), 0, target, 0, at);
    while (at < length) {
      ByteBuffer rest = target.asSlice(at, Math.min(length - at, Integer.MAX_VALUE)).asByteBuffer();
      int count = channel.read(rest);
      if (count < 0) {
        throw new EOFException("the connection ended " + (length - at) + " bytes early");
      }
      at += count;
    }
  }

  /** Stores bytes of a file as an object. */
  public void put(URI url, FileChannel file, long offset, long length) throws IOException {
    send(url, "PUT", "Content-Length: " + length + "\r\n");
    for (long at = 0; at < length; ) {
      block.clear().limit((int) Math.min(SENT_AT_ONCE, length - at));
      int count = file.read(block, offset + at);
      if (count < 0) {
        throw new EOFException("the file ended " + (length - at) + " bytes early");
      }
      writeFully(block.flip());
      at += count;
    }
    if (answer(200) > head.remaining()) {
      throw new IOException("the store answered with a body");
    }
  }

  /** Deletes an object. */
  public void delete(URI url) throws IOException {
    send(url, "DELETE", "");
    answer(204);
  }

  private void send(URI url, String method, String headers) throws IOException {
    String text =
        method
            + " "
            + url.getRawPath()
            + "?"
            + url.getRawQuery()
            + " HTTP/1.1\r\nHost: "
            + url.getRawAuthority()
            + "\r\n"
            + headers
            + "\r\n";
    writeFully(ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)));
  }

  private void writeFully(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /** Reads the head of the answer; what came after it stays in {@link #head}. */
  private long answer(int wanted) throws IOException {
    head.clear();
    int end;
    while ((end = endOfHead()) < 0) {
      if (!head.hasRemaining()) {
        throw new IOException("the head of the answer has more than " + HEAD + " bytes");
      }
      if (channel.read(head) < 0) {
        throw new EOFException("the connection ended before the answer");
      }
    }
    byte[] bytes = new byte[end];
    head.flip().get(bytes);
    String text = new String(bytes, StandardCharsets.ISO_8859_1);
    if (!text.startsWith("HTTP/1.1 " + wanted + " ")) {
      throw new IOException("the store answered: " + text.lines().findFirst().orElse(""));
    }
    if (wanted == 204) {
      return 0;
    }
    return text.toLowerCase(Locale.ROOT)
        .lines()
        .filter(line -> line.startsWith("content-length:"))
        .mapToLong(line -> Long.parseLong(line.substring("content-length:".length()).strip()))
        .findFirst()
        .orElseThrow(() -> new IOException("the answer has no Content-Length"));
  }

  private int endOfHead() {
    for (int i = 3; i < head.position(); i++) {
      if (head.get(i) == '\n'
          && head.get(i - 1) == '\r'
          && head.get(i - 2) == '\n'
          && head.get(i - 3) == '\r') {
        return i + 1;
      }
    }
    return -1;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  /** A TLS socket as a channel. */
  private static final class Streams implements ByteChannel {
    private final SSLSocket socket;
    private final ReadableByteChannel in;
    private final WritableByteChannel out;

    Streams(SSLSocket socket) throws IOException {
      this.socket = socket;
      this.in = Channels.newChannel(socket.getInputStream());
      this.out = Channels.newChannel(socket.getOutputStream());
    }

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
  }
}
