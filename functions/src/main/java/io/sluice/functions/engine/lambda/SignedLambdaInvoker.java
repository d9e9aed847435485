package io.sluice.functions.engine.lambda;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.http.ContentStreamProvider;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.SdkHttpRequest;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4HttpSigner;
import software.amazon.awssdk.http.auth.spi.signer.SignedRequest;

/**
 * Starts functions over the API of the Lambda service: one signed request, for which the service's
 * own client would be a large guest in a small binary.
 *
 * @see <a href="https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html">Invoke</a>
 */
public final class SignedLambdaInvoker implements LambdaInvoker {
  /** Most bytes of the input of an asynchronous invocation. */
  static final int MAX_EVENT = 256 * 1024;

  private static final int ATTEMPTS = 4;

  /** What the HTTP client sets itself. */
  private static final Set<String> OF_THE_CLIENT = Set.of("host", "content-length");

  private final URI endpoint;
  private final String region;
  private final AwsCredentialsProvider credentials;
  private final AwsV4HttpSigner signer = AwsV4HttpSigner.create();
  private final HttpClient client;

  /**
   * @param endpoint of the Lambda service
   * @param region that requests are signed for
   */
  public SignedLambdaInvoker(URI endpoint, String region, AwsCredentialsProvider credentials) {
    this.endpoint = endpoint;
    this.region = region;
    this.credentials = credentials;
    this.client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(5))
            .build();
  }

  @Override
  public void start(String function, JsonNode payload) {
    byte[] body = LambdaEvent.bytes(payload);
    if (body.length > MAX_EVENT) {
      throw new SluiceException(
          ErrorKind.INVALID,
          "lambda-event-too-large",
          "an asynchronous invocation of "
              + function
              + " takes at most "
              + MAX_EVENT
              + " bytes, got "
              + body.length);
    }
    URI uri =
        endpoint.resolve(
            "/2015-03-31/functions/"
                + URLEncoder.encode(function, StandardCharsets.UTF_8)
                + "/invocations");
    for (int attempt = 1; ; attempt++) {
      try {
        HttpResponse<String> response =
            client.send(signed(uri, body), HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() == 202) {
          return;
        }
        SluiceException refused = refused(function, response);
        if (!refused.retryable() || attempt == ATTEMPTS) {
          throw refused;
        }
      } catch (IOException e) {
        if (attempt == ATTEMPTS) {
          throw new SluiceException(
              ErrorKind.TRANSIENT,
              "lambda-unreachable",
              "function " + function + " cannot be invoked at " + endpoint + ": " + e,
              e);
        }
      } catch (SdkClientException e) {
        throw new SluiceException(
            ErrorKind.FORBIDDEN,
            "lambda-credentials",
            "there are no credentials to invoke " + function + " with: " + e.getMessage(),
            e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw interrupted(function, e);
      }
      pause(function, attempt);
    }
  }

  private HttpRequest signed(URI uri, byte[] body) {
    SdkHttpRequest unsigned =
        SdkHttpRequest.builder()
            .method(SdkHttpMethod.POST)
            .uri(uri)
            .putHeader("Content-Type", "application/json")
            .putHeader("X-Amz-Invocation-Type", "Event")
            .build();
    SignedRequest signed =
        signer.sign(
            request ->
                request
                    .identity(credentials.resolveCredentials())
                    .request(unsigned)
                    .payload(ContentStreamProvider.fromByteArray(body))
                    .putProperty(AwsV4HttpSigner.SERVICE_SIGNING_NAME, "lambda")
                    .putProperty(AwsV4HttpSigner.REGION_NAME, region));
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri)
            .timeout(Duration.ofSeconds(10))
            .POST(HttpRequest.BodyPublishers.ofByteArray(body));
    signed
        .request()
        .headers()
        .forEach(
            (name, values) -> {
              if (!OF_THE_CLIENT.contains(name.toLowerCase(Locale.ROOT))) {
                values.forEach(value -> request.header(name, value));
              }
            });
    return request.build();
  }

  private static SluiceException refused(String function, HttpResponse<String> response) {
    int status = response.statusCode();
    ErrorKind kind =
        switch (status) {
          case 403 -> ErrorKind.FORBIDDEN;
          case 404 -> ErrorKind.MISSING;
          default -> status == 429 || status >= 500 ? ErrorKind.TRANSIENT : ErrorKind.INVALID;
        };
    return new SluiceException(
        kind,
        "lambda-refused",
        "function " + function + " was not started: " + status + " " + response.body());
  }

  private static void pause(String function, int attempt) {
    try {
      Thread.sleep(Duration.ofMillis(100L << attempt));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw interrupted(function, e);
    }
  }

  private static SluiceException interrupted(String function, InterruptedException e) {
    return new SluiceException(
        ErrorKind.TRANSIENT, "lambda-unreachable", "starting " + function + " was interrupted", e);
  }
}
