package io.sluice.storage.s3;

import io.sluice.model.Crc32c;
import io.sluice.model.ErrorKind;
import io.sluice.storage.RetryPolicy;
import io.sluice.storage.RetryingCall;
import io.sluice.storage.StorageException;
import io.sluice.storage.TransientStorageException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jboss.logging.Logger;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.ChecksumAlgorithm;
import software.amazon.awssdk.services.s3.model.ChecksumType;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CompletedPart;

/**
 * Sends one large object in parts, several at a time, straight from its memory. A part that fails
 * is sent again alone. Nothing is visible until all parts are joined, which happens only if the key
 * is still free. However it ends, no parts are left behind unless the process dies.
 */
final class MultipartWrite {
  private static final Logger LOG = Logger.getLogger(MultipartWrite.class);

  /** How long to try to take back what was sent. */
  private static final Duration ABORT_PATIENCE = Duration.ofSeconds(10);

  /** Sends the bytes of a part. */
  @FunctionalInterface
  interface PartSender {
    /**
     * @param name the key in the bucket
     * @param crc32c checksum of the bytes, if the store is to check it
     * @return ETag of the part
     * @throws SdkException or a {@link StorageException}
     */
    String send(String name, String uploadId, int number, MemorySegment bytes, OptionalInt crc32c);
  }

  private final S3Client s3;
  private final S3Errors errors;
  private final String bucket;
  private final String key;
  private final String name;
  private final MemorySegment bytes;
  private final MultipartSettings settings;
  private final RetryPolicy retry;
  private final boolean checksums;
  private final PartSender sender;

  /**
   * @param key for messages
   * @param name the key in the bucket
   * @param checksums whether the store is to check the CRC32C of the parts and of the whole
   */
  MultipartWrite(
      S3Client s3,
      S3Errors errors,
      String bucket,
      String key,
      String name,
      MemorySegment bytes,
      MultipartSettings settings,
      RetryPolicy retry,
      boolean checksums,
      PartSender sender) {
    this.s3 = s3;
    this.errors = errors;
    this.bucket = bucket;
    this.key = key;
    this.name = name;
    this.bytes = bytes;
    this.settings = settings;
    this.retry = retry;
    this.checksums = checksums;
    this.sender = sender;
  }

  /**
   * Sends the object.
   *
   * @return whether it was stored; false if the key was taken
   */
  boolean run(String contentType) {
    String id =
        call(
            () ->
                s3.createMultipartUpload(
                        request -> {
                          request.bucket(bucket).key(name).contentType(contentType);
                          if (checksums) {
                            request
                                .checksumAlgorithm(ChecksumAlgorithm.CRC32_C)
                                .checksumType(ChecksumType.FULL_OBJECT);
                          }
                        })
                    .uploadId());
    boolean joined = false;
    try {
      joined = join(id, sendParts(id));
      return joined;
    } finally {
      if (!joined) {
        abort(id);
      }
    }
  }

  private List<CompletedPart> sendParts(String id) {
    long partBytes = settings.partBytes(bytes.byteSize());
    int count = Math.toIntExact(Math.ceilDiv(bytes.byteSize(), partBytes));
    CompletedPart[] parts = new CompletedPart[count];
    AtomicInteger next = new AtomicInteger();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    List<Thread> senders = new ArrayList<>();
    Runnable work =
        () -> {
          try {
            for (int part = next.getAndIncrement();
                part < count && failure.get() == null;
                part = next.getAndIncrement()) {
              parts[part] = sendPart(id, part, partBytes);
            }
          } catch (RuntimeException | Error e) {
            if (failure.compareAndSet(null, e)) {
              senders.forEach(Thread::interrupt);
            }
          }
        };
    for (int i = 0; i < Math.min(count, settings.parallelism()); i++) {
      senders.add(Thread.ofVirtual().name("sluice-s3-part").unstarted(work));
    }
    boolean interrupted = false;
    if (bytes.isAccessibleBy(senders.getFirst())) {
      senders.forEach(Thread::start);
      interrupted = joinAll(senders, failure);
    } else {
      // Memory of this thread alone.
      senders.clear();
      work.run();
    }
    switch (failure.get()) {
      case null -> {}
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      case Throwable e -> throw new IllegalStateException(e);
    }
    if (interrupted) {
      throw interrupted();
    }
    return List.of(parts);
  }

