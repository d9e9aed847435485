package io.sluice.job.redis;

import io.sluice.job.JobSignals;
import io.sluice.job.JobState;
import io.sluice.redis.RedisClient;
import io.sluice.redis.Subscription;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** Signals of all jobs over one subscription, to be shared by the whole process. */
public final class RedisJobSignals implements JobSignals, AutoCloseable {
  private final ConcurrentMap<String, Set<Watcher>> watchers = new ConcurrentHashMap<>();
  private final Subscription subscription;

  /**
   * @param prefix of all keys, as that of the job store
   */
  public RedisJobSignals(RedisClient client, String prefix) {
    this.subscription = client.subscribe(prefix + "signals", this::wakeAll, this::receive);
  }

  @Override
  public Watch watch(String jobId, Interest interest) {
    Watcher watcher = new Watcher(jobId, interest);
    watchers.compute(
        jobId,
        (id, set) -> {
          Set<Watcher> all = set == null ? ConcurrentHashMap.newKeySet() : set;
          all.add(watcher);
          return all;
        });
    return watcher;
  }

  /** Whether signals arrive at the moment. */
  public boolean connected() {
    return subscription.connected();
  }

  @Override
  public void close() {
    subscription.close();
  }

  /** After a pause in the connection: signals may have been lost. */
  private void wakeAll() {
    watchers.values().forEach(set -> set.forEach(Watcher::wake));
  }

  /** {@code <job> <w or e> <state>}. */
  private void receive(String message) {
    String[] parts = message.split(" ", 3);
    Set<Watcher> set = watchers.get(parts[0]);
    if (set == null || parts.length < 3) {
      return;
    }
    boolean work = parts[1].equals("w");
    boolean over = work && !parts[2].isEmpty() && JobState.of(parts[2]).terminal();
    for (Watcher watcher : set) {
      watcher.over |= over;
      if (work || watcher.interest == Interest.EVENTS) {
        watcher.wake();
      }
    }
  }

  private final class Watcher implements Watch {
    private final String jobId;
    private final Interest interest;
    private final Semaphore signals = new Semaphore(0);
    private volatile boolean over;

    Watcher(String jobId, Interest interest) {
      this.jobId = jobId;
      this.interest = interest;
    }

    @Override
    public void await(Duration atMost) throws InterruptedException {
      if (signals.tryAcquire(atMost.toNanos(), TimeUnit.NANOSECONDS)) {
        signals.drainPermits();
      }
    }

    @Override
    public void wake() {
      if (signals.availablePermits() == 0) {
        signals.release();
      }
    }

    @Override
    public boolean over() {
      return over;
    }

    @Override
    public void close() {
      watchers.computeIfPresent(
          jobId,
          (id, set) -> {
            set.remove(this);
            return set.isEmpty() ? null : set;
          });
    }
  }
}
