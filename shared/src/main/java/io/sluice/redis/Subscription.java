package io.sluice.redis;

import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import io.vertx.redis.client.ResponseType;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/**
 * A subscription to one channel that survives broken connections: it connects again with back-off
 * from 50 ms to 2 s, and asks a silent server for a sign of life. All its state belongs to one
 * event loop.
 */
public final class Subscription implements AutoCloseable {
  private static final Logger LOG = Logger.getLogger(Subscription.class);
  private static final long MIN_BACKOFF_MS = 50;
  private static final long MAX_BACKOFF_MS = 2_000;

  private final Vertx vertx;
  private final Context context;
  private final RedisConfig config;
  private final String channel;
  private final Runnable onConnected;
  private final Consumer<String> onMessage;

  private volatile boolean connected;
  private volatile boolean closed;
  private final Supplier<Redis> clients;
  private final Consumer<Redis> release;
  private Redis redis;
  private RedisConnection connection;
  private long attempt;
  private long failures;
  private long heard;

  Subscription(
      Vertx vertx,
      RedisConfig config,
      Supplier<Redis> clients,
      Consumer<Redis> release,
      String channel,
      Runnable onConnected,
      Consumer<String> onMessage) {
    this.vertx = vertx;
    this.config = config;
    this.clients = clients;
    this.release = release;
    this.channel = channel;
    this.onConnected = onConnected;
    this.onMessage = onMessage;
    this.context = vertx.getOrCreateContext();
    context.runOnContext(ignored -> connect());
  }

  /** Whether messages arrive at the moment. */
  public boolean connected() {
    return connected;
  }

  /** Ends the subscription; safe to call from any thread and more than once. */
  @Override
  public void close() {
    closed = true;
    connected = false;
    context.runOnContext(
        ignored -> {
          attempt++;
          disconnect();
        });
  }

  private void connect() {
    if (closed) {
      return;
    }
    long mine = ++attempt;
    long timeout = config.timeout().toMillis();
    // also when the handshake is never answered
    long guard = vertx.setTimer(timeout, ignored -> reconnect(mine, "no answer"));
    // an own client is made for each attempt: closing it is the only way to end a handshake that
    // hangs
    redis = clients.get();
    redis
        .connect()
        .onComplete(
            result ->
                context.runOnContext(
                    ignored -> {
                      if (result.failed()) {
                        vertx.cancelTimer(guard);
                        reconnect(mine, String.valueOf(result.cause().getMessage()));
                      } else if (mine != attempt || closed) {
                        vertx.cancelTimer(guard);
                        result.result().close();
                      } else {
                        subscribe(result.result(), mine, guard);
                      }
                    }));
  }

  private void subscribe(RedisConnection fresh, long mine, long guard) {
    connection = fresh;
    fresh.endHandler(ignored -> context.runOnContext(x -> reconnect(mine, "connection closed")));
    fresh.exceptionHandler(
        error -> context.runOnContext(x -> reconnect(mine, String.valueOf(error.getMessage()))));
    fresh.handler(message -> context.runOnContext(x -> receive(message, mine, guard)));
    fresh
        .send(Request.cmd(Command.SUBSCRIBE).arg(channel))
        .onFailure(
            error ->
                context.runOnContext(x -> reconnect(mine, String.valueOf(error.getMessage()))));
  }

  private void receive(Response message, long mine, long guard) {
    if (mine != attempt || closed || message == null) {
      return;
    }
    heard++;
    // anything else is the answer to a PING that the client has lost, see watch
    boolean several = message.type() == ResponseType.PUSH || message.type() == ResponseType.MULTI;
    if (!several || message.size() < 3) {
      return;
    }
    switch (message.get(0).toString()) {
      case "subscribe" -> {
        vertx.cancelTimer(guard);
        failures = 0;
        connected = true;
        watch(mine);
        guarded(onConnected);
      }
      case "message" -> guarded(() -> onMessage.accept(message.get(2).toString()));
      default -> LOG.debugf("unexpected message on channel %s: %s", channel, message);
    }
  }

  /**
   * Asks for a sign of life now and then: a connection may be dead without being closed. Any
   * message is one: if the first thing to come after a PING is a message, the client of Vert.x
   * forgets who waits for the answer, and gives it to the handler of messages.
   */
  private void watch(long mine) {
    long timeout = config.timeout().toMillis();
    vertx.setTimer(
        timeout,
        ignored -> {
          if (mine != attempt || closed) {
            return;
          }
          long before = heard;
          long guard =
              vertx.setTimer(
                  timeout,
                  x -> {
                    if (heard == before) {
                      reconnect(mine, "no answer to PING");
                    } else {
                      watch(mine);
                    }
                  });
          connection
              .send(Request.cmd(Command.PING))
              .onComplete(
                  pong ->
                      context.runOnContext(
                          x -> {
                            vertx.cancelTimer(guard);
                            if (pong.succeeded()) {
                              watch(mine);
                            } else {
                              reconnect(mine, String.valueOf(pong.cause().getMessage()));
                            }
                          }));
        });
  }

  private void reconnect(long mine, String why) {
    if (mine != attempt || closed) {
      return;
    }
    attempt++;
    connected = false;
    disconnect();
    long base = Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS << Math.min(failures, 10));
    long delay = base / 2 + ThreadLocalRandom.current().nextLong(base / 2 + 1);
    if (failures++ == 0) {
      LOG.infof(
          "subscription to %s at Redis %s was interrupted (%s), connecting again",
          channel, config.endpoint(), why);
    }
    vertx.setTimer(Math.max(1, delay), ignored -> connect());
  }

  private void disconnect() {
    if (connection != null) {
      connection.close();
      connection = null;
    }
    if (redis != null) {
      release.accept(redis);
      redis = null;
    }
  }

  private void guarded(Runnable listener) {
    try {
      listener.run();
    } catch (RuntimeException e) {
      LOG.errorf(e, "a listener of channel %s failed", channel);
    }
  }
}
