package io.sluice.http;

import io.sluice.http.HttpFailure.Reason;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.function.LongConsumer;

/**
 * An answer whose head has come. Its body is taken by one thread, in one of three ways: straight
 * into memory, as bytes, or as a stream. Closing it before the body was taken ends the connection;
 * {@link #abort} does so from any thread.
 */
public final class HttpAnswer implements AutoCloseable {
  /** Most bytes taken at once: what then works on them finds them in the caches of the core. */
  private static final int STEP = 1 << 20;

  /** What is for heap memory comes by way of a small buffer. */
  private static final int HEAP_STEP = 64 << 10;

  private static final int MAX_CHUNK_LINE = 256;

  /** A rest of a body up to this is taken to keep the connection. */
  private static final int MAX_DRAINED = 16 << 10;

  private final HttpTransport transport;
  private final Connection connection;
  private final AnswerHead head;
  private final int maxTrailer;
  // Bytes left of the body or of the chunk of it; -1 if only the end of the connection tells.
  private long left;
  private boolean firstChunk = true;
  private boolean ended;
  private boolean released;

  HttpAnswer(
      HttpTransport transport, Connection connection, AnswerHead head, boolean bodyless, int max) {
    this.transport = transport;
    this.connection = connection;
    this.head = head;
    this.maxTrailer = max;
    boolean none = bodyless || head.status() == 204 || head.status() == 304 || head.length() == 0;
    this.left = none || head.chunked() ? 0 : head.length();
    if (none) {
      end();
    }
  }

  /** The status, 200 to 599. */
  public int status() {
    return head.status();
  }

  /** The header fields. */
  public HttpHeaders headers() {
    return head.headers();
  }

  /** Length of the body if its head tells; of what a GET would bring if this answers a HEAD. */
  public OptionalLong length() {
    return head.length() < 0 ? OptionalLong.empty() : OptionalLong.of(head.length());
  }

  /**
   * Takes the body into memory until that is full or the body ends, without a copy if the memory is
   * native and the connection not encrypted.
   *
   * @param progress told how many leading bytes of the target are in place, after every few
   * @return bytes in place; fewer than the target has if the body ended
   * @throws HttpFailure if the body breaks off; it tells how many bytes are in place
   */
  public long receive(MemorySegment target, LongConsumer progress) throws HttpFailure {
    long size = target.byteSize();
    byte[] heap = target.isNative() ? null : new byte[(int) Math.min(HEAP_STEP, size)];
    ByteBuffer window = ByteBuffer.allocate(0);
    long done = 0;
    while (done < size) {
      if (!window.hasRemaining()) {
        window =
            heap == null
                ? target.asSlice(done, Math.min(STEP, size - done)).asByteBuffer()
                : ByteBuffer.wrap(heap, 0, (int) Math.min(heap.length, size - done));
      }
      int count;
      try {
        count = read(window);
      } catch (HttpFailure e) {
        throw new HttpFailure(e.reason(), done, e.getMessage(), e);
      }
      if (count < 0) {
        return done;
      }
      if (heap != null) {
        MemorySegment.copy(
            heap, window.position() - count, target, ValueLayout.JAVA_BYTE, done, count);
      }
      done += count;
      progress.accept(done);
    }
    return done;
  }

  /**
   * The whole body.
   *
   * @throws HttpFailure also if it is longer than {@code max}
   */
  public byte[] bytes(int max) throws HttpFailure {
    try (InputStream stream = stream()) {
      byte[] bytes = stream.readNBytes(max);
      if (stream.read() >= 0) {
        throw new HttpFailure(
            Reason.MALFORMED,
            max,
            "the answer of " + connection.origin + " is longer than " + max + " bytes",
            null);
      }
      return bytes;
    } catch (HttpFailure e) {
      throw e;
    } catch (IOException e) {
      throw connection.failed(e);
    }
  }

  /** Whether all of the body was taken. */
  public boolean ended() {
    return ended;
  }

  /** The body as a stream; closing it closes the answer. */
  public InputStream stream() {
    return new Stream();
  }

