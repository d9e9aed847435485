package io.sluice.storage.s3;

import io.sluice.http.HttpAnswer;
import io.sluice.http.HttpFailure;
import io.sluice.model.ByteRange;
import io.sluice.model.Crc32c;
import io.sluice.model.ErrorKind;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ObjectKeys;
import io.sluice.storage.ReadObserver;
import io.sluice.storage.RetryPolicy;
import io.sluice.storage.SegmentFiller;
import io.sluice.storage.SegmentInputStream;
import io.sluice.storage.ShardStore;
import io.sluice.storage.StorageException;
import io.sluice.storage.StoredBytes;
import io.sluice.storage.TransientStorageException;
import io.sluice.storage.UnfinishedWrite;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import software.amazon.awssdk.awscore.AwsRequestOverrideConfiguration;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.ListMultipartUploadsRequest;
import software.amazon.awssdk.services.s3.model.ListMultipartUploadsResponse;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Response;
import software.amazon.awssdk.services.s3.model.MultipartUpload;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.model.S3Object;

/**
 * A bucket of an S3-compatible store, or the part of it below a prefix.
 *
 * <p>It needs conditional writes ({@code If-None-Match: *} on PutObject, which S3 has had since
 * August 2024) and strong consistency of reads after writes. The client should ask for checksums
 * and check them only {@code WHEN_REQUIRED}: not every compatible store knows them, and the chunks
 * of a shard have checksums of their own. With a client that {@link S3Transport} was installed in,
 * bodies go between sockets and memory without a copy; with any other one they are streams.
 *
 * @see <a href="https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html">S3 API</a>
 */
public final class S3ShardStore implements ShardStore {
  /** Largest object of a single PutObject. */
  public static final long MAX_PUT = 5L << 30;

  /** Largest object. */
  public static final long MAX_OBJECT = 5L << 40;

  private static final OptionalInt NO_CHECKSUM = OptionalInt.empty();
  private static final String CONTENT_TYPE = "application/octet-stream";
  private static final Pattern CONTENT_RANGE =
      Pattern.compile("bytes (\\d{1,18})-(\\d{1,18})/(\\d{1,18}|\\*)");

  private final S3Client s3;
  private final String bucket;
  private final String prefix;
  private final S3Errors errors;
  private final SignedReads signed;
  private final MultipartSettings multipart;
  private final RetryPolicy retry;
  private final boolean checksums;

  /** With {@link MultipartSettings#DEFAULT} and {@link RetryPolicy#DEFAULT}. */
  public S3ShardStore(S3Client s3, String bucket, String prefix) {
    this(s3, bucket, prefix, MultipartSettings.DEFAULT, RetryPolicy.DEFAULT, false);
  }

  /**
   * @param s3 stays open when this store is closed
   * @param bucket must exist
   * @param prefix put before every key, with a slash between them; empty for the whole bucket
   * @param retry for the requests of an object that is sent in parts; all others are not repeated
   * @param checksums whether to send the CRC32C of what is written, so that the store checks what
   *     it got; not every compatible store knows it
   */
  public S3ShardStore(
      S3Client s3,
      String bucket,
      String prefix,
      MultipartSettings multipart,
      RetryPolicy retry,
      boolean checksums) {
    this.s3 = Objects.requireNonNull(s3, "s3");
    this.bucket = Objects.requireNonNull(bucket, "bucket");
    String trimmed = prefix.endsWith("/") ? prefix.substring(0, prefix.length() - 1) : prefix;
    this.prefix = trimmed.isEmpty() ? "" : ObjectKeys.check(trimmed) + "/";
    this.errors = new S3Errors(s3, bucket);
    this.signed = new SignedReads(s3, bucket);
    this.multipart = Objects.requireNonNull(multipart, "multipart");
    this.retry = Objects.requireNonNull(retry, "retry");
    this.checksums = checksums;
  }

  @Override
  public ObjectInfo head(String key) {
    String name = name(key);
    HeadObjectResponse head;
    try {
      head = S3Errors.call(() -> s3.headObject(request -> request.bucket(bucket).key(name)));
    } catch (SdkException e) {
      throw errors.translateHead(key, e);
    }
    return info(key, head.contentLength(), head.eTag(), head.lastModified());
  }

