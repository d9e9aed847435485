package io.sluice.job;

import java.time.Duration;
import java.util.Collection;

/**
 * Keeps garbage collection off objects that a running job relies on but no manifest reaches yet.
 *
 * <p>An owner pins a key <em>before</em> it looks whether the object exists, and unpins it after
 * the manifest is published. The pins of a job last as long as the job is not over. The pins of an
 * owner that is no job (an upload by the CLI) last for the time to live of pins after each {@link
 * #renew}, so a crashed uploader does not pin for ever.
 */
public interface ShardPins {
  /**
   * Pins keys. Waits for keys that are being deleted.
   *
   * @param owner id of a job, or another unique id
   * @throws JobException {@code object-being-deleted} (TRANSIENT) if one of them still is after
   *     {@code atMost}; the others may be pinned then
   */
  void pin(String owner, Collection<String> keys, Duration atMost) throws InterruptedException;

  /** Keeps the pins alive; false if they have lapsed, and with them what the owner relied on. */
  boolean renew(String owner);

  /** Lets go of all keys of the owner. */
  void unpin(String owner);

  /**
   * Asks to delete a key. After true nobody can pin it until {@link #endDelete}, but for no longer
   * than {@link #deleteTtl}: by then the deletion must have been sent and have come to an end.
   *
   * <p>Before it deletes, the caller looks once more whether a manifest reaches the key: an owner
   * may have published one and let go of its pins since the caller has looked first.
   *
   * @return false if it is pinned or somebody else is deleting it
   */
  boolean beginDelete(String key);

  /** The key is deleted, or was left alone. */
  void endDelete(String key);

  /** How long a deletion may take. */
  Duration deleteTtl();
}
