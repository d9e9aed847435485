package io.sluice.compute.train;

import io.sluice.model.ByteRange;
import io.sluice.model.Crc32c;
import io.sluice.model.ErrorKind;
import io.sluice.model.Keys;
import io.sluice.model.SluiceException;
import io.sluice.storage.ShardStore;
import io.sluice.storage.StorageException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * Keeps small values in another exchange, and of large ones only where they lie in the store: under
 * {@link Keys#scratch}, checked by CRC32C when they are read. What a dead job leaves there is
 * garbage like any other.
 */
public final class SpillingExchange implements Exchange {
  private static final byte INLINE = 0;
  private static final byte STORED = 1;
  private static final int POINTER = 1 + 4 + 4;

  private final Exchange small;
  private final ShardStore store;
  private final int limit;

  /**
   * @param limit largest value in bytes that stays out of the store
   */
  public SpillingExchange(Exchange small, ShardStore store, int limit) {
    this.small = small;
    this.store = store;
    this.limit = limit;
  }

  @Override
  public void put(String key, byte[] value) {
    if (value.length <= limit) {
      small.put(key, ByteBuffer.allocate(1 + value.length).put(INLINE).put(value).array());
      return;
    }
    store.putIfAbsent(Keys.scratch(key), MemorySegment.ofArray(value));
    small.put(
        key,
        ByteBuffer.allocate(POINTER).put(STORED).putInt(value.length).putInt(crc(value)).array());
  }

  @Override
  public Optional<byte[]> get(String key) {
    return small.get(key).flatMap(held -> open(key, ByteBuffer.wrap(held)));
  }

  private Optional<byte[]> open(String key, ByteBuffer held) {
    if (held.get() == INLINE) {
      byte[] value = new byte[held.remaining()];
      held.get(value);
      return Optional.of(value);
    }
    byte[] value = new byte[held.getInt()];
    int crc = held.getInt();
    try {
      store.read(
          Keys.scratch(key),
          Optional.empty(),
          new ByteRange(0, value.length),
          MemorySegment.ofArray(value));
    } catch (StorageException e) {
      if (e.kind() == ErrorKind.MISSING) {
        return Optional.empty();
      }
      throw e;
    }
    if (crc(value) != crc) {
      throw new SluiceException(
          ErrorKind.CORRUPT,
          "object-corrupt",
          "object '" + Keys.scratch(key) + "' has not the checksum of what was written");
    }
    return Optional.of(value);
  }

  @Override
  public boolean hasAll(List<String> keys) {
    return small.hasAll(keys);
  }

  @Override
  public void remove(Collection<String> keys) {
    List<String> stored = new ArrayList<>();
    for (String key : keys) {
      small.get(key).filter(held -> held[0] == STORED).ifPresent(held -> stored.add(key));
    }
    stored.forEach(key -> store.delete(Keys.scratch(key)));
    small.remove(keys);
  }

  private static int crc(byte[] value) {
    return Crc32c.of(MemorySegment.ofArray(value));
  }
}
