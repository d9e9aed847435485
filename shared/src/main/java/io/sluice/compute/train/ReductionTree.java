package io.sluice.compute.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * How the partial results of a round become one without a place where all of them meet: each task
 * puts its own under a key of its own; whoever finds that the up to {@value #FAN_IN} children of a
 * node are all there combines them, in order, and puts the result one level up.
 *
 * <p>Nothing is counted, so nothing can be counted twice: a task that runs again puts the same
 * bytes under the same key, and two workers that combine the same node put the same bytes. A task
 * looks only after it has put, so the last one of a node sees all of them: when every task is done
 * the root is there.
 */
final class ReductionTree {
  static final int FAN_IN = 8;

  /** Joins partial results in the order in which they are given. */
  @FunctionalInterface
  interface Combine {
    byte[] of(List<byte[]> parts);
  }

  private final Exchange exchange;
  private final String prefix;
  private final List<Integer> widths = new ArrayList<>();
  private final Combine combine;

  /**
   * @param prefix of the keys, different for every round
   * @param leaves number of tasks
   */
  ReductionTree(Exchange exchange, String prefix, int leaves, Combine combine) {
    this.exchange = exchange;
    this.prefix = prefix;
    this.combine = combine;
    widths.add(leaves);
    while (widths.getLast() > 1) {
      widths.add(Math.ceilDiv(widths.getLast(), FAN_IN));
    }
  }

  /** Puts what a task gave, and combines what it completes. */
  void put(int leaf, byte[] value) {
    int index = leaf;
    byte[] bytes = value;
    for (int level = 0; ; level++) {
      exchange.put(key(level, index), bytes);
      if (level == widths.size() - 1) {
        return;
      }
      int parent = index / FAN_IN;
      List<String> children = children(level, parent);
      if (!exchange.hasAll(children)) {
        return;
      }
      List<byte[]> parts = new ArrayList<>();
      for (int i = 0; i < children.size(); i++) {
        boolean own = parent * FAN_IN + i == index;
        Optional<byte[]> part = own ? Optional.of(bytes) : exchange.get(children.get(i));
        if (part.isEmpty()) {
          // forgotten: the commit finds no root and asks for it again
          return;
        }
        parts.add(part.get());
      }
      bytes = combine.of(parts);
      index = parent;
    }
  }

  /** What all of them give together, if it is there. */
  Optional<byte[]> root() {
    return exchange.get(key(widths.size() - 1, 0));
  }

  /** Forgets everything. */
  void clear() {
    List<String> keys = new ArrayList<>();
    for (int level = 0; level < widths.size(); level++) {
      for (int i = 0; i < widths.get(level); i++) {
        keys.add(key(level, i));
      }
    }
    exchange.remove(keys);
  }

  private List<String> children(int level, int parent) {
    List<String> children = new ArrayList<>();
    int end = Math.min(widths.get(level), (parent + 1) * FAN_IN);
    for (int i = parent * FAN_IN; i < end; i++) {
      children.add(key(level, i));
    }
    return children;
  }

  private String key(int level, int index) {
    return prefix + "/" + level + "-" + index;
  }
}
