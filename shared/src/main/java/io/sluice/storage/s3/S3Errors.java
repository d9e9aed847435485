package io.sluice.storage.s3;

import io.sluice.http.HttpFailure;
import io.sluice.model.ErrorKind;
import io.sluice.storage.StorageException;
import io.sluice.storage.TransientStorageException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLPeerUnverifiedException;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.ApiCallAttemptTimeoutException;
import software.amazon.awssdk.core.exception.ApiCallTimeoutException;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.S3Client;

/**
 * The one place where the SDK's errors become ours.
 *
 * @see <a
 *     href="https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList">S3
 *     error codes</a>
 */
final class S3Errors {
  private static final Set<String> DENIED =
      Set.of("AccessDenied", "ExpiredToken", "InvalidToken", "TokenRefreshRequired");
  private static final Set<String> FULL =
      Set.of("QuotaExceeded", "XMinioStorageFull", "InsufficientStorage");
  private static final Set<String> TRANSIENT =
      Set.of(
          "BadDigest",
          "RequestTimeout",
          "OperationAborted",
          "ConditionalRequestConflict",
          // A bucket that is new is not known everywhere yet.
          "TemporaryRedirect");

  private final S3Client s3;
  private final String bucket;

  private volatile boolean bucketSeen;

  S3Errors(S3Client s3, String bucket) {
    this.s3 = s3;
    this.bucket = bucket;
  }

  /**
   * Calls the SDK.
   *
   * @throws SdkException also for the errors of a broken connection that the URL-connection client
   *     lets pass as they are
   */
  static <T> T call(Supplier<T> request) {
    try {
      return request.get();
    } catch (UncheckedIOException e) {
      throw SdkClientException.create("the connection broke", e.getCause());
    }
  }

  /** The HTTP status, or 0 if there was no answer. */
  static int status(SdkException e) {
    return e instanceof AwsServiceException answer ? answer.statusCode() : 0;
  }

  /** The connection broke while the body was on its way. */
  TransientStorageException broken(String key, long transferred, Exception e) {
    return new TransientStorageException(
        key,
        transferred,
        "reading object '" + key + "' broke off after " + transferred + " bytes: " + reason(e),
        e);
  }

  StorageException translate(String key, SdkException e) {
    return e instanceof AwsServiceException answer
        ? refused(key, answer, code(answer))
        : unanswered(key, e);
  }

  /** A HEAD has no body that could say whether the key or the bucket is missing. */
  StorageException translateHead(String key, SdkException e) {
    return status(e) == 404 && !bucketExists() ? bucketMissing(key, e) : translate(key, e);
  }

  private StorageException bucketMissing(String key, SdkException e) {
    return new StorageException(
        ErrorKind.MISSING, "bucket-missing", key, "no bucket '" + bucket + "'", e);
  }

  private StorageException refused(String key, AwsServiceException e, String code) {
    int status = e.statusCode();
    String what = "the store answered " + status + " " + code + " for '" + key + "' in " + where();
    if (code.equals("NoSuchBucket")) {
      return bucketMissing(key, e);
    }
    if (FULL.contains(code) || status == 507) {
      return StorageException.full(key, what, e);
    }
    if (code.equals("RequestTimeTooSkewed")) { // a 403; the SDK has set its clock by the answer
      return new TransientStorageException(key, 0, what, e);
    }
    if (DENIED.contains(code) || status == 401 || status == 403) {
      return StorageException.forbidden(key, what, e);
    }
    if (code.equals("SlowDown") || status == 429 || status == 503 || e.isThrottlingException()) {
      return TransientStorageException.throttled(key, retryAfter(e), what, e);
    }
    if (TRANSIENT.contains(code)
        || status == 408
        || status == 409
        || (status >= 500 && status != 501)
        || status == 307) {
      return new TransientStorageException(key, 0, retryAfter(e), what, e);
    }
    return switch (status) {
      case 404 -> StorageException.missing(key, e);
      case 412 -> StorageException.changed(key, e);
      default -> new StorageException(ErrorKind.FATAL, "store-refused", key, what, e);
    };
  }

  private StorageException unanswered(String key, SdkException e) {
    String what = "no answer for '" + key + "' from " + where() + ": " + reason(e);
    if (e instanceof AbortedException || Thread.currentThread().isInterrupted()) {
      Thread.currentThread().interrupt();
      return new TransientStorageException(key, 0, what, e);
    }
    boolean untrusted = false;
    boolean malformed = false;
    boolean disconnected =
        e instanceof ApiCallTimeoutException || e instanceof ApiCallAttemptTimeoutException;
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      untrusted |=
          cause instanceof SSLHandshakeException || cause instanceof SSLPeerUnverifiedException;
      if (cause instanceof HttpFailure failure) {
        untrusted |= failure.reason() == HttpFailure.Reason.UNTRUSTED;
        malformed |= failure.reason() == HttpFailure.Reason.MALFORMED;
      }
      disconnected |= cause instanceof IOException;
    }
    if (untrusted) {
      return new StorageException(ErrorKind.FATAL, "store-untrusted", key, what, e);
    }
    if (malformed) {
      return new StorageException(ErrorKind.FATAL, "store-answer-invalid", key, what, e);
    }
    return disconnected || e.retryable()
        ? new TransientStorageException(key, 0, what, e)
        : new StorageException(ErrorKind.FATAL, "store-client-failed", key, what, e);
  }

  /** Asks once; after that the bucket is known to be there. */
  private boolean bucketExists() {
    if (!bucketSeen) {
      try {
        call(() -> s3.headBucket(request -> request.bucket(bucket)));
        bucketSeen = true;
      } catch (AwsServiceException e) {
        // Whoever may not look at the bucket learns at least that the key is missing.
        return e.statusCode() != 404;
      } catch (SdkException e) {
        throw unanswered(bucket, e);
      }
    }
    return true;
  }

  /** How long the store asks to be left alone, in seconds; dates are not used by S3. */
  private static Duration retryAfter(AwsServiceException e) {
    return Optional.ofNullable(e.awsErrorDetails())
        .map(AwsErrorDetails::sdkHttpResponse)
        .flatMap(answer -> answer.firstMatchingHeader("Retry-After"))
        .filter(text -> text.matches("\\d{1,5}"))
        .map(text -> Duration.ofSeconds(Long.parseLong(text)))
        .orElse(Duration.ZERO);
  }

  private String where() {
    return "bucket '" + bucket + "'";
  }

  private static String code(AwsServiceException e) {
    return e.awsErrorDetails() == null || e.awsErrorDetails().errorCode() == null
        ? ""
        : e.awsErrorDetails().errorCode();
  }

  private static String reason(Throwable e) {
    Throwable root = e;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root.getMessage() == null ? root.getClass().getSimpleName() : root.getMessage();
  }
}
