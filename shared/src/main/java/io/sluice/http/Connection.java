package io.sluice.http;

import io.sluice.http.HttpFailure.Reason;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import javax.net.ssl.SSLException;

/**
 * One connection and the request that is under way on it. Whoever watches sees how long it waits
 * already, and may end it; everything else belongs to one thread.
 */
final class Connection {
  private static final int BUFFER = 8 << 10;

  /** Most bytes that one call of the system sends, so that a stall is seen within it. */
  private static final int WRITE = 1 << 20;

  /** What lies in heap memory is copied on its way. */
  private static final int HEAP_WRITE = 64 << 10;

  private static final int MAX_INTERIM = 16;

  final Origin origin;
  final long born = System.nanoTime();
  long idleSince;

  private final Wire wire;
  private final int maxHead;
  private final ByteBuffer in = ByteBuffer.allocateDirect(BUFFER).flip();
  private byte[] head = new byte[1024];

  private boolean answerBegan;
  private boolean bodyBegan;
  private long received;

  // Written by the thread of the request, read by the watch; 0 means none.
  private volatile long waitingSince;
  private volatile long deadline;
  private volatile Reason killed;

  Connection(Origin origin, Wire wire, int maxHead) {
    this.origin = origin;
    this.wire = wire;
    this.maxHead = maxHead;
  }

  // ---- seen by the watch

  /** Ends the request if it waits for too long. */
  void check(long now, long stallNanos) {
    long since = waitingSince;
    long until = deadline;
    if (until != 0 && now - until > 0) {
      kill(Reason.DEADLINE);
    } else if (since != 0 && now - since > stallNanos) {
      kill(Reason.STALLED);
    }
  }

  /** Ends whatever is under way, from any thread. */
  void kill(Reason reason) {
    if (killed == null) {
      killed = reason;
    }
    close();
  }

  void close() {
    try {
      wire.close();
    } catch (IOException e) {
      // It is gone either way; nobody waits for anything from it.
    }
  }

  // ---- one request

  void begin(long deadlineNanos) {
    answerBegan = false;
    bodyBegan = false;
    received = 0;
    deadline = deadlineNanos;
  }

  void end() {
    deadline = 0;
    waitingSince = 0;
  }

  boolean answerBegan() {
    return answerBegan;
  }

  boolean bodyBegan() {
    return bodyBegan;
  }

  /** Whether bytes lie here that belong to no answer. */
  boolean hasLeftovers() {
    return in.hasRemaining();
  }

  /**
   * Sends a request and takes the head of its answer.
   *
   * @param continueMillis how long a body waits to be wanted
   */
  AnswerHead exchange(HttpCall call, int continueMillis) throws HttpFailure {
    try {
      AnswerHead early = null;
      boolean whole = true;
      try {
        write(ByteBuffer.wrap(encode(call)));
        if (call.expectsContinue() && await(continueMillis)) {
          early = readHead();
          if (early.status() < 200) {
            early = null;
          }
        }
        if (early == null && call.body().length() > 0) {
          bodyBegan = true;
          send(call.body());
        } else if (early != null) {
          whole = false;
        }
      } catch (EOFException | ClosedChannelException e) {
        throw e;
      } catch (IOException e) {
        if (!bodyBegan) {
          throw e;
        }
        // A server that refuses a body answers, closes, and reads no more of it.
        whole = false;
        early = answerAfter(e);
      }
      AnswerHead answer = early == null ? readHead() : early;
      for (int i = 0; answer.status() < 200; i++) {
        if (i == MAX_INTERIM || answer.status() == 101) {
          throw malformed("the answer " + answer.status() + " was not asked for");
        }
        answer = readHead();
      }
      return whole ? answer : answer.last();
    } catch (IOException e) {
      throw failed(e);
    } catch (UncheckedIOException e) {
      throw failed(e.getCause());
    }
  }

  private AnswerHead answerAfter(IOException broken) throws IOException {
    try {
      return readHead();
    } catch (IOException e) {
      broken.addSuppressed(e);
      throw broken;
    }
  }

