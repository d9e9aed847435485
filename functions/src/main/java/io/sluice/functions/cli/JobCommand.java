package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintWriter;
import picocli.CommandLine.Option;

/** A command that starts a job on a server and waits for it. */
abstract class JobCommand extends SluiceCommand {
  @Option(names = "--no-wait", description = "Start the job and print it, without waiting for it.")
  boolean noWait;

  @Override
  Needs needs() {
    return Needs.ENDPOINT;
  }

  /** Starts a job, waits for it unless told not to, and prints its result. */
  final int submit(String function, ObjectNode request) throws InterruptedException {
    Endpoint endpoint = endpoint();
    JsonNode started = endpoint.post(function, request.put("wait", false));
    if (noWait) {
      print(started, out -> JobText.line(started, out));
      return 0;
    }
    JsonNode result;
    try (ProgressView progress = progress(function)) {
      String id = started.get("id").asText();
      result = JobFollower.result(new JobFollower(endpoint, progress).follow(id));
    }
    print(result, out -> text(result, out));
    return exitCode(result);
  }

  /** The exit code of a job that succeeded. */
  int exitCode(JsonNode result) {
    return 0;
  }

  /** The result in words. */
  abstract void text(JsonNode result, PrintWriter out);
}
