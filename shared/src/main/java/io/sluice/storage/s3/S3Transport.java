package io.sluice.storage.s3;

import io.sluice.http.HttpAnswer;
import io.sluice.http.HttpCall;
import io.sluice.http.HttpHeaders;
import io.sluice.http.HttpTransport;
import io.sluice.http.Origin;
import io.sluice.http.RequestBody;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import software.amazon.awssdk.core.client.config.ClientOverrideConfiguration;
import software.amazon.awssdk.http.AbortableInputStream;
import software.amazon.awssdk.http.ContentStreamProvider;
import software.amazon.awssdk.http.ExecutableHttpRequest;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.HttpExecuteResponse;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.SdkHttpFullResponse;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.SdkHttpRequest;
import software.amazon.awssdk.retries.DefaultRetryStrategy;
import software.amazon.awssdk.services.s3.S3ClientBuilder;

/**
 * Our transport as the HTTP client of the SDK, which so keeps credentials, regions, endpoints,
 * signatures and the reading of errors, while bodies pass by it: see {@link Transfer}.
 */
public final class S3Transport implements SdkHttpClient {
  private final HttpTransport transport;

  S3Transport(HttpTransport transport) {
    this.transport = Objects.requireNonNull(transport, "transport");
  }

  /**
   * Makes a client of this builder send over the transport. The SDK then repeats nothing: {@link
   * io.sluice.storage.RetryingShardStore} does, where it is counted and where reads go on instead
   * of beginning anew.
   *
   * <p>Let the client compute and check checksums {@code WHEN_REQUIRED}: if it adds one of its own
   * to a body, the body passes through the SDK as a stream.
   *
   * @param transport stays open when the client is closed
   * @param signBodies whether the SHA-256 of a body is signed over plain HTTP; over TLS it never
   *     is. Few servers need it, and it takes another pass over the bytes
   */
  public static S3ClientBuilder install(
      S3ClientBuilder builder, HttpTransport transport, boolean signBodies) {
    ClientOverrideConfiguration settings =
        builder.overrideConfiguration().toBuilder()
            .retryStrategy(DefaultRetryStrategy.doNotRetry())
            .build();
    return builder
        .httpClientBuilder(defaults -> new S3Transport(transport))
        .putAuthScheme(new BodySigning(signBodies))
        .overrideConfiguration(settings);
  }

  @Override
  public ExecutableHttpRequest prepareRequest(HttpExecuteRequest request) {
    return new Execution(request, Transfer.current());
  }

  @Override
  public String clientName() {
    return "Sluice";
  }

  /** Does nothing: the transport belongs to who made it. */
  @Override
  public void close() {}

  private final class Execution implements ExecutableHttpRequest {
    private final HttpExecuteRequest request;
    private final Optional<Transfer> transfer;
    private volatile HttpAnswer answer;

    Execution(HttpExecuteRequest request, Optional<Transfer> transfer) {
      this.request = request;
      this.transfer = transfer;
    }

    @Override
    public HttpExecuteResponse call() throws IOException {
      if (transfer.isPresent() && transfer.get().isOnlySigned()) {
        transfer.get().signed(translate(), transport);
        return HttpExecuteResponse.builder()
            .response(SdkHttpFullResponse.builder().statusCode(200).build())
            .responseBody(AbortableInputStream.create(InputStream.nullInputStream()))
            .build();
      }
      HttpAnswer came = transport.send(translate());
      answer = came;
      SdkHttpFullResponse.Builder response =
          SdkHttpFullResponse.builder().statusCode(came.status());
      came.headers().forEach(response::appendHeader);
      HttpExecuteResponse.Builder result = HttpExecuteResponse.builder().response(response.build());
      if (!came.ended()) {
        result.responseBody(AbortableInputStream.create(came.stream(), came::abort));
      }
      if (request.httpRequest().method() == SdkHttpMethod.GET && came.status() / 100 == 2) {
        transfer.ifPresent(moving -> moving.answered(came));
      }
      return result.build();
    }

    private HttpCall translate() {
      SdkHttpRequest from = request.httpRequest();
      HttpHeaders headers = new HttpHeaders();
      from.forEachHeader((name, values) -> values.forEach(value -> headers.add(name, value)));
      String path = from.encodedPath().isEmpty() ? "/" : from.encodedPath();
      return new HttpCall(
          new Origin(from.protocol().equals("https"), from.host(), from.port()),
          from.method().name(),
          from.encodedQueryParameters().map(query -> path + "?" + query).orElse(path),
          headers,
          body(from),
          Duration.ZERO);
    }

    private RequestBody body(SdkHttpRequest from) {
      Optional<ContentStreamProvider> stream = request.contentStreamProvider();
      if (stream.isEmpty()) {
        return RequestBody.none();
      }
      long length = from.firstMatchingHeader("Content-Length").map(Long::parseLong).orElse(0L);
      boolean plain =
          transfer.isPresent()
              && !transfer.get().body().isEmpty()
              && transfer.get().length() == length
              && from.firstMatchingHeader("x-amz-decoded-content-length").isEmpty();
      return plain
          ? RequestBody.of(transfer.get().body().toArray(MemorySegment[]::new))
          : new RequestBody.Stream(() -> stream.get().newStream(), length);
    }

    @Override
    public void abort() {
      HttpAnswer came = answer;
      if (came != null) {
        came.abort();
      }
    }
  }
}
