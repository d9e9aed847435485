package io.sluice.functions.function.dto;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.job.Job;

/** A job as it travels to clients. */
public final class JobDocument {
  private JobDocument() {}

  /** The job with its request and result. */
  public static ObjectNode write(Job job) {
    ObjectNode json = write(job.summary());
    json.set("request", job.request());
    job.result().ifPresent(result -> json.set("result", result));
    return json;
  }

  /** The job without its documents. */
  public static ObjectNode write(Job.Summary job) {
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("id", job.id())
            .put("kind", job.kind())
            .put("state", job.state().text())
            .put("createdAt", job.createdAt().toString())
            .put("updatedAt", job.updatedAt().toString());
    json.putObject("tasks")
        .put("total", job.progress().tasksTotal())
        .put("done", job.progress().tasksDone());
    json.putObject("bytes")
        .put("total", job.progress().bytesTotal())
        .put("done", job.progress().bytesDone());
    job.error()
        .ifPresent(
            error ->
                json.putObject("error")
                    .put("kind", error.kind().name())
                    .put("code", error.code())
                    .put("detail", error.message()));
    return json;
  }
}
