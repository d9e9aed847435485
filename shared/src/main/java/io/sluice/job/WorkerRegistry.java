package io.sluice.job;

import io.sluice.model.Digest;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * Who is alive and holds what. A worker that has not been heard of for a few seconds is not alive:
 * it is in no answer, and its tasks are free for others.
 */
public interface WorkerRegistry {
  /** What the registry knew of a worker when it said that it is alive. */
  enum Beat {
    /** All is well. */
    KNOWN,
    /** Held shards were forgotten (the registry was emptied): they have to be told again. */
    FORGOTTEN,
    /** Another incarnation has registered under this id: this one must stop. */
    REPLACED
  }

  /** A worker has started. It holds nothing; what an earlier incarnation held is forgotten. */
  void register(Worker worker);

  /**
   * A worker is still alive; its numbers are updated. To be called three times per time to live.
   */
  Beat heartbeat(Worker worker);

  /** A worker stops: its tasks are free at once. Nothing happens to another incarnation. */
  void deregister(Worker worker);

  /** The workers that are alive, by id. */
  List<Worker> live();

  /**
   * Changes what a worker holds.
   *
   * @param put shards with what of them it holds, in the words of the caller
   * @param remove shards it holds no more
   */
  void updateHeld(Worker worker, Map<Digest, String> put, Collection<Digest> remove);

  /**
   * Which live workers hold these shards; made for tens of thousands.
   *
   * @return by shard: by id of the worker what of it it holds; shards that nobody holds are missing
   */
  Map<Digest, Map<String, String>> holders(Collection<Digest> shards);
}
