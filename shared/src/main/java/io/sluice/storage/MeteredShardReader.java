package io.sluice.storage;

import io.sluice.model.ByteRange;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import io.sluice.storage.StoreMetrics.Operation;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;

/** Counts requests, bytes and errors. Put it below the retries to see each try. */
public class MeteredShardReader implements ShardReader {
  private final ShardReader reader;
  private final StoreMetrics metrics;

  public MeteredShardReader(ShardReader reader, StoreMetrics metrics) {
    this.reader = Objects.requireNonNull(reader, "reader");
    this.metrics = Objects.requireNonNull(metrics, "metrics");
  }

  @Override
  public ObjectInfo head(String key) {
    return metered(Operation.HEAD, () -> reader.head(key), info -> 0);
  }

  @Override
  public void read(
      String key,
      Optional<String> etag,
      ByteRange range,
      MemorySegment target,
      ReadObserver observer) {
    metered(
        Operation.READ,
        () -> {
          reader.read(key, etag, range, target, observer);
          return range;
        },
        ByteRange::length);
  }

  final <T> T metered(Operation operation, Supplier<T> call, ToLongFunction<T> bytes) {
    long begin = System.nanoTime();
    T result;
    try {
      result = call.get();
    } catch (RuntimeException e) {
      metrics.failed(
          operation,
          e instanceof SluiceException known ? known.kind() : ErrorKind.FATAL,
          e instanceof TransientStorageException partial ? partial.transferred() : 0,
          System.nanoTime() - begin);
      throw e;
    }
    metrics.succeeded(operation, bytes.applyAsLong(result), System.nanoTime() - begin);
    return result;
  }
}
