package io.sluice.measure;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * One repetition of a transfer as a process saw it.
 *
 * @param bytes that were transferred
 * @param seconds it took
 * @param cpuSeconds of all threads of the process, user and system
 * @param peakBytes largest resident memory of the process meanwhile; -1 if the system does not tell
 * @param heldBytes resident memory of the process before; -1 if the system does not tell
 * @param requests that were sent
 * @param retries requests that were sent again
 * @param storeBytes bytes that came from or went to the store
 */
public record Round(
    long bytes,
    double seconds,
    double cpuSeconds,
    long peakBytes,
    long heldBytes,
    long requests,
    long retries,
    long storeBytes) {

  /** {@code GB/s}, decimal. */
  public double gigabytesPerSecond() {
    return bytes / seconds / 1e9;
  }

  /** CPU seconds for each GiB. */
  public double cpuPerGib() {
    return cpuSeconds / (bytes / (double) (1 << 30));
  }

  /** Reads what {@link #toJson} wrote. */
  public static Round read(JsonNode json) {
    return new Round(
        json.get("bytes").longValue(),
        json.get("seconds").doubleValue(),
        json.get("cpuSeconds").doubleValue(),
        json.get("peakBytes").longValue(),
        json.get("heldBytes").longValue(),
        json.get("requests").longValue(),
        json.get("retries").longValue(),
        json.get("storeBytes").longValue());
  }

  public ObjectNode toJson() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("bytes", bytes)
        .put("seconds", seconds)
        .put("cpuSeconds", cpuSeconds)
        .put("peakBytes", peakBytes)
        .put("heldBytes", heldBytes)
        .put("requests", requests)
        .put("retries", retries)
        .put("storeBytes", storeBytes);
  }
}