  /**
   * Takes some bytes of the body.
   *
   * @return how many, at least 1, or -1 if the body has ended
   */
  int read(ByteBuffer target) throws HttpFailure {
    if (ended) {
      return -1;
    }
    if (released) {
      throw new HttpFailure(Reason.CANCELLED, 0, "the answer is closed", null);
    }
    try {
      if (left == 0 && head.chunked() && !nextChunk()) {
        end();
        return -1;
      }
      return left < 0 ? readUntilClose(target) : readLeft(target);
    } catch (HttpFailure e) {
      release(false);
      transport.failed(connection.origin, e.reason());
      throw e;
    }
  }

  private int readUntilClose(ByteBuffer target) throws HttpFailure {
    int count = connection.read(target);
    if (count < 0) {
      end();
    }
    return count;
  }

  private int readLeft(ByteBuffer target) throws HttpFailure {
    int limit = target.limit();
    target.limit((int) Math.min(limit, target.position() + left));
    int count = connection.read(target);
    target.limit(limit);
    if (count < 0) {
      throw new HttpFailure(
          Reason.BROKEN,
          0,
          "the body from " + connection.origin + " ended " + left + " bytes early",
          null);
    }
    left -= count;
    if (left == 0 && !head.chunked()) {
      end();
    }
    return count;
  }

  /** Reads the size of the next chunk (RFC 9112, section 7.1); false behind the last one. */
  private boolean nextChunk() throws HttpFailure {
    if (!firstChunk && !line(2).isEmpty()) {
      throw connection.malformed("a chunk is longer than it says");
    }
    firstChunk = false;
    String size = line(MAX_CHUNK_LINE);
    int semicolon = size.indexOf(';');
    String hex = (semicolon < 0 ? size : size.substring(0, semicolon)).strip();
    if (!hex.matches("[0-9a-fA-F]{1,15}")) {
      throw connection.malformed("the size of a chunk is no number");
    }
    left = Long.parseLong(hex, 16);
    if (left > 0) {
      return true;
    }
    int trailer = 0;
    for (String field = line(maxTrailer); !field.isEmpty(); field = line(maxTrailer - trailer)) {
      trailer += field.length();
    }
    return false;
  }

  private String line(int max) throws HttpFailure {
    StringBuilder line = new StringBuilder();
    while (true) {
      int b = connection.readByte();
      if (b == '\r') {
        if (connection.readByte() != '\n') {
          throw connection.malformed("a line of a chunked body does not end in CRLF");
        }
        return line.toString();
      }
      if (line.length() >= max) {
        throw connection.malformed("a line of a chunked body is longer than " + max + " bytes");
      }
      line.append((char) b);
    }
  }

  private void end() {
    ended = true;
    boolean framed = head.chunked() || head.length() >= 0 || head.status() == 204 || left == 0;
    release(head.reusable() && framed && !connection.hasLeftovers());
  }

  private void release(boolean reusable) {
    if (!released) {
      released = true;
      transport.release(connection, reusable);
    }
  }

  /** Ends the connection now, from any thread; whoever takes the body gets CANCELLED. */
  public void abort() {
    if (!ended) {
      connection.kill(Reason.CANCELLED);
    }
  }

  @Override
  public void close() {
    release(false);
  }

  private final class Stream extends InputStream {
    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      Objects.checkFromIndexSize(offset, length, target.length);
      return length == 0
          ? 0
          : HttpAnswer.this.read(ByteBuffer.wrap(target, offset, Math.min(length, HEAP_STEP)));
    }

    /** Takes a short rest first, so that the connection can be used again. */
    @Override
    public void close() throws IOException {
      try {
        byte[] rest = new byte[ended || released || left > MAX_DRAINED ? 0 : MAX_DRAINED];
        if (rest.length > 0 && left >= 0) {
          readNBytes(rest, 0, rest.length);
        }
      } catch (HttpFailure e) {
        // What was left is of no use to anybody, and the connection is gone.
      } finally {
        HttpAnswer.this.close();
      }
    }
  }
}
