package io.sluice.compute.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.compute.ComputeException;
import io.sluice.compute.kernel.LinearKernel;
import io.sluice.model.Digest;
import java.util.OptionalInt;

/**
 * A dataset and how its rows are dealt out: partition i of N has the rows from {@code i · n / N} to
 * {@code (i + 1) · n / N}, wherever their shards are cut. The number of partitions is part of what
 * is computed, so it never depends on the workers.
 *
 * @param model name of the dataset
 * @param version of it
 * @param spec which tensors
 * @param rows n
 * @param features elements of a row of x
 * @param targets elements of a row of y
 * @param partitions N
 * @param batch rows of a step
 */
record DataPlan(
    String model,
    Digest version,
    DataSpec spec,
    long rows,
    int features,
    int targets,
    int partitions,
    int batch) {
  /** Most floats of a partition in memory. */
  static final long MAX_FLOATS = 1L << 27;

  /** Bytes of x that make another partition, if nobody says how many there are to be. */
  static final long PARTITION_BYTES = 32L << 20;

  static final int LEAST_PARTITIONS = 4;
  static final int MOST_PARTITIONS = 1024;

  DataPlan {
    long largest = Math.ceilDiv(rows, partitions) * LinearKernel.stride(features);
    if (largest > MAX_FLOATS) {
      throw ComputeException.invalidArguments(
          "a partition of "
              + Math.ceilDiv(rows, partitions)
              + " rows takes "
              + largest
              + " floats, at most "
              + MAX_FLOATS
              + " may; ask for more than "
              + partitions
              + " partitions");
    }
  }

  /**
   * How many partitions there are.
   *
   * @param asked how many are asked for, if somebody says so
   * @throws ComputeException if there are more than rows
   */
  static int partitions(OptionalInt asked, Dataset dataset) {
    long rows = dataset.rows();
    int partitions = asked.orElse(partitions(rows, dataset.bytes(rows)));
    if (partitions > rows) {
      throw ComputeException.invalidArguments(
          "'partitions' is at most the number of rows, " + rows + ", got " + partitions);
    }
    return partitions;
  }

  /** How many partitions there are if nobody says so. */
  static int partitions(long rows, long bytes) {
    long wanted =
        Math.clamp(Math.ceilDiv(bytes, PARTITION_BYTES), LEAST_PARTITIONS, MOST_PARTITIONS);
    return (int) Math.clamp(rows, 1, wanted);
  }

  long first(int partition) {
    return partition * rows / partitions;
  }

  int count(int partition) {
    return Math.toIntExact(first(partition + 1) - first(partition));
  }

  void write(ObjectNode json) {
    json.put("dataset", model)
        .put("version", version.toString())
        .put("x", spec.x())
        .put("y", spec.y())
        .put("xScale", (double) spec.xScale())
        .put("rows", rows)
        .put("features", features)
        .put("targets", targets)
        .put("partitions", partitions)
        .put("batch", batch);
  }

  static DataPlan read(JsonNode json) {
    return new DataPlan(
        json.get("dataset").textValue(),
        Digest.parse(json.get("version").textValue()),
        new DataSpec(
            json.get("x").textValue(),
            json.get("y").textValue(),
            (float) json.get("xScale").doubleValue()),
        json.get("rows").longValue(),
        json.get("features").intValue(),
        json.get("targets").intValue(),
        json.get("partitions").intValue(),
        json.get("batch").intValue());
  }
}
