package io.sluice.functions.engine.http;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.net.URI;

/** The problem document of another process as the exception that it was there. */
public final class RemoteProblem {
  private RemoteProblem() {}

  /** The exception that stands for an answer that is no success. */
  public static SluiceException of(URI endpoint, String function, int status, JsonNode body) {
    String code = body.path("code").asText("");
    if (code.isEmpty()) {
      return new SluiceException(
          status >= 500 ? ErrorKind.TRANSIENT : ErrorKind.FATAL,
          "endpoint-unexpected",
          function + " at " + endpoint + " answered with HTTP status " + status);
    }
    return new SluiceException(kind(body), code, body.path("detail").asText());
  }

  private static ErrorKind kind(JsonNode body) {
    String name = body.path("kind").asText();
    for (ErrorKind kind : ErrorKind.values()) {
      if (kind.name().equals(name)) {
        return kind;
      }
    }
    return ErrorKind.FATAL;
  }
}