  private static byte[] encode(HttpCall call) {
    StringBuilder text = new StringBuilder(1024);
    text.append(call.method()).append(' ').append(call.target()).append(" HTTP/1.1\r\n");
    if (call.headers().first("host").isEmpty()) {
      text.append("Host: ").append(call.origin().authority()).append("\r\n");
    }
    boolean body = call.body().length() > 0 || "PUT".equals(call.method());
    if ((body || "POST".equals(call.method()))
        && call.headers().first("content-length").isEmpty()) {
      text.append("Content-Length: ").append(call.body().length()).append("\r\n");
    }
    call.headers()
        .forEach((name, value) -> text.append(name).append(": ").append(value).append("\r\n"));
    return text.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1);
  }

  private void send(RequestBody body) throws IOException {
    switch (body) {
      case RequestBody.Segments(var segments) -> {
        for (MemorySegment segment : segments) {
          send(segment);
        }
      }
      case RequestBody.Stream stream -> send(stream);
    }
  }

  private void send(MemorySegment segment) throws IOException {
    long size = segment.byteSize();
    if (segment.isNative()) {
      for (long at = 0; at < size; at += WRITE) {
        write(segment.asSlice(at, Math.min(WRITE, size - at)).asByteBuffer());
      }
      return;
    }
    byte[] buffer = new byte[(int) Math.min(HEAP_WRITE, size)];
    for (long at = 0; at < size; at += HEAP_WRITE) {
      int count = (int) Math.min(HEAP_WRITE, size - at);
      MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, at, buffer, 0, count);
      write(ByteBuffer.wrap(buffer, 0, count));
    }
  }

  private void send(RequestBody.Stream stream) throws IOException {
    byte[] buffer = new byte[(int) Math.min(HEAP_WRITE, stream.length())];
    long left = stream.length();
    try (InputStream bytes = stream.open().get()) {
      while (left > 0) {
        int count = bytes.readNBytes(buffer, 0, (int) Math.min(buffer.length, left));
        if (count == 0) {
          throw new EOFException("the body ends " + left + " bytes before its length");
        }
        write(ByteBuffer.wrap(buffer, 0, count));
        left -= count;
      }
    }
  }

  private void write(ByteBuffer bytes) throws IOException {
    waitingSince = now();
    wire.write(bytes);
    waitingSince = 0;
  }

  /** Whether something comes within so many milliseconds. */
  private boolean await(int millis) throws IOException {
    in.compact();
    int count;
    try {
      count = wire.read(in, millis);
    } finally {
      in.flip();
    }
    if (count < 0) {
      throw ended();
    }
    return in.hasRemaining();
  }

  /** Bytes of the body as they come, straight into the target. */
  int read(ByteBuffer target) throws HttpFailure {
    int count;
    if (in.hasRemaining()) {
      count = Math.min(in.remaining(), target.remaining());
      target.put(target.position(), in, in.position(), count);
      target.position(target.position() + count);
      in.position(in.position() + count);
    } else {
      waitingSince = now();
      try {
        count = wire.read(target);
      } catch (IOException e) {
        throw failed(e);
      }
      waitingSince = 0;
    }
    if (count > 0) {
      received += count;
    }
    return count;
  }

  /** One byte of what frames a body. */
  int readByte() throws HttpFailure {
    try {
      return nextByte();
    } catch (IOException e) {
      throw failed(e);
    }
  }

  private int nextByte() throws IOException {
    if (!in.hasRemaining()) {
      waitingSince = now();
      in.clear();
      int count;
      try {
        count = wire.read(in);
      } finally {
        in.flip();
      }
      waitingSince = 0;
      if (count < 0) {
        throw ended();
      }
    }
    return in.get() & 0xff;
  }

  private static EOFException ended() {
    return new EOFException("the connection ended");
  }

  private AnswerHead readHead() throws IOException {
    int length = 0;
    int line = 0;
    while (true) {
      int b = nextByte();
      answerBegan = true;
      if (length == head.length) {
        if (length >= maxHead) {
          throw malformed("the head of the answer is longer than " + maxHead + " bytes");
        }
        head = Arrays.copyOf(head, Math.min(maxHead, 2 * length));
      }
      head[length++] = (byte) b;
      if (b == '\n') {
        if (length - line == 2 && head[line] == '\r') {
          return AnswerHead.parse(head, length);
        }
        line = length;
      }
    }
  }

  HttpFailure malformed(String what) {
    return new HttpFailure(
        Reason.MALFORMED, received, origin + " sent what is not HTTP/1.1: " + what, null);
  }

  /** Tells what an error of the connection means; the connection is of no use any more. */
  HttpFailure failed(IOException e) {
    waitingSince = 0;
    if (e instanceof HttpFailure known) {
      return known;
    }
    Reason reason = killed;
    if (reason == null) {
      reason =
          switch (e) {
            case ClosedByInterruptException interrupted -> Reason.CANCELLED;
            case AsynchronousCloseException closed -> Reason.CANCELLED;
            case AnswerHead.MalformedException malformed -> Reason.MALFORMED;
            default -> Reason.BROKEN;
          };
    }
    String what =
        switch (reason) {
          case STALLED -> origin + " moved nothing for too long";
          case DEADLINE -> origin + " did not answer within the deadline";
          case CANCELLED -> "the request to " + origin + " was given up";
          case MALFORMED -> origin + " sent what is not HTTP/1.1: " + e.getMessage();
          default -> "the connection to " + origin + " broke: " + text(e);
        };
    return new HttpFailure(reason, received, what, e);
  }

  static String text(Throwable e) {
    String message = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    return e instanceof SSLException ? "TLS: " + message : message;
  }

  /** Never 0, which means that nobody waits. */
  private static long now() {
    long now = System.nanoTime();
    return now == 0 ? 1 : now;
  }
}
