package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;

/** Jobs in words. */
final class JobText {
  private JobText() {}

  /** A job in a line. */
  static void line(JsonNode job, PrintWriter out) {
    out.printf(
        "job %s  %s  %s%n",
        job.path("id").asText(), job.path("kind").asText(), job.path("state").asText());
  }

  /** A job with what was asked and what came out. */
  static void details(JsonNode job, PrintWriter out) {
    line(job, out);
    out.printf(
        "created %s, changed %s%n", job.path("createdAt").asText(), job.path("updatedAt").asText());
    out.printf("tasks   %s, bytes %s%n", tasks(job), bytes(job));
    out.printf("request %s%n", job.path("request"));
    if (job.hasNonNull("error")) {
      out.printf(
          "error   %s (%s)%n", job.at("/error/detail").asText(), job.at("/error/code").asText());
    }
    if (job.hasNonNull("result")) {
      switch (job.path("kind").asText()) {
        case "upload", "upload-local" -> ResultText.upload(JobFollower.result(job), out);
        case "copy" -> ResultText.copy(JobFollower.result(job), out);
        case "load" -> ResultText.load(JobFollower.result(job), out);
        default -> ResultText.compute(JobFollower.result(job), out, Integer.MAX_VALUE);
      }
    }
  }

  /** Jobs under each other. */
  static void table(JsonNode jobs, PrintWriter out) {
    Table table = new Table("JOB", "KIND", "STATE", "TASKS", "BYTES", "CREATED", "ERROR");
    for (JsonNode job : jobs) {
      table.row(
          job.path("id").asText(),
          job.path("kind").asText(),
          job.path("state").asText(),
          tasks(job),
          bytes(job),
          job.path("createdAt").asText(),
          job.at("/error/code").asText());
    }
    table.print(out);
  }

  private static String tasks(JsonNode job) {
    return job.at("/tasks/done").asLong() + " of " + job.at("/tasks/total").asLong();
  }

  private static String bytes(JsonNode job) {
    return ByteSize.format(job.at("/bytes/done").asLong())
        + " of "
        + ByteSize.format(job.at("/bytes/total").asLong());
  }
}
