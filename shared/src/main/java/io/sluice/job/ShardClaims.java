package io.sluice.job;

import io.sluice.model.ByteRange;
import io.sluice.model.Digest;
import java.net.URI;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Objects;

/**
 * Who reads which shard from the store now, so that of many workers that want it at once one reads
 * it and the others have it from that one.
 */
public interface ShardClaims {
  /** What a worker that wants bytes of a shard should do. */
  enum Advice {
    /** Others hold them: ask those. */
    ASK,
    /** Nobody has them: read them; the claim is yours until it is released or the lease is over. */
    READ,
    /** Somebody else is reading them: wait, and ask again. */
    WAIT
  }

  /**
   * An answer.
   *
   * @param holders base URLs of some live workers that hold all of the bytes; empty unless the
   *     advice is to ask them
   */
  record Answer(Advice advice, List<URI> holders) {
    public Answer {
      Objects.requireNonNull(advice, "advice");
      holders = List.copyOf(holders);
    }
  }

  /**
   * Asks who holds these bytes, and claims them if nobody does.
   *
   * @param incarnation of the worker that asks; what it holds itself does not count
   * @param runs the bytes wanted
   * @param without addresses of workers that were found not to give them
   * @param lease how long a claim lasts without renewal
   */
  Answer ask(
      String incarnation,
      Digest shard,
      List<ByteRange> runs,
      Collection<URI> without,
      Duration lease);

  /** Makes a claim last longer; false if it is somebody else's by now. */
  boolean renew(String incarnation, Digest shard, List<ByteRange> runs, Duration lease);

  /** Gives a claim up; nothing happens if it is not held. */
  void release(String incarnation, Digest shard, List<ByteRange> runs);
}