  @Override
  public void read(
      String key,
      Optional<String> etag,
      ByteRange range,
      MemorySegment target,
      ReadObserver observer) {
    String name = name(key);
    SegmentFiller filler = new SegmentFiller(key, range, target);
    if (range.length() == 0) {
      return;
    }
    if (readSigned(key, name, etag, range, target, observer)) {
      return;
    }
    Transfer transfer = Transfer.receiving();
    ResponseInputStream<GetObjectResponse> body;
    try {
      body =
          S3Errors.call(
              () ->
                  transfer.call(
                      () ->
                          s3.getObject(
                              request ->
                                  request
                                      .bucket(bucket)
                                      .key(name)
                                      .range("bytes=" + range.offset() + "-" + (range.end() - 1))
                                      .ifMatch(etag.orElse(null)))));
    } catch (SdkException e) {
      if (S3Errors.status(e) == 416) {
        throw StorageException.rangeInvalid(key, range, e);
      }
      throw errors.translate(key, e);
    }
    boolean reusable = false;
    try {
      GetObjectResponse head = body.response();
      checkAnswer(
          key, range, etag, Optional.ofNullable(head.eTag()), head.contentRange(), observer);
      if (transfer.answer().isPresent()) {
        receive(key, transfer.answer().get(), range, target, observer);
      } else {
        filler.fill(body);
        if (!filler.complete()) {
          throw endedEarly(key, filler.transferred(), range);
        }
        observer.received(range.length());
      }
      body.close();
      reusable = true;
    } catch (IOException | SdkException e) {
      if (!filler.complete()) {
        throw errors.broken(key, filler.transferred(), e);
      }
      // Every byte is in place; only closing failed, and the connection is dropped below.
    } finally {
      if (!reusable) {
        body.abort();
      }
    }
  }

  /**
   * Reads with a request that was signed before.
   *
   * @return whether the range is read; if not, the SDK is to ask itself
   */
  private boolean readSigned(
      String key,
      String name,
      Optional<String> etag,
      ByteRange range,
      MemorySegment target,
      ReadObserver observer) {
    HttpAnswer answer;
    try {
      Optional<HttpAnswer> given = signed.get(name, range, etag);
      if (given.isEmpty()) {
        return false;
      }
      answer = given.get();
    } catch (SdkException e) {
      throw errors.translate(key, e);
    } catch (HttpFailure e) {
      throw errors.translate(key, SdkClientException.create(e.getMessage(), e));
    }
    try (answer) {
      if (answer.status() / 100 == 2) {
        checkAnswer(
            key,
            range,
            etag,
            answer.headers().first("etag"),
            answer.headers().first("content-range").orElse(null),
            observer);
        receive(key, answer, range, target, observer);
        return true;
      }
      signed.forget(name);
      S3Exception refusal = SignedReads.error(answer);
      if (refusal.statusCode() == 416) {
        throw StorageException.rangeInvalid(key, range, refusal);
      }
      if (SignedReads.isForTheSdk(refusal)) {
        return false;
      }
      throw errors.translate(key, refusal);
    }
  }

  private void receive(
      String key, HttpAnswer answer, ByteRange range, MemorySegment target, ReadObserver observer) {
    long came;
    try {
      came = answer.receive(target.asSlice(0, range.length()), observer::received);
    } catch (HttpFailure e) {
      throw errors.broken(key, e.received(), e);
    }
    if (came < range.length()) {
      throw endedEarly(key, came, range);
    }
  }

  private static TransientStorageException endedEarly(String key, long came, ByteRange range) {
    return new TransientStorageException(
        key,
        came,
        "the body of object '" + key + "' ended " + (range.length() - came) + " bytes early",
        null);
  }

  /** S3 shortens a range that ends past the object: that is not what was asked for. */
  private static void checkAnswer(
      String key,
      ByteRange range,
      Optional<String> wanted,
      Optional<String> etag,
      String contentRange,
      ReadObserver observer) {
    if (wanted.isPresent() && etag.isPresent() && !wanted.equals(etag)) {
      throw StorageException.changed(key, null); // a store that does not know If-Match
    }
    if (contentRange == null) {
      throw StorageException.invalid(
          "range-ignored",
          key,
          "the store answered " + range + " of object '" + key + "' with the whole object");
    }
    Matcher matcher = CONTENT_RANGE.matcher(contentRange);
    if (!matcher.matches() || Long.parseLong(matcher.group(1)) != range.offset()) {
      throw StorageException.invalid(
          "range-ignored",
          key,
          "the store answered "
              + range
              + " of object '"
              + key
              + "' with the range '"
              + contentRange
              + "'");
    }
    if (!matcher.group(3).equals("*") && Long.parseLong(matcher.group(3)) < range.end()) {
      throw StorageException.rangeInvalid(key, range, Long.parseLong(matcher.group(3)));
    }
    etag.ifPresent(observer::answered);
  }

  /**
   * {@inheritDoc}
   *
   * <p>A 412 that the client met only after it had sent the object more than once may be the echo
   * of its own success; then the object is read back and compared.
   *
   * <p>Large objects are sent in parts. Where the store knows no condition for joining them, two
   * writers at the same moment may both store theirs, which does no harm to objects that are named
   * by their content.
   */
  @Override
  public boolean putIfAbsent(String key, MemorySegment bytes) {
    String name = name(key);
    if (bytes.byteSize() > MAX_OBJECT) {
      throw StorageException.invalid(
          "object-too-large",
          key,
          "object '"
              + key
              + "' has "
              + bytes.byteSize()
              + " bytes, S3 takes at most "
              + MAX_OBJECT);
    }
    if (bytes.byteSize() > multipart.threshold()) {
      return new MultipartWrite(
              s3, errors, bucket, key, name, bytes, multipart, retry, checksums, this::sendPart)
          .run(CONTENT_TYPE);
    }
    try {
      send(
          bytes,
          body ->
              s3.putObject(
                  request ->
                      request
                          .bucket(bucket)
                          .key(name)
                          .contentType(CONTENT_TYPE)
                          .ifNoneMatch("*")
                          .overrideConfiguration(
                              checksum(checksums ? OptionalInt.of(Crc32c.of(bytes)) : NO_CHECKSUM)),
                  body));
      return true;
    } catch (SdkException e) {
      if (S3Errors.status(e) != 412) {
        throw errors.translate(key, e);
      }
      boolean sentOnce = e.numAttempts() != null && e.numAttempts() == 1;
      return !sentOnce && StoredBytes.equal(this, key, bytes);
    }
  }

