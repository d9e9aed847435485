package io.sluice.bench.peer;

import io.sluice.measure.StoreAccess;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;
import software.amazon.awssdk.core.async.AsyncResponseTransformer;
import software.amazon.awssdk.core.async.SdkPublisher;
import software.amazon.awssdk.http.async.SdkAsyncHttpClient;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;

/** The asynchronous client; each buffer that arrives is copied to where it belongs. */
final class AsyncClient implements SdkReader.Client {
  private final S3AsyncClient s3;
  private final int connections;

  /**
   * @param http closed with this
   */
  AsyncClient(StoreAccess access, int connections, SdkAsyncHttpClient.Builder<?> http) {
    this.connections = connections;
    this.s3 =
        SdkSettings.of(S3AsyncClient.builder(), access)
            .forcePathStyle(access.pathStyle())
            .httpClientBuilder(http)
            .build();
  }

  @Override
  public void readAll(List<SdkReader.Range> ranges) throws Exception {
    Semaphore window = new Semaphore(connections);
    List<CompletableFuture<Void>> reads = new ArrayList<>();
    for (SdkReader.Range range : ranges) {
      window.acquire();
      reads.add(
          s3.getObject(range.request(), new Into(range.target()))
              .whenComplete((done, error) -> window.release()));
    }
    CompletableFuture.allOf(reads.toArray(CompletableFuture<?>[]::new)).get();
  }

  @Override
  public void close() {
    s3.close();
  }

  /** Puts a body into memory. */
  private static final class Into implements AsyncResponseTransformer<GetObjectResponse, Void> {
    private final MemorySegment target;
    private volatile CompletableFuture<Void> done;

    Into(MemorySegment target) {
      this.target = target;
    }

    @Override
    public CompletableFuture<Void> prepare() {
      done = new CompletableFuture<>();
      return done;
    }

    @Override
    public void onResponse(GetObjectResponse response) {}

    @Override
    public void onStream(SdkPublisher<ByteBuffer> publisher) {
      publisher.subscribe(
          new Subscriber<>() {
            private long at;

            @Override
            public void onSubscribe(Subscription subscription) {
              subscription.request(Long.MAX_VALUE);
            }

            @Override
            public void onNext(ByteBuffer bytes) {
              MemorySegment source = MemorySegment.ofBuffer(bytes);
              MemorySegment.copy(source, 0, target, at, source.byteSize());
              at += source.byteSize();
            }

            @Override
            public void onError(Throwable error) {
              done.completeExceptionally(error);
            }

            @Override
            public void onComplete() {
              if (at == target.byteSize()) {
                done.complete(null);
              } else {
                done.completeExceptionally(
                    new IOException(at + " bytes came, " + target.byteSize() + " were asked for"));
              }
            }
          });
    }

    @Override
    public void exceptionOccurred(Throwable error) {
      done.completeExceptionally(error);
    }
  }
}
