package io.sluice.functions.web;

import io.micrometer.core.instrument.MeterRegistry;
import io.netty.buffer.Unpooled;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.memory.HeldShards;
import io.sluice.memory.HeldView;
import io.sluice.model.ByteRange;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jboss.logging.Logger;

/**
 * Gives other workers bytes of shards that this one holds: {@code GET /shards/{digest}} with a
 * range. They go from the memory where they lie to the socket; that memory stays until the last of
 * them is out or the connection has ended, whatever is unloaded meanwhile.
 */
@ApplicationScoped
public class PeerRoute {
  private static final Logger LOG = Logger.getLogger(PeerRoute.class);
  private static final Pattern RANGE = Pattern.compile("bytes=([0-9]{1,18})-([0-9]{1,18})");

  /** Bytes handed to the socket at a time: what a slow peer can make wait in it. */
  private static final int SLICE = 1 << 20;

  /** Requests that wait for their turn; more are refused. */
  private static final int MAX_WAITING = 1_024;

  @Inject SluiceConfig config;
  @Inject HeldShards held;
  @Inject MeterRegistry meters;

  private Semaphore serving;
  private final Semaphore waiting = new Semaphore(MAX_WAITING);

  void register(@Observes Router router) {
    serving = new Semaphore(config.cache().peer().serving(), true);
    router.get("/shards/:digest").handler(this::handle);
  }

  private void handle(RoutingContext context) {
    Context loop = context.vertx().getOrCreateContext();
    Thread.ofVirtual()
        .name("sluice-peer")
        .start(
            () -> {
              try {
                serve(context, loop);
              } catch (Throwable failure) {
                loop.runOnContext(v -> fail(context, failure));
              }
            });
  }

  private static void fail(RoutingContext context, Throwable failure) {
    if (context.response().headWritten()) {
      LOG.debugf("a peer has not got its bytes: %s", failure);
      context.request().connection().close();
    } else {
      context.fail(failure);
    }
  }

  private void serve(RoutingContext context, Context loop) throws InterruptedException {
    Digest shard = Digest.parse(context.pathParam("digest"));
    ByteRange range = range(context.request().getHeader("Range"));
    if (!waiting.tryAcquire()) {
      throw busy();
    }
    try {
      if (!serving.tryAcquire(config.cache().peer().timeout().toMillis(), TimeUnit.MILLISECONDS)) {
        throw busy();
      }
    } finally {
      waiting.release();
    }
    try (HeldView view = held.open(shard, range).orElseThrow(() -> notHeld(shard, range))) {
      send(context.response(), loop, range, view.segment());
    } finally {
      serving.release();
    }
  }

  private void send(HttpServerResponse response, Context loop, ByteRange range, MemorySegment bytes)
      throws InterruptedException {
    for (long at = 0; at < bytes.byteSize(); at += SLICE) {
      MemorySegment slice = bytes.asSlice(at, Math.min(SLICE, bytes.byteSize() - at));
      boolean first = at == 0;
      await(
          response,
          loop,
          () -> {
            if (first) {
              response
                  .setStatusCode(206)
                  .putHeader(HttpHeaders.CONTENT_TYPE, "application/octet-stream")
                  .putHeader(HttpHeaders.CONTENT_LENGTH, Long.toString(range.length()))
                  .putHeader(
                      "Content-Range", "bytes " + range.offset() + "-" + (range.end() - 1) + "/*");
            }
            return response.write(wrapped(slice));
          });
      meters.counter("sluice.peer.served.bytes").increment(slice.byteSize());
    }
    await(response, loop, response::end);
  }

  private interface Write {
    Future<Void> run();
  }

  /**
   * Writes and waits until the bytes are out. When this throws, the connection has ended and nobody
   * reads the memory any more.
   */
  private void await(HttpServerResponse response, Context loop, Write write)
      throws InterruptedException {
    CompletableFuture<Void> done = new CompletableFuture<>();
    loop.runOnContext(
        v -> {
          try {
            write
                .run()
                .onComplete(
                    result -> {
                      if (result.succeeded()) {
                        done.complete(null);
                      } else {
                        done.completeExceptionally(result.cause());
                      }
                    });
          } catch (RuntimeException e) {
            done.completeExceptionally(e);
          }
        });
    try {
      done.get(config.cache().peer().timeout().toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw gone(e.getCause());
    } catch (TimeoutException e) {
      // It takes nothing any more. Once the connection is closed, the write fails.
      loop.runOnContext(v -> response.reset());
      done.exceptionally(f -> null).join();
      throw gone(e);
    }
  }

  /** A view of the memory, not a copy. */
  @SuppressWarnings("deprecation") // there is no other way to hand a ByteBuf to Vert.x 4
  private static Buffer wrapped(MemorySegment bytes) {
    return Buffer.buffer(Unpooled.wrappedBuffer(bytes.asByteBuffer()));
  }

  private static ByteRange range(String header) {
    Matcher found = RANGE.matcher(header == null ? "" : header);
    if (found.matches()) {
      long first = Long.parseLong(found.group(1));
      long last = Long.parseLong(found.group(2));
      if (first <= last) {
        return ByteRange.between(first, last + 1);
      }
    }
    throw new SluiceException(
        ErrorKind.INVALID,
        "range-invalid",
        "bytes of a shard are asked for by one range, 'Range: bytes=first-last', got '"
            + (header == null || header.length() <= 80 ? header : header.substring(0, 80) + "…")
            + "'");
  }

  private static SluiceException notHeld(Digest shard, ByteRange range) {
    return new SluiceException(
        ErrorKind.MISSING,
        "shard-not-held",
        "this worker does not hold bytes " + range + " of shard " + shard);
  }

  private static SluiceException busy() {
    return new SluiceException(
        ErrorKind.TRANSIENT, "peer-busy", "this worker gives bytes to as many others as it may");
  }

  private static SluiceException gone(Throwable cause) {
    return new SluiceException(
        ErrorKind.TRANSIENT, "peer-gone", "the other worker takes no bytes: " + cause, cause);
  }
}
