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
}
