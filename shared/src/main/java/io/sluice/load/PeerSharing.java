package io.sluice.load;

import io.sluice.cache.CacheTier;
import io.sluice.cache.ShardHolders;
import io.sluice.job.ShardClaims;
import io.sluice.model.ByteRange;
import io.sluice.model.Digest;
import io.sluice.model.SluiceException;
import java.net.URI;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.jboss.logging.Logger;

/**
 * How shards are shared with other workers: who holds one is asked for it, and of those who find it
 * nowhere one reads the store while the others wait. Where the claims cannot be asked, everybody
 * reads for himself.
 */
public final class PeerSharing {
  private static final Logger LOG = Logger.getLogger(PeerSharing.class);

  private final CacheTier tier;
  private final ShardHolders holders;
  private final ShardClaims claims;
  private final String incarnation;
  private final BooleanSupplier sharing;
  private final Runnable announce;
  private final Duration lease;
  private final Duration wait;

  /** What to do after the tiers were asked. */
  enum Next {
    /** Read the store. */
    READ,
    /** Ask again after a pause: somebody else reads. */
    WAIT,
    /** Ask again if those who should have it did not give it. */
    ASK
  }

  /**
   * @param tier that asks the holders
   * @param holders where it learns of them
   * @param incarnation of this worker
   * @param sharing whether this process is a worker that others can read from; if not, it neither
   *     claims nor asks
   * @param announce tells the registry what this worker holds
   * @param lease how long a claim outlives its worker
   * @param wait how long a load waits for another worker that reads the same shard
   */
  public PeerSharing(
      CacheTier tier,
      ShardHolders holders,
      ShardClaims claims,
      String incarnation,
      BooleanSupplier sharing,
      Runnable announce,
      Duration lease,
      Duration wait) {
    this.tier = tier;
    this.holders = holders;
    this.claims = claims;
    this.incarnation = incarnation;
    this.sharing = sharing;
    this.announce = announce;
    this.lease = lease;
    this.wait = wait;
  }

  /** The way of one load of a shard; empty if this process does not share. */
  Optional<Turn> turn(Digest shard, List<ByteRange> runs) {
    return sharing.getAsBoolean() ? Optional.of(new Turn(shard, runs)) : Optional.empty();
  }

  /**
   * The way of one load of a shard to its bytes. One of {@link #held} or {@link #close} ends it.
   */
  final class Turn implements AutoCloseable {
    private final Digest shard;
    private final List<ByteRange> runs;
    private final long deadline = System.nanoTime() + wait.toNanos();
    private final Set<URI> without = new HashSet<>();
    private Thread renewal;

    private Turn(Digest shard, List<ByteRange> runs) {
      this.shard = shard;
      this.runs = runs;
    }

    /** The tier of the peers. */
    CacheTier tier() {
      return tier;
    }

    /** Asks who has the shard or reads it, and claims it if nobody does. */
    Next ask() throws InterruptedException {
      without.addAll(holders.failed(shard));
      ShardClaims.Answer answer;
      try {
        answer = claims.ask(incarnation, shard, runs, without, lease);
      } catch (SluiceException e) {
        // The shard may have been claimed all the same.
        releaseSoon();
        if (Thread.interrupted()) {
          throw new InterruptedException("interrupted while asking who holds a shard");
        }
        LOG.warnf("who holds shard %s cannot be found out: %s", shard.shortHex(), e.getMessage());
        return Next.READ;
      }
      holders.located(shard, answer.holders());
      return switch (answer.advice()) {
        case ASK -> Next.ASK;
        case WAIT -> System.nanoTime() - deadline < 0 ? Next.WAIT : Next.READ;
        case READ -> {
          renewal = Thread.ofVirtual().name("sluice-claim").start(this::renew);
          yield Next.READ;
        }
      };
    }

    /** Those who were said to hold the shard did not give all of it: they are not asked again. */
    void failed() {
      holders.of(shard).forEach(address -> holders.lost(shard, address));
    }

    /** The bytes are held: others may have them from here. */
    void held() {
      if (renewal != null) {
        try {
          announce.run();
        } catch (SluiceException e) {
          LOG.warnf("shard %s was loaded but not announced: %s", shard.shortHex(), e.getMessage());
        }
      }
      close();
    }

    @Override
    public void close() {
      holders.forget(shard);
      if (renewal == null) {
        return;
      }
      renewal.interrupt();
      renewal = null;
      releaseSoon();
    }

    /** On a thread of its own: this one may be interrupted, and nobody has to wait for it. */
    private void releaseSoon() {
      Thread.ofVirtual()
          .name("sluice-claim")
          .start(
              () -> {
                try {
                  claims.release(incarnation, shard, runs);
                } catch (RuntimeException e) {
                  LOG.debugf("claim of shard %s ends by its lease: %s", shard.shortHex(), e);
                }
              });
    }

    private void renew() {
      try {
        while (true) {
          Thread.sleep(lease.dividedBy(3));
          try {
            if (!claims.renew(incarnation, shard, runs, lease)) {
              return;
            }
          } catch (SluiceException e) {
            LOG.debugf("claim of shard %s was not renewed: %s", shard.shortHex(), e.getMessage());
          }
        }
      } catch (InterruptedException e) {
        // The claim is over.
        return;
      }
    }
  }
}
