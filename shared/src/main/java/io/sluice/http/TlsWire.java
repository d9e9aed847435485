package io.sluice.http;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLEngineResult.Status;
import javax.net.ssl.SSLException;

/**
 * TLS over TCP. Many records are taken from the socket at once, and each is decrypted where it lies
 * and copied once, into the memory that it is for.
 */
final class TlsWire implements Wire {
  /** Room for several records: one call of the system brings them all. */
  private static final int IN = 256 << 10;

  private static final int OUT = 128 << 10;

  private final SocketChannel channel;
  private final SSLEngine engine;
  private final int record;
  private ByteBuffer in;
  private ByteBuffer out;
  private ByteBuffer spill;

  /**
   * @param channel connected, in blocking mode
   * @param engine of a client, not yet begun
   */
  TlsWire(SocketChannel channel, SSLEngine engine) {
    this.channel = channel;
    this.engine = engine;
    this.record = engine.getSession().getApplicationBufferSize();
    this.in = ByteBuffer.allocate(Math.max(IN, engine.getSession().getPacketBufferSize())).flip();
    this.out = ByteBuffer.allocate(Math.max(OUT, engine.getSession().getPacketBufferSize()));
    this.spill = ByteBuffer.allocate(record).flip();
  }

  /**
   * Makes the connection a secure one.
   *
   * @throws SSLException if the other side cannot be trusted
   */
  void handshake() throws IOException {
    engine.beginHandshake();
    ByteBuffer nothing = ByteBuffer.allocate(0);
    while (true) {
      switch (engine.getHandshakeStatus()) {
        case FINISHED, NOT_HANDSHAKING -> {
          return;
        }
        case NEED_TASK -> runTasks();
        case NEED_WRAP -> wrap(nothing);
        case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> {
          if (unwrap(spill.clear()) == Status.BUFFER_UNDERFLOW && receive() < 0) {
            throw new EOFException("the connection ended within the TLS handshake");
          }
          spill.flip();
        }
      }
    }
  }

  private void runTasks() {
    for (Runnable task = engine.getDelegatedTask();
        task != null;
        task = engine.getDelegatedTask()) {
      task.run();
    }
  }

  @Override
  public int read(ByteBuffer target) throws IOException {
    if (spill.hasRemaining()) {
      return unspill(target);
    }
    int before = target.position();
    while (true) {
      boolean fits = target.remaining() >= record;
      if (!fits && target.position() > before) {
        return target.position() - before;
      }
      Status status = unwrap(fits ? target : spill.clear());
      if (!fits) {
        spill.flip();
        if (spill.hasRemaining()) {
          return unspill(target);
        }
      }
      if (status == Status.OK) {
        continue;
      }
      if (target.position() > before) {
        return target.position() - before;
      }
      if (status == Status.CLOSED || receive() < 0) {
        return -1;
      }
    }
  }

  private int unspill(ByteBuffer target) {
    int count = Math.min(target.remaining(), spill.remaining());
    target.put(target.position(), spill, spill.position(), count);
    target.position(target.position() + count);
    spill.position(spill.position() + count);
    return count;
  }

  /** Decrypts one record, and does what the protocol asks for besides. */
  private Status unwrap(ByteBuffer target) throws IOException {
    SSLEngineResult result = engine.unwrap(in, target);
    if (result.getStatus() == Status.BUFFER_OVERFLOW) {
      throw new SSLException("a TLS record is longer than " + target.remaining() + " bytes");
    }
    HandshakeStatus next = result.getHandshakeStatus();
    if (next == HandshakeStatus.NEED_TASK) {
      runTasks();
      next = engine.getHandshakeStatus();
    }
    if (next == HandshakeStatus.NEED_WRAP && result.getStatus() == Status.OK) {
      wrap(ByteBuffer.allocate(0)); // an answer to a change of keys, or to the handshake
    }
    return result.getStatus();
  }

  /** Takes what the socket has, at least one byte, behind what is left of the last record. */
  private int receive() throws IOException {
    in.compact();
    try {
      return channel.read(in);
    } finally {
      in.flip();
    }
  }

  @Override
  public int read(ByteBuffer target, int millis) throws IOException {
    if (spill.hasRemaining() || in.hasRemaining()) {
      return read(target);
    }
    in.compact();
    int count;
    try {
      count = PlainWire.readWithin(channel, in, millis);
    } finally {
      in.flip();
    }
    return count > 0 ? read(target) : count;
  }

  @Override
  public void write(ByteBuffer... sources) throws IOException {
    for (ByteBuffer source : sources) {
      while (source.hasRemaining()) {
        wrap(source);
      }
    }
  }

  /** Encrypts as many records as there is room for, and sends them. */
  private void wrap(ByteBuffer source) throws IOException {
    out.clear();
    do {
      SSLEngineResult result = engine.wrap(source, out);
      if (result.getStatus() == Status.CLOSED) {
        throw new EOFException("the TLS connection is closed");
      }
      if (result.getStatus() == Status.BUFFER_OVERFLOW) {
        if (out.position() == 0) {
          throw new SSLException("a TLS record is longer than " + out.capacity() + " bytes");
        }
        break;
      }
    } while (source.hasRemaining());
    out.flip();
    while (out.hasRemaining()) {
      channel.write(out);
    }
  }

  /** Ends the connection at once; lengths tell whether an answer is whole, not its end. */
  @Override
  public void close() throws IOException {
    channel.close();
  }
}
