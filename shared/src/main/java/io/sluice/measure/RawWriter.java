package io.sluice.measure;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The ceiling of an upload: the bytes of a file as objects of the size of shards, read and sent
 * block by block over raw sockets, a thread for each connection, nothing hashed.
 */
public final class RawWriter implements Subject {
  private final long bytes;
  private final long partBytes;
  private final int count;
  private final FileChannel file;
  private final PresignedUrls signed;
  private final List<RawConnection> connections = new ArrayList<>();
  private final ExecutorService threads;

  /**
   * @param work {@code access}, {@code connections}, {@code path} and {@code shardBytes}
   */
  public RawWriter(JsonNode work) throws IOException {
    this.signed = new PresignedUrls(StoreAccess.read(work.get("access")));
    this.partBytes = work.get("shardBytes").longValue();
    this.file = FileChannel.open(Path.of(work.get("path").textValue()));
    this.bytes = file.size();
    this.count = work.get("connections").intValue();
    this.threads = Executors.newFixedThreadPool(count);
  }

  private URI url(String method, int part) {
    return signed.of(method, "raw/" + part);
  }

  @Override
  public Round round() throws Exception {
    connect();
    int parts = Math.toIntExact(Math.ceilDiv(bytes, partBytes));
    try {
      return ProcessMeter.measure(
          () -> {
            each(parts, this::put);
            return new ProcessMeter.Transferred(bytes, parts, 0, bytes);
          });
    } finally {
      each(parts, (connection, part) -> connection.delete(url("DELETE", part)));
    }
  }

  private void put(RawConnection connection, int part) throws IOException {
    long offset = part * partBytes;
    connection.put(url("PUT", part), file, offset, Math.min(partBytes, bytes - offset));
  }

  private interface Step {
    void take(RawConnection connection, int part) throws IOException;
  }

  private void each(int parts, Step step) throws Exception {
    AtomicInteger next = new AtomicInteger();
    List<Callable<Void>> writers = new ArrayList<>();
    for (RawConnection connection : connections) {
      writers.add(
          () -> {
            for (int i = next.getAndIncrement(); i < parts; i = next.getAndIncrement()) {
              step.take(connection, i);
            }
            return null;
          });
    }
    for (Future<Void> done : threads.invokeAll(writers)) {
      done.get();
    }
  }

  /** Fresh connections for each round: the server closes those that wait for the others. */
  private void connect() throws IOException {
    disconnect();
    for (int i = 0; i < count; i++) {
      connections.add(RawConnection.open(url("PUT", 0)));
    }
  }

  private void disconnect() throws IOException {
    for (RawConnection connection : connections) {
      connection.close();
    }
    connections.clear();
  }

  @Override
  public void close() throws IOException {
    threads.close();
    disconnect();
    file.close();
  }
}
