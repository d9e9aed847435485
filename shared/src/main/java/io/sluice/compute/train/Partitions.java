package io.sluice.compute.train;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.compute.ComputeException;
import io.sluice.compute.ComputeSpec;
import io.sluice.job.Lease;
import io.sluice.job.TaskSpec;
import io.sluice.model.Digest;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What computations have in common that have a task for each partition of a dataset. */
final class Partitions {
  private static final String PARTITION = "partition";

  private Partitions() {}

  /**
   * @throws ComputeException if the request names tensors by globs
   */
  static void requireNoTensors(ComputeSpec spec) {
    if (!spec.tensors().all()) {
      throw ComputeException.invalidArguments(
          "'"
              + spec.operation()
              + "' takes its tensors by the arguments 'x' and 'y', not by 'tensors'");
    }
  }

  /**
   * A task for each partition.
   *
   * @param places ids of the workers that are to do them
   */
  static List<TaskSpec> tasks(DataPlan data, Dataset dataset, List<String> places) {
    List<TaskSpec> tasks = new ArrayList<>();
    for (int p = 0; p < data.partitions(); p++) {
      tasks.add(
          new TaskSpec(
              "partition-" + p,
              JsonNodeFactory.instance.objectNode().put(PARTITION, p),
              dataset.bytes(data.count(p)),
              Optional.of(places.get(p))));
    }
    return tasks;
  }

  /** The partition of a task. */
  static int partition(Lease.TaskLease lease) {
    return lease.task().payload().get(PARTITION).intValue();
  }

  /**
   * The answer but for the result.
   *
   * @param workers ids of those that took part
   */
  static ObjectNode answer(ComputeSpec spec, Digest version, int tasks, Set<String> workers) {
    ObjectNode answer = spec.answer(version, tasks, workers.size());
    ArrayNode ids = answer.putArray("workers");
    workers.forEach(id -> ids.addObject().put("id", id));
    return answer;
  }
}
