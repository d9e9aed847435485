package io.sluice.compute;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.job.TaskResult;
import java.util.Map;
import java.util.TreeMap;

/** Who has done how much of a computation whose tasks are shards. Not thread-safe. */
public final class WorkerShares {
  private final Map<String, long[]> done = new TreeMap<>();

  /** Adds a task, whose result says its {@code bytes}. */
  public void add(TaskResult task) {
    long[] share = done.computeIfAbsent(task.workerId(), w -> new long[2]);
    share[0]++;
    share[1] += task.result().get("bytes").longValue();
  }

  /** Number of workers. */
  public int workers() {
    return done.size();
  }

  /** Writes the workers in order of their ids, each with its shards and their bytes. */
  public void write(ObjectNode answer) {
    ArrayNode list = answer.putArray("workers");
    done.forEach(
        (id, share) ->
            list.addObject().put("id", id).put("shards", share[0]).put("bytes", share[1]));
  }
}
