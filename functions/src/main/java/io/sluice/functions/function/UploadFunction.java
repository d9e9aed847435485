package io.sluice.functions.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.funqy.Funq;
import io.sluice.functions.audit.Caller;
import io.sluice.functions.engine.JobService;
import io.sluice.functions.web.CurrentCaller;
import io.sluice.json.JsonObject;
import io.sluice.upload.UploadKind;
import io.sluice.upload.UploadSpec;
import io.smallrye.mutiny.Uni;
import jakarta.inject.Inject;

/** Uploads a model from a source that the workers can read: {@code POST /upload}. */
public class UploadFunction {
  @Inject JobService jobs;
  @Inject CurrentCaller callers;

  /** Answers with the result, or with the job if the caller does not wait. */
  @Funq("upload")
  public Uni<JsonNode> upload(JsonNode request) {
    JsonObject json = new JsonObject("upload request", request);
    UploadSpec spec = UploadSpec.read(json);
    boolean wait = json.flag("wait", true);
    json.end();
    Caller caller = callers.get();
    return OnVirtualThread.call(() -> jobs.submit(UploadKind.UPLOAD, spec.toJson(), caller, wait));
  }
}
