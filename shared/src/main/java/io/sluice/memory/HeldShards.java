package io.sluice.memory;

import io.sluice.model.ByteRange;
import io.sluice.model.Digest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/**
 * The shards that a worker holds in memory, whole or in runs of bytes.
 *
 * <p>A shard belongs to the versions of models (digests of their manifests) that were loaded with
 * it. It is dropped when the last of them is released; its memory is freed when, besides, no view
 * of it is open any more.
 *
 * <p>Thread-safe. Two threads that load the same bytes at once both succeed, but the work of one of
 * them was in vain.
 */
public final class HeldShards {
  /**
   * What is held of a shard.
   *
   * @param coverage which bytes
   * @param footprint bytes of the memory budget that they take
   * @param owners versions that need it
   */
  public record Held(Coverage coverage, long footprint, Set<Digest> owners) {
    public Held {
      owners = Collections.unmodifiableSet(new TreeSet<>(owners));
    }
  }

  private static final class Run {
    final ByteRange range;
    final Slab slab;
    int views;
    boolean dropped;

    Run(ByteRange range, Slab slab) {
      this.range = range;
      this.slab = slab;
    }
  }

  private static final class Shard {
    final NavigableMap<Long, Run> runs = new TreeMap<>();
    final Set<Digest> owners = new HashSet<>();

    Coverage coverage() {
      return new Coverage(runs.values().stream().map(run -> run.range).toList());
    }

    long footprint() {
      return runs.values().stream().mapToLong(run -> run.slab.footprint()).sum();
    }
  }

  private final Map<Digest, Shard> shards = new HashMap<>();
  private final List<Consumer<Digest>> listeners = new CopyOnWriteArrayList<>();
  private long footprint;
  private long lingering;

  /**
   * Holds bytes of a shard for an owner, and their slab from now on.
   *
   * <p>Runs that the range contains are replaced. If one run contains the range already, the slab
   * is closed instead.
   *
   * @param slab as many bytes as the range has, at least 1
   * @return whether the bytes are held now; if not, the range overlaps a run in part (another
   *     thread loaded bytes since {@link #missing} was asked; ask again) and the slab remains the
   *     caller's
   */
  public boolean put(Digest owner, Digest shard, ByteRange range, Slab slab) {
    Objects.requireNonNull(owner, "owner");
    Objects.requireNonNull(shard, "shard");
    if (range.length() == 0 || slab.bytes() != range.length()) {
      throw new IllegalArgumentException(
          "a slab of " + slab.bytes() + " bytes cannot hold bytes " + range + " of a shard");
    }
    List<Slab> idle = new ArrayList<>();
    synchronized (this) {
      Shard held = shards.getOrDefault(shard, new Shard());
      List<Run> overlapping =
          held.runs.values().stream().filter(run -> run.range.overlaps(range)).toList();
      boolean known = overlapping.stream().anyMatch(run -> run.range.contains(range));
      if (!known && !overlapping.stream().allMatch(run -> range.contains(run.range))) {
        return false;
      }
      if (known) {
        idle.add(slab);
      } else {
        overlapping.forEach(run -> drop(held, run, idle));
        held.runs.put(range.offset(), new Run(range, slab));
        footprint += slab.footprint();
      }
      held.owners.add(owner);
      shards.put(shard, held);
    }
    idle.forEach(Slab::close);
    changed(shard);
    return true;
  }

  /** What to load so that each range is held in one piece, see {@link Coverage#missing}. */
  public List<ByteRange> missing(Digest shard, List<ByteRange> wanted) {
    return coverage(shard).missing(wanted);
  }

  /** Which bytes of the shard are held; none if it is not. */
  public synchronized Coverage coverage(Digest shard) {
    Shard held = shards.get(shard);
    return held == null ? new Coverage(List.of()) : held.coverage();
  }

  /**
   * Makes the owner one of a shard's owners if each of the ranges is held.
   *
   * @return whether they are
   */
  public boolean claim(Digest owner, Digest shard, List<ByteRange> wanted) {
    Objects.requireNonNull(owner, "owner");
    synchronized (this) {
      Shard held = shards.get(shard);
      if (held == null || !held.coverage().containsAll(wanted)) {
        return false;
      }
      if (!held.owners.add(owner)) {
        return true;
      }
    }
    changed(shard);
    return true;
  }

  /**
   * Lets an owner's shards go.
   *
   * @return shards that were dropped because it was their last owner
   */
  public Set<Digest> release(Digest owner) {
    Set<Digest> owned = new TreeSet<>();
    synchronized (this) {
      shards.forEach(
          (digest, shard) -> {
            if (shard.owners.contains(owner)) {
              owned.add(digest);
            }
          });
    }
    Set<Digest> dropped = new TreeSet<>();
    for (Digest shard : owned) {
      if (release(owner, shard)) {
        dropped.add(shard);
      }
    }
    return dropped;
  }

  /**
   * Lets one shard of an owner go.
   *
   * @return whether it was dropped because that was its last owner
   */
  public boolean release(Digest owner, Digest shard) {
    List<Slab> idle = new ArrayList<>();
    boolean last;
    synchronized (this) {
      Shard held = shards.get(shard);
      if (held == null || !held.owners.remove(owner)) {
        return false;
      }
      last = held.owners.isEmpty();
      if (last) {
        shards.remove(shard);
        List.copyOf(held.runs.values()).forEach(run -> drop(held, run, idle));
      }
    }
    idle.forEach(Slab::close);
    changed(shard);
    return last;
  }

  /** A view of the bytes, if one run holds all of them. */
  public Optional<HeldView> open(Digest shard, ByteRange range) {
    synchronized (this) {
      Shard held = shards.get(shard);
      Map.Entry<Long, Run> entry = held == null ? null : held.runs.floorEntry(range.offset());
      if (entry == null || !entry.getValue().range.contains(range)) {
        return Optional.empty();
      }
      Run run = entry.getValue();
      run.views++;
      long begin = range.offset() - run.range.offset();
      return Optional.of(
          new HeldView(
              run.slab.segment().asSlice(begin, range.length()).asReadOnly(), () -> leave(run)));
    }
  }

  private void leave(Run run) {
    boolean idle;
    synchronized (this) {
      run.views--;
      idle = run.dropped && run.views == 0;
      if (idle) {
        lingering -= run.slab.footprint();
      }
    }
    if (idle) {
      run.slab.close();
    }
  }

  private void drop(Shard shard, Run run, List<Slab> idle) {
    shard.runs.remove(run.range.offset());
    run.dropped = true;
    footprint -= run.slab.footprint();
    if (run.views == 0) {
      idle.add(run.slab);
    } else {
      lingering += run.slab.footprint();
    }
  }

  /** Everything that is held, by shard. */
  public synchronized Map<Digest, Held> snapshot() {
    Map<Digest, Held> result = new TreeMap<>();
    shards.forEach(
        (digest, shard) ->
            result.put(digest, new Held(shard.coverage(), shard.footprint(), shard.owners)));
    return Collections.unmodifiableMap(result);
  }

  /** Bytes of the memory budget that held shards take. */
  public synchronized long footprint() {
    return footprint;
  }

  /** Bytes of the memory budget of dropped shards that are still viewed. */
  public synchronized long lingering() {
    return lingering;
  }

  /**
   * Calls the listener with the shard after each change of what is held or by whom, on the thread
   * that made the change and without a lock; what it throws reaches that thread, after the change.
   */
  public void onChange(Consumer<Digest> listener) {
    listeners.add(Objects.requireNonNull(listener, "listener"));
  }

  private void changed(Digest shard) {
    listeners.forEach(listener -> listener.accept(shard));
  }
}
