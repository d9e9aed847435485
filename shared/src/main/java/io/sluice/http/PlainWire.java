package io.sluice.http;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** TCP without encryption: the kernel writes straight into the memory of a direct buffer. */
final class PlainWire implements Wire {
  private final SocketChannel channel;

  /**
   * @param channel connected, in blocking mode
   */
  PlainWire(SocketChannel channel) {
    this.channel = channel;
  }

  @Override
  public int read(ByteBuffer target) throws IOException {
    return channel.read(target);
  }

  @Override
  public int read(ByteBuffer target, int millis) throws IOException {
    return readWithin(channel, target, millis);
  }

  /** The only timed read that a blocking channel has is that of its socket, into an array. */
  static int readWithin(SocketChannel channel, ByteBuffer target, int millis) throws IOException {
    byte[] bytes = new byte[Math.min(target.remaining(), 4096)];
    channel.socket().setSoTimeout(millis);
    try {
      int count = channel.socket().getInputStream().read(bytes);
      if (count > 0) {
        target.put(bytes, 0, count);
      }
      return count;
    } catch (SocketTimeoutException e) {
      return 0;
    }
  }

  @Override
  public void write(ByteBuffer... sources) throws IOException {
    int first = 0;
    while (first < sources.length) {
      if (sources[first].hasRemaining()) {
        channel.write(sources, first, sources.length - first);
      } else {
        first++;
      }
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
