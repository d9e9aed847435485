package io.sluice.bench.peer;

import io.sluice.measure.StoreAccess;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.services.s3.S3Client;

/** The synchronous client, a thread for each connection. */
final class SyncClient implements SdkReader.Client {
  private static final int BLOCK = 64 << 10;

  private final S3Client s3;
  private final int connections;
  private final ExecutorService threads;

  /**
   * @param http closed with this
   */
  SyncClient(StoreAccess access, int connections, SdkHttpClient.Builder<?> http) {
    this.connections = connections;
    this.threads = Executors.newFixedThreadPool(connections);
    this.s3 =
        SdkSettings.of(S3Client.builder(), access)
            .forcePathStyle(access.pathStyle())
            .httpClientBuilder(http)
            .build();
  }

  @Override
  public void readAll(List<SdkReader.Range> ranges) throws Exception {
    AtomicInteger next = new AtomicInteger();
    Callable<Void> reader =
        () -> {
          byte[] block = new byte[BLOCK];
          for (int i = next.getAndIncrement(); i < ranges.size(); i = next.getAndIncrement()) {
            try (InputStream body = s3.getObject(ranges.get(i).request())) {
              read(body, ranges.get(i).target(), block);
            }
          }
          return null;
        };
    List<Callable<Void>> readers = new ArrayList<>();
    for (int i = 0; i < connections; i++) {
      readers.add(reader);
    }
    for (Future<Void> done : threads.invokeAll(readers)) {
      done.get();
    }
  }

  private static void read(InputStream body, MemorySegment target, byte[] block)
      throws IOException {
    long at = 0;
    while (at < target.byteSize()) {
      int count = body.read(block, 0, (int) Math.min(block.length, target.byteSize() - at));
      if (count < 0) {
        throw new EOFException("the body ended " + (target.byteSize() - at) + " bytes early");
      }
      MemorySegment.copy(block, 0, target, ValueLayout.JAVA_BYTE, at, count);
      at += count;
    }
  }

  @Override
  public void close() {
    threads.close();
    s3.close();
  }
}
