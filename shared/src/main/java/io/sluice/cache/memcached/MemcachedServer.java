package io.sluice.cache.memcached;

import io.sluice.cache.CacheException;
import io.sluice.cache.ChunkKey;
import io.sluice.cache.CircuitBreaker;
import io.sluice.model.HostPort;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.ProtocolException;

/**
 * One Memcached server, spoken to in its text protocol (protocol.txt of memcached 1.6: {@code get},
 * {@code set}, {@code delete}, {@code stats settings}).
 *
 * <p>A chunk is cut into pieces that the server takes: at most 1 MiB, and less than its largest
 * item ({@code item_size_max}), which is asked for on every new connection, since the server may
 * have been started again with another one. The size of pieces is part of their keys.
 */
final class MemcachedServer implements AutoCloseable {
  private static final int MAX_PIECE = 1 << 20;

  /** What an item takes besides its value: header, key of up to 250 bytes, CAS, CR LF. */
  private static final int ITEM_OVERHEAD = 512;

  private static final int MIN_PIECE = 1 << 10;
  private static final int MAX_LINE = 2 << 10;
  private static final String PREFIX = "sluice:";

  private final String name;
  private final String ttlSeconds;
  private final WirePool wires;
  private final CircuitBreaker breaker = CircuitBreaker.standard();
  private volatile int piece;

  MemcachedServer(HostPort address, MemcachedSettings settings, Deadlines deadlines) {
    this.name = address.toString();
    this.ttlSeconds = Long.toString(settings.ttl().toSeconds());
    this.wires =
        new WirePool(
            address.host(),
            address.port(),
            settings.connections(),
            settings.connectTimeout(),
            settings.timeout(),
            deadlines,
            this::discover);
  }

  boolean get(ChunkKey key, MemorySegment target) {
    return guarded(
        wire -> {
          int size = piece;
          int count = Math.ceilDiv(key.length(), size);
          StringBuilder request = new StringBuilder("get");
          for (int i = 0; i < count; i++) {
            request.append(' ').append(name(key, size, i));
          }
          wire.write(request.append("\r\n").toString());
          return values(wire, key, size, count, target);
        });
  }

  /** Reads the answer to its end, whether all pieces are in it or not. */
  private boolean values(Wire wire, ChunkKey key, int size, int count, MemorySegment target)
      throws IOException {
    int found = 0;
    for (String line = wire.readLine(MAX_LINE); !line.equals("END"); ) {
      String[] words = line.split(" ");
      if (words.length < 4 || !words[0].equals("VALUE")) {
        throw unexpected("get", line);
      }
      int index = index(words[1], key, size, count);
      long length = number(words[3], line);
      if (index >= 0 && length == length(key, size, index)) {
        wire.readFully(target.asSlice((long) index * size, length));
        found++;
      } else {
        wire.skip(length);
      }
      if (!wire.readLine(MAX_LINE).isEmpty()) {
        throw new ProtocolException("a value of server " + name + " is longer than it says");
      }
      line = wire.readLine(MAX_LINE);
    }
    return found == count;
  }

  /** Index of the piece of that name, or -1. */
  private static int index(String name, ChunkKey key, int size, int count) {
    String digits = name.substring(name.lastIndexOf('-') + 1);
    if (!digits.matches("[0-9]{1,7}")) {
      return -1;
    }
    int index = Integer.parseInt(digits);
    return index < count && name.equals(name(key, size, index)) ? index : -1;
  }

  boolean put(ChunkKey key, MemorySegment bytes) {
    return guarded(
        wire -> {
          int size = piece;
          int count = Math.ceilDiv(key.length(), size);
          for (int i = 0; i < count; i++) {
            int length = length(key, size, i);
            wire.write("set " + name(key, size, i) + " 0 " + ttlSeconds + " " + length + "\r\n");
            wire.write(bytes.asSlice((long) i * size, length).asByteBuffer());
            wire.write("\r\n");
          }
          boolean stored = true;
          for (int i = 0; i < count; i++) {
            String line = wire.readLine(MAX_LINE);
            if (!line.equals("STORED")) {
              stored = false;
              // It has no room, or a limit that is below what it says: no use for this chunk.
              if (!line.startsWith("SERVER_ERROR") && !line.equals("NOT_STORED")) {
                throw unexpected("set", line);
              }
            }
          }
          return stored;
        });
  }

  void remove(ChunkKey key) {
    guarded(
        wire -> {
          int size = piece;
          for (int i = 0; i < Math.ceilDiv(key.length(), size); i++) {
            wire.write("delete " + name(key, size, i) + "\r\n");
            String line = wire.readLine(MAX_LINE);
            if (!line.equals("DELETED") && !line.equals("NOT_FOUND")) {
              throw unexpected("delete", line);
            }
          }
          return true;
        });
  }

  /** Asks for the largest item that the server takes. */
  private void discover(Wire wire) throws IOException {
    wire.write("stats settings\r\n");
    long itemMax = 0;
    for (String line = wire.readLine(MAX_LINE); !line.equals("END"); ) {
      String[] words = line.split(" ");
      if (words.length < 2 || !words[0].equals("STAT")) {
        throw unexpected("stats settings", line);
      }
      if (words[1].equals("item_size_max") && words.length == 3) {
        itemMax = number(words[2], line);
      }
      line = wire.readLine(MAX_LINE);
    }
    if (itemMax < MIN_PIECE + ITEM_OVERHEAD) {
      throw new ProtocolException(
          "server "
              + name
              + " takes items of "
              + itemMax
              + " bytes, which is less than "
              + (MIN_PIECE + ITEM_OVERHEAD));
    }
    piece = (int) Math.min(MAX_PIECE, itemMax - ITEM_OVERHEAD);
  }

  private boolean guarded(WirePool.Call<Boolean> call) {
    if (!breaker.permits()) {
      return false;
    }
    try {
      boolean result = wires.call(call);
      breaker.succeeded();
      return result;
    } catch (IOException e) {
      if (Thread.currentThread().isInterrupted()) {
        breaker.succeeded();
      } else {
        breaker.failed();
      }
      throw CacheException.unavailable("Memcached at " + name + ": " + e.getMessage(), e);
    }
  }

  private static int length(ChunkKey key, int size, int index) {
    return (int) Math.min(size, key.length() - (long) index * size);
  }

  private static String name(ChunkKey key, int size, int index) {
    return PREFIX + key.text() + "-" + size + "-" + index;
  }

  private long number(String word, String line) throws ProtocolException {
    try {
      long value = Long.parseLong(word);
      if (value >= 0) {
        return value;
      }
    } catch (NumberFormatException e) {
      throw unexpected("a number", line);
    }
    throw unexpected("a number", line);
  }

  private ProtocolException unexpected(String what, String line) {
    return new ProtocolException(
        "the answer of server "
            + name
            + " to "
            + what
            + " is '"
            + (line.length() > 100 ? line.substring(0, 100) + "…" : line)
            + "'");
  }

  @Override
  public void close() {
    wires.close();
  }
}
