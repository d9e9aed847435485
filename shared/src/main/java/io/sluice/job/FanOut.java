package io.sluice.job;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.OptionalInt;

/**
 * The fan-out of a job in the terms of the article: P = N/T nodes for N tasks at T tasks a node.
 */
public final class FanOut {
  private FanOut() {}

  /** T: what was asked for, or the tasks spread evenly over the nodes. */
  public static int tasksPerNode(int tasks, int nodes, OptionalInt asked) {
    return asked.orElse(nodes == 0 ? 0 : Math.ceilDiv(tasks, nodes));
  }

  /** Writes N, P and T into an answer. */
  public static void write(ObjectNode answer, int tasks, int nodes, OptionalInt asked) {
    answer.put("N", tasks).put("P", nodes).put("T", tasksPerNode(tasks, nodes, asked));
  }
}