  /** Makes a call whose body goes from memory to the socket without a copy. */
  private static <T> T send(MemorySegment bytes, Function<RequestBody, T> request) {
    RequestBody body =
        RequestBody.fromContentProvider(
            () -> new SegmentInputStream(bytes), bytes.byteSize(), CONTENT_TYPE);
    return S3Errors.call(() -> Transfer.sending(bytes).call(() -> request.apply(body)));
  }

  private String sendPart(
      String name, String id, int number, MemorySegment bytes, OptionalInt crc32c) {
    return send(
            bytes,
            body ->
                s3.uploadPart(
                    request ->
                        request
                            .bucket(bucket)
                            .key(name)
                            .uploadId(id)
                            .partNumber(number)
                            .overrideConfiguration(checksum(crc32c)),
                    body))
        .eTag();
  }

  /** A header and not a field of the request: for a field the SDK would handle the body itself. */
  private static Consumer<AwsRequestOverrideConfiguration.Builder> checksum(OptionalInt crc32c) {
    return settings ->
        crc32c.ifPresent(crc -> settings.putHeader("x-amz-checksum-crc32c", Crc32c.toBase64(crc)));
  }

  @Override
  public void unfinished(String keyPrefix, Consumer<UnfinishedWrite> each) {
    ObjectKeys.checkPrefix(keyPrefix);
    ListMultipartUploadsRequest request =
        ListMultipartUploadsRequest.builder().bucket(bucket).prefix(prefix + keyPrefix).build();
    while (request != null) {
      ListMultipartUploadsRequest page = request;
      ListMultipartUploadsResponse answer = call(keyPrefix, () -> s3.listMultipartUploads(page));
      for (MultipartUpload upload : answer.uploads()) {
        each.accept(
            new UnfinishedWrite(
                upload.key().substring(prefix.length()), upload.uploadId(), upload.initiated()));
      }
      request =
          Boolean.TRUE.equals(answer.isTruncated())
              ? page.toBuilder()
                  .keyMarker(answer.nextKeyMarker())
                  .uploadIdMarker(answer.nextUploadIdMarker())
                  .build()
              : null;
    }
  }

  @Override
  public void abandon(UnfinishedWrite write) {
    String name = name(write.key());
    try {
      call(
          write.key(),
          () ->
              s3.abortMultipartUpload(
                  request -> request.bucket(bucket).key(name).uploadId(write.id())));
    } catch (StorageException e) {
      if (e.kind() != ErrorKind.MISSING) {
        throw e;
      }
    }
  }

  @Override
  public void delete(String key) {
    String name = name(key);
    call(key, () -> s3.deleteObject(request -> request.bucket(bucket).key(name)));
  }

  @Override
  public void list(String keyPrefix, Consumer<ObjectInfo> each) {
    ObjectKeys.checkPrefix(keyPrefix);
    ListObjectsV2Request request =
        ListObjectsV2Request.builder().bucket(bucket).prefix(prefix + keyPrefix).build();
    while (request != null) {
      ListObjectsV2Request page = request;
      ListObjectsV2Response answer = call(keyPrefix, () -> s3.listObjectsV2(page));
      for (S3Object object : answer.contents()) {
        String key = object.key().substring(prefix.length());
        each.accept(info(key, object.size(), object.eTag(), object.lastModified()));
      }
      request =
          Boolean.TRUE.equals(answer.isTruncated())
              ? page.toBuilder().continuationToken(answer.nextContinuationToken()).build()
              : null;
    }
  }

  /** Does nothing: the client belongs to who made it. */
  @Override
  public void close() {}

  @Override
  public String toString() {
    return "s3://" + bucket + "/" + prefix;
  }

  /** What a compatible store leaves out arrives as null. */
  private static ObjectInfo info(String key, Long size, String etag, Instant modified) {
    if (size == null || etag == null || modified == null) {
      throw new StorageException(
          ErrorKind.FATAL,
          "store-answer-invalid",
          key,
          "the store tells of object '"
              + key
              + "' the size "
              + size
              + ", the ETag "
              + etag
              + " and the time "
              + modified
              + ", of which all are needed",
          null);
    }
    return new ObjectInfo(key, size, etag, modified);
  }

  private String name(String key) {
    return prefix + ObjectKeys.check(key);
  }

  private <T> T call(String key, Supplier<T> request) {
    try {
      return S3Errors.call(request);
    } catch (SdkException e) {
      throw errors.translate(key, e);
    }
  }
}
