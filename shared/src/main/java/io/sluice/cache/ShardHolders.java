package io.sluice.cache;

import io.sluice.model.Digest;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Which other workers hold the shards that are being loaded here: written by who asks the registry,
 * read by who asks the workers. Thread-safe.
 */
public final class ShardHolders {
  private final Map<Digest, List<URI>> addresses = new ConcurrentHashMap<>();
  private final Map<Digest, List<URI>> failed = new ConcurrentHashMap<>();

  /** These workers hold the shard, as far as is known. */
  public void located(Digest shard, List<URI> holders) {
    if (holders.isEmpty()) {
      addresses.remove(shard);
    } else {
      addresses.put(shard, List.copyOf(holders));
    }
  }

  /** Base URLs of the workers to be asked for the shard. */
  public List<URI> of(Digest shard) {
    return addresses.getOrDefault(shard, List.of());
  }

  /** A worker could not give what it was said to hold: it is not asked for that shard any more. */
  public void lost(Digest shard, URI holder) {
    addresses.computeIfPresent(
        shard,
        (s, all) -> {
          List<URI> left = all.stream().filter(a -> !a.equals(holder)).toList();
          return left.isEmpty() ? null : left;
        });
    failed.merge(
        shard,
        List.of(holder),
        (a, b) -> java.util.stream.Stream.concat(a.stream(), b.stream()).distinct().toList());
  }

  /** The workers that were {@link #lost} since the load of the shard began. */
  public List<URI> failed(Digest shard) {
    return failed.getOrDefault(shard, List.of());
  }

  /** The load of the shard is over. */
  public void forget(Digest shard) {
    addresses.remove(shard);
    failed.remove(shard);
  }
}