  private CompletedPart sendPart(String id, int index, long partBytes) {
    long at = index * partBytes;
    MemorySegment part = bytes.asSlice(at, Math.min(partBytes, bytes.byteSize() - at));
    OptionalInt crc32c = checksums ? OptionalInt.of(Crc32c.of(part)) : OptionalInt.empty();
    String etag = call(() -> sender.send(name, id, index + 1, part, crc32c));
    CompletedPart.Builder sent = CompletedPart.builder().partNumber(index + 1).eTag(etag);
    crc32c.ifPresent(crc -> sent.checksumCRC32C(Crc32c.toBase64(crc)));
    return sent.build();
  }

  /** Waits until no thread touches the bytes any more, also if this one is interrupted. */
  private boolean joinAll(List<Thread> senders, AtomicReference<Throwable> failure) {
    boolean interrupted = false;
    for (Thread sender : senders) {
      while (true) {
        try {
          sender.join();
          break;
        } catch (InterruptedException e) {
          interrupted = true;
          failure.compareAndSet(null, interrupted());
          senders.forEach(Thread::interrupt);
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return interrupted;
  }

  private TransientStorageException interrupted() {
    return new TransientStorageException(
        key, 0, "interrupted while object '" + key + "' was sent in parts", null);
  }

  private boolean join(String id, List<CompletedPart> parts) {
    try {
      complete(id, parts, true);
      return true;
    } catch (StorageException e) {
      if (e.getCause() instanceof SdkException cause) {
        return switch (S3Errors.status(cause)) {
          case 412 -> false;
          case 404 -> joinedBefore(e);
          case 501 -> completeWithoutCondition(id, parts);
          default -> throw e;
        };
      }
      throw e;
    }
  }

  /**
   * The upload is gone: by an earlier try to join whose answer was lost, or because somebody
   * collected it as garbage. In the first case the object is there, and so is the right one:
   * objects that are sent in parts are named by their content.
   */
  private boolean joinedBefore(StorageException gone) {
    if (isThere()) {
      return false;
    }
    throw new TransientStorageException(
        key, 0, "the parts of object '" + key + "' were removed while they were joined", gone);
  }

  /**
   * For stores that join parts but know no condition there. Two writers at the same moment both
   * write then; see {@link #joinedBefore} why that does no harm.
   */
  private boolean completeWithoutCondition(String id, List<CompletedPart> parts) {
    if (isThere()) {
      return false;
    }
    complete(id, parts, false);
    return true;
  }

  private void complete(String id, List<CompletedPart> parts, boolean ifAbsent) {
    CompleteMultipartUploadRequest.Builder request =
        CompleteMultipartUploadRequest.builder()
            .bucket(bucket)
            .key(name)
            .uploadId(id)
            .ifNoneMatch(ifAbsent ? "*" : null)
            .multipartUpload(upload -> upload.parts(parts));
    if (checksums) {
      request.checksumType(ChecksumType.FULL_OBJECT).checksumCRC32C(Crc32c.toBase64(whole(parts)));
    }
    call(() -> s3.completeMultipartUpload(request.build()));
  }

  /** The checksum of the object from those of its parts. */
  private int whole(List<CompletedPart> parts) {
    long partBytes = settings.partBytes(bytes.byteSize());
    int whole = 0;
    for (int i = 0; i < parts.size(); i++) {
      int crc = Crc32c.fromBase64(parts.get(i).checksumCRC32C());
      whole = Crc32c.combine(whole, crc, Math.min(partBytes, bytes.byteSize() - i * partBytes));
    }
    return whole;
  }

  private boolean isThere() {
    try {
      return call(() -> s3.headObject(request -> request.bucket(bucket).key(name))) != null;
    } catch (StorageException e) {
      if (e.kind() == ErrorKind.MISSING) {
        return false;
      }
      throw e;
    }
  }

  /** In a thread of its own: that of the caller may have been interrupted. */
  private void abort(String id) {
    Thread aborter =
        Thread.ofVirtual()
            .name("sluice-s3-abort")
            .start(
                () -> {
                  try {
                    call(
                        () ->
                            s3.abortMultipartUpload(
                                request -> request.bucket(bucket).key(name).uploadId(id)));
                  } catch (StorageException e) {
                    if (e.kind() != ErrorKind.MISSING) {
                      LOG.warnf(
                          "the parts of '%s' stay until they are collected: %s",
                          key, e.getMessage());
                    }
                  }
                });
    boolean interrupted = Thread.interrupted();
    try {
      if (!aborter.join(ABORT_PATIENCE)) {
        LOG.warnf("the parts of '%s' may stay until they are collected", key);
      }
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private <T> T call(RetryingCall.Call<T> request) {
    return RetryingCall.call(
        retry,
        () -> {
          try {
            return S3Errors.call(request::call);
          } catch (SdkException e) {
            throw errors.translate(key, e);
          }
        });
  }
}
