package io.sluice.compute.embed;

import io.sluice.job.Worker;
import io.sluice.job.WorkerRegistry;
import io.sluice.model.ChunkChecksums;
import io.sluice.model.Digest;
import io.sluice.model.ShardDescriptor;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/**
 * Workers in this process: each an embedder of its own, with the bytes of requests and answers
 * between them, and a registry that says who holds which shard.
 */
final class LocalWorkers implements WorkerRegistry, AutoCloseable {
  final Map<String, Embedder> embedders = new HashMap<>();
  final Map<Digest, Set<String>> holders = new HashMap<>();
  final Set<String> dead = ConcurrentHashMap.newKeySet();
  final AtomicInteger sent = new AtomicInteger();
  private final List<Worker> workers = new ArrayList<>();
  private final StoredEncoder encoder;

  /** Called before a request is delivered to a worker; false kills the worker. */
  volatile Predicate<String> survives = id -> true;

  LocalWorkers(StoredEncoder encoder, int count, long memory, int threads) {
    this.encoder = encoder;
    for (int i = 1; i <= count; i++) {
      String id = "w" + i;
      workers.add(new Worker(id, "i", "http://" + id, Instant.EPOCH, 1 << 30, 1 << 30, 0));
      embedders.put(
          id, new Embedder(encoder, encoder, encoder, this, this::send, () -> id, memory, threads));
    }
  }

  /** Shard i is held by worker i modulo their number. */
  LocalWorkers spread() {
    List<ShardDescriptor> shards = encoder.manifest().shards();
    for (int i = 0; i < shards.size(); i++) {
      holders.put(shards.get(i).digest(), Set.of(workers.get(i % workers.size()).id()));
    }
    return this;
  }

  Embedder first() {
    return embedders.get("w1");
  }

  private byte[] send(Worker worker, byte[] request) throws InterruptedException {
    sent.incrementAndGet();
    if (!dead.contains(worker.id()) && !survives.test(worker.id())) {
      dead.add(worker.id());
    }
    if (dead.contains(worker.id())) {
      throw EmbedException.worker(worker.id(), "worker '" + worker.id() + "' is dead", null);
    }
    return embedders.get(worker.id()).stages().execute(request);
  }

  @Override
  public List<Worker> live() {
    return workers;
  }

  @Override
  public Map<Digest, Map<String, String>> holders(Collection<Digest> shards) {
    Map<Digest, Map<String, String>> result = new HashMap<>();
    for (ShardDescriptor shard : encoder.manifest().shards()) {
      ChunkChecksums all = shard.checksums();
      for (String id : holders.getOrDefault(shard.digest(), Set.of())) {
        result.computeIfAbsent(shard.digest(), d -> new HashMap<>()).put(id, "0:" + all.size());
      }
    }
    return result;
  }

  @Override
  public void register(Worker worker) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Beat heartbeat(Worker worker) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void deregister(Worker worker) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void updateHeld(Worker worker, Map<Digest, String> put, Collection<Digest> remove) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {
    embedders.values().forEach(Embedder::close);
  }
}
