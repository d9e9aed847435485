package io.sluice.storage.s3;

import io.sluice.http.HttpAnswer;
import io.sluice.http.HttpCall;
import io.sluice.http.HttpFailure;
import io.sluice.http.HttpHeaders;
import io.sluice.http.HttpTransport;
import io.sluice.model.ByteRange;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.http.SdkHttpResponse;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.S3Exception;

/**
 * Reads with requests that the SDK signed once for each object. A signature covers the host, the
 * path, the date and the SDK's own headers, but neither the range nor the condition, so it is good
 * for all ranges of an object while its date is. What the SDK does for a request (endpoint,
 * credentials, signature) is then done once a minute and object, and not for every range.
 *
 * <p>Thread-safe.
 *
 * @see <a
 *     href="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html">
 *     Which headers must be signed</a>
 */
final class SignedReads {
  /** Servers take dates that are up to 15 minutes off. */
  private static final long GOOD_NANOS = TimeUnit.SECONDS.toNanos(60);

  private static final int MAX_KEPT = 4096;
  private static final int MAX_ERROR = 64 << 10;
  private static final Pattern CODE = Pattern.compile("<Code>([A-Za-z0-9_.]{1,100})</Code>");
  private static final Pattern MESSAGE = Pattern.compile("<Message>([^<]{0,1000})</Message>");

  /** A signed request without a range; empty if the client is not over our transport. */
  private record Signed(Optional<HttpCall> call, HttpTransport transport, long since) {}

  private final S3Client s3;
  private final String bucket;
  private final Map<String, Signed> kept = new ConcurrentHashMap<>();

  /** The client has another HTTP implementation, which sends what was to be signed only. */
  private volatile boolean foreign;

  SignedReads(S3Client s3, String bucket) {
    this.s3 = s3;
    this.bucket = bucket;
  }

  /**
   * Asks for a range of an object.
   *
   * @return the answer, to be closed; none if the client has another HTTP implementation
   * @throws software.amazon.awssdk.core.exception.SdkException if the SDK cannot sign
   */
  Optional<HttpAnswer> get(String name, ByteRange range, Optional<String> etag) throws HttpFailure {
    if (foreign) {
      return Optional.empty();
    }
    if (kept.size() >= MAX_KEPT) {
      kept.values().removeIf(old -> !isGood(old));
    }
    if (kept.size() >= MAX_KEPT) {
      kept.clear();
    }
    Signed signed = kept.compute(name, (n, old) -> old != null && isGood(old) ? old : sign(n));
    if (signed.call().isEmpty()) {
      return Optional.empty();
    }
    HttpCall bare = signed.call().get();
    HttpHeaders headers = new HttpHeaders();
    bare.headers().forEach(headers::add);
    headers.add("Range", "bytes=" + range.offset() + "-" + (range.end() - 1));
    etag.ifPresent(value -> headers.add("If-Match", value));
    return Optional.of(
        signed
            .transport()
            .send(new HttpCall(bare.origin(), bare.method(), bare.target(), headers)));
  }

  private static boolean isGood(Signed signed) {
    return System.nanoTime() - signed.since() < GOOD_NANOS;
  }

  private Signed sign(String name) {
    Transfer transfer = Transfer.signing();
    long now = System.nanoTime();
    S3Errors.call(
            () -> transfer.call(() -> s3.getObject(request -> request.bucket(bucket).key(name))))
        .abort();
    foreign = transfer.signed().isEmpty();
    return new Signed(transfer.signed(), transfer.transport(), now);
  }

  /** Signs anew the next time. */
  void forget(String name) {
    kept.remove(name);
  }

  /** An answer that is no success, as the SDK's error. */
  static S3Exception error(HttpAnswer answer) {
    String body = "";
    try {
      body = new String(answer.bytes(MAX_ERROR), StandardCharsets.UTF_8);
    } catch (HttpFailure e) {
      body = ""; // the status says enough
    }
    SdkHttpResponse.Builder head = SdkHttpResponse.builder().statusCode(answer.status());
    answer.headers().forEach(head::appendHeader);
    S3Exception.Builder error = S3Exception.builder();
    error.statusCode(answer.status());
    error.awsErrorDetails(
        AwsErrorDetails.builder()
            .errorCode(first(CODE, body))
            .errorMessage(first(MESSAGE, body))
            .serviceName("S3")
            .sdkHttpResponse(head.build())
            .build());
    error.message(first(MESSAGE, body));
    return (S3Exception) error.build();
  }

  private static String first(Pattern pattern, String text) {
    Matcher matcher = pattern.matcher(text);
    return matcher.find() ? matcher.group(1) : "";
  }

  /** Whether the SDK knows what to do about this refusal: a clock, a region, a redirect. */
  static boolean isForTheSdk(S3Exception refusal) {
    int status = refusal.statusCode();
    String code = refusal.awsErrorDetails().errorCode();
    return status == 301
        || status == 307
        || code.equals("RequestTimeTooSkewed")
        || code.equals("AuthorizationHeaderMalformed");
  }
}
