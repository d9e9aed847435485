package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code jobs}: what is going on and has been. */
@Command(name = "jobs", description = "Lists jobs, shows one, follows it to its end or stops it.")
final class JobsCommand extends SluiceCommand {
  private static final Pattern ID = Pattern.compile("[A-Za-z0-9-]{1,64}");

  @Parameters(arity = "0..1", paramLabel = "ID", description = "The job.")
  String id;

  @Option(names = "--follow", description = "Follow the job to its end.")
  boolean follow;

  @Option(names = "--cancel", description = "Stop the job.")
  boolean cancel;

  @Option(
      names = "--limit",
      paramLabel = "N",
      defaultValue = "50",
      description = "Most jobs that are listed (default: ${DEFAULT-VALUE}).")
  int limit;

  @Override
  Needs needs() {
    return Needs.ENDPOINT;
  }

  @Override
  public Integer call() throws InterruptedException {
    Endpoint endpoint = endpoint();
    if (id == null) {
      if (follow || cancel) {
        throw usage("--follow and --cancel need the ID of a job");
      }
      JsonNode jobs = endpoint.get("jobs?limit=" + limit);
      print(jobs, out -> JobText.table(jobs.path("jobs"), out));
      return 0;
    }
    if (!ID.matcher(id).matches()) {
      throw usage("'" + id + "' is no ID of a job");
    }
    JsonNode job =
        cancel
            ? endpoint.post("jobs/" + id + "/cancel", JsonNodeFactory.instance.objectNode())
            : endpoint.get("jobs/" + id);
    if (follow && !JobFollower.over(job)) {
      try (ProgressView progress = progress(job.path("kind").asText())) {
        job = new JobFollower(endpoint, progress).follow(id);
      }
    }
    JsonNode last = job;
    print(last, out -> JobText.details(last, out));
    if (follow) {
      JobFollower.result(last); // which throws the error of a job that failed
    }
    return 0;
  }
}
