package io.sluice.storage.http;

import io.sluice.storage.SegmentFiller;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.BodySubscribers;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;

/**
 * Receives bodies of one request straight into its target, tells the watching thread when something
 * came last, and takes nothing more once it is closed.
 */
final class BodySink {
  private final SegmentFiller filler;
  private volatile long lastProgress = System.nanoTime();
  private volatile boolean answered;
  private boolean closed;

  BodySink(SegmentFiller filler) {
    this.filler = filler;
  }

  /** When the request began or anything came last, by {@link System#nanoTime}. */
  long lastProgress() {
    return lastProgress;
  }

  /** Whether the head of an answer came. */
  boolean answered() {
    return answered;
  }

  void headCame() {
    answered = true;
    lastProgress = System.nanoTime();
  }

  /** After this no byte is written into the target any more. */
  synchronized void close() {
    closed = true;
  }

  private synchronized boolean take(ByteBuffer bytes) {
    lastProgress = System.nanoTime();
    return !closed && filler.put(bytes);
  }

  /** Takes a body into the target. */
  BodySubscriber<Void> receive() {
    return new Subscriber(true);
  }

  /** Drops a short body, so that the connection can be used again. */
  BodySubscriber<Void> discard() {
    return BodySubscribers.discarding();
  }

  /** Drops a body without reading it; the connection is lost. */
  BodySubscriber<Void> refuse() {
    return new Subscriber(false);
  }

  private final class Subscriber implements BodySubscriber<Void> {
    private final CompletableFuture<Void> body = new CompletableFuture<>();
    private final boolean wanted;
    private Flow.Subscription subscription;

    Subscriber(boolean wanted) {
      this.wanted = wanted;
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
      subscription = given;
      if (wanted) {
        given.request(1);
      } else {
        given.cancel();
        body.complete(null);
      }
    }

    @Override
    public void onNext(List<ByteBuffer> buffers) {
      for (ByteBuffer buffer : buffers) {
        if (!take(buffer)) {
          subscription.cancel();
          body.completeExceptionally(
              new BodyTooLongException("the body is longer than the range that was asked for"));
          return;
        }
      }
      subscription.request(1);
    }

    @Override
    public void onError(Throwable failure) {
      body.completeExceptionally(failure);
    }

    @Override
    public void onComplete() {
      body.complete(null);
    }

    @Override
    public CompletionStage<Void> getBody() {
      return body;
    }
  }

  /** A server sent more than its own Content-Range allows. */
  static final class BodyTooLongException extends RuntimeException {
    BodyTooLongException(String message) {
      super(message);
    }
  }
}
