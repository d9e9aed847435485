package io.sluice.functions.engine.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.functions.engine.WorkerInvoker;
import io.sluice.http.RequestSigner;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** Invokes functions of other workers over HTTP. */
public final class HttpWorkerInvoker implements WorkerInvoker {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpClient client;
  private final RequestSigner signer;

  /**
   * @param signer proves to other workers that this is one of them
   */
  public HttpWorkerInvoker(RequestSigner signer) {
    this.signer = signer;
    client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(5))
            .build();
  }

  @Override
  public JsonNode invoke(URI worker, String function, JsonNode input, Duration timeout) {
    String path = "/" + function;
    HttpRequest.Builder request =
        HttpRequest.newBuilder(worker.resolve(path))
            .timeout(timeout)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(input.toString()));
    signer.authorization("POST", path).ifPresent(value -> request.header("Authorization", value));
    try {
      HttpResponse<String> response =
          client.send(request.build(), HttpResponse.BodyHandlers.ofString());
      JsonNode body = response.body().isEmpty() ? JSON.nullNode() : JSON.readTree(response.body());
      if (response.statusCode() / 100 != 2) {
        throw RemoteProblem.of(worker, function, response.statusCode(), body);
      }
      return body;
    } catch (JsonProcessingException e) {
      throw unreachable(worker, function, "answered something that is no JSON", e);
    } catch (IOException e) {
      throw unreachable(worker, function, String.valueOf(e), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw unreachable(worker, function, "interrupted", e);
    }
  }

  private static SluiceException unreachable(
      URI worker, String function, String why, Exception cause) {
    return new SluiceException(
        ErrorKind.TRANSIENT,
        "endpoint-unreachable",
        "cannot call " + function + " at " + worker + ": " + why,
        cause);
  }
}
