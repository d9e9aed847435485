package io.sluice.functions.engine.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.sluice.compute.embed.EmbedException;
import io.sluice.compute.embed.StageLink;
import io.sluice.http.RequestSigner;
import io.sluice.job.Worker;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** Sends activations to other workers over HTTP: {@code POST /activations}. */
public final class HttpStageLink implements StageLink {
  /** Header of an error that names the worker that failed: not always the one that answers. */
  public static final String FAILED_WORKER = "Sluice-Failed-Worker";

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration ANSWER = Duration.ofSeconds(60);

  private final HttpClient client;
  private final RequestSigner signer;

  /**
   * @param signer proves to other workers that this is one of them
   */
  public HttpStageLink(RequestSigner signer) {
    this.signer = signer;
    client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(2))
            .build();
  }

  @Override
  public byte[] send(Worker worker, byte[] request) throws InterruptedException {
    URI address = URI.create(worker.address());
    HttpRequest.Builder post =
        HttpRequest.newBuilder(address.resolve("/activations"))
            .timeout(ANSWER)
            .header("Content-Type", "application/octet-stream")
            .POST(HttpRequest.BodyPublishers.ofByteArray(request));
    signer
        .authorization("POST", "/activations")
        .ifPresent(value -> post.header("Authorization", value));
    try {
      HttpResponse<byte[]> response =
          client.send(post.build(), HttpResponse.BodyHandlers.ofByteArray());
      if (response.statusCode() == 200) {
        return response.body();
      }
      JsonNode problem = problem(response.body());
      String failed = response.headers().firstValue(FAILED_WORKER).orElse("");
      if (!failed.isEmpty()) {
        throw EmbedException.worker(failed, problem.path("detail").asText(), null);
      }
      throw RemoteProblem.of(address, "activations", response.statusCode(), problem);
    } catch (IOException e) {
      throw EmbedException.worker(
          worker.id(), "worker '" + worker.id() + "' did not take activations: " + e, e);
    }
  }

  private static JsonNode problem(byte[] body) throws IOException {
    try {
      return JSON.readTree(body);
    } catch (JsonProcessingException e) {
      // Whatever answers there is no Sluice; its status says enough.
      return JsonNodeFactory.instance.objectNode();
    }
  }
}
