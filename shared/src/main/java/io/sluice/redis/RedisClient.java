package io.sluice.redis;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.net.NetClientOptions;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.RedisOptions;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import io.vertx.redis.client.impl.types.ErrorType;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jboss.logging.Logger;

/**
 * Commands, scripts and subscriptions of Redis for threads that may block. Safe for use by many
 * threads.
 *
 * <p>Nothing is retried here: after {@link RedisException} of kind TRANSIENT the command may or may
 * not have been executed, and only the caller knows whether it is idempotent. A command that found
 * no connection in time is never sent later. Broken connections leave the pool by themselves, so
 * the next call after a restart of Redis connects anew.
 */
public final class RedisClient implements AutoCloseable {
  private static final Logger LOG = Logger.getLogger(RedisClient.class);

  /** Most commands of one pipeline; the queue of a connection has room for twice as many. */
  private static final int MAX_BATCH = 1_000;

  private static final int MAX_WAITING_CALLERS = 10_000;

  private final Vertx vertx;
  private final RedisConfig config;
  private final Redis redis;
  private final boolean owned;

  /** Connects on first use. The caller keeps the ownership of {@code vertx}. */
  public RedisClient(Vertx vertx, RedisConfig config) {
    this.vertx = Objects.requireNonNull(vertx, "vertx");
    this.config = Objects.requireNonNull(config, "config");
    this.redis = Redis.createClient(vertx, options(config, config.poolSize(), true));
    this.owned = true;
  }

  /**
   * Uses a client that somebody else has configured and will close; each subscription takes one of
   * its connections for good.
   *
   * @param config its address, for messages, and how long a call may take
   */
  public RedisClient(Vertx vertx, Redis redis, RedisConfig config) {
    this.vertx = Objects.requireNonNull(vertx, "vertx");
    this.config = Objects.requireNonNull(config, "config");
    this.redis = Objects.requireNonNull(redis, "redis");
    this.owned = false;
  }

  static RedisOptions options(RedisConfig config, int connections, boolean closeSilent) {
    int timeout = Math.toIntExact(config.timeout().toMillis());
    NetClientOptions net =
        new NetClientOptions().setConnectTimeout(timeout).setTcpKeepAlive(true).setTcpNoDelay(true);
    if (closeSilent) {
      // Vert.x leaves a socket open whose handshake failed, and a server that hangs would keep its
      // connections busy for ever: a connection that has been silent for long is closed.
      net.setIdleTimeoutUnit(TimeUnit.MILLISECONDS)
          .setReadIdleTimeout(Math.max(30_000, 2 * timeout));
    }
    return new RedisOptions()
        .setConnectionString(config.uri())
        .setNetClientOptions(net)
        .setMaxPoolSize(connections)
        .setMaxPoolWaiting(MAX_WAITING_CALLERS)
        .setMaxWaitingHandlers(2 * MAX_BATCH);
  }

  /**
   * Runs one command, such as {@code call("GET", "key")}.
   *
   * @return the answer, null for nil
   */
  public Response call(String command, String... args) {
    return call(command, List.of(args));
  }

  /** Runs one command. */
  public Response call(String command, List<String> args) {
    Request request = request(command, args);
    return await(command, connection -> connection.send(request));
  }

  /** Stores bytes under a key for some time. */
  public void setBytes(String key, byte[] value, Duration ttl) {
    Request request =
        Request.cmd(Command.SET)
            .arg(key)
            .arg(Buffer.buffer(value))
            .arg("PX")
            .arg(Long.toString(ttl.toMillis()));
    await("SET", connection -> connection.send(request));
  }

  /** The bytes under a key, null if there are none. */
  public byte[] getBytes(String key) {
    Response answer = call("GET", key);
    return answer == null ? null : answer.toBytes();
  }

  /** A command of a pipeline. */
  public record Call(String command, List<String> args) {
    public Call {
      Objects.requireNonNull(command, "command");
      args = List.copyOf(args);
    }

    /** Shorthand. */
    public static Call of(String command, String... args) {
      return new Call(command, List.of(args));
    }
  }

  /**
   * A command whose arguments may be bytes.
   *
   * @param args texts and {@link io.vertx.core.buffer.Buffer}s
   */
  public record BinaryCall(String command, List<Object> args) {
    public BinaryCall {
      Objects.requireNonNull(command, "command");
      args = List.copyOf(args);
    }

    /** Shorthand. */
    public static BinaryCall of(String command, Object... args) {
      return new BinaryCall(command, List.of(args));
    }
  }

  /** Like {@link #batch}, for a few commands with bytes: one pipeline of at most 1,000. */
  public List<Response> batchBinary(List<BinaryCall> calls) {
    List<Request> requests =
        calls.stream()
            .map(call -> Request.cmd(Command.create(call.command()), call.args().toArray()))
            .toList();
    return await(
        calls.size() + " commands from " + calls.getFirst().command(),
        connection -> connection.batch(requests));
  }

  /**
   * Sends the commands without waiting for each other's answers, in pipelines of up to 1,000. They
   * are not atomic; if one fails, the others may have been executed.
   *
   * @return the answers in the order of the calls, null for nil
   */
  public List<Response> batch(List<Call> calls) {
    List<Response> answers = new ArrayList<>(calls.size());
    for (int from = 0; from < calls.size(); from += MAX_BATCH) {
      List<Call> part = calls.subList(from, Math.min(calls.size(), from + MAX_BATCH));
      List<Request> requests =
          part.stream().map(call -> request(call.command(), call.args())).toList();
      answers.addAll(
          await(
              part.size() + " commands from " + part.getFirst().command(),
              connection -> connection.batch(requests)));
    }
    return answers;
  }

  /**
   * Runs a script by its hash; sends its text if Redis does not know it (yet, or after a restart).
   */
  public Response eval(Script script, List<String> keys, List<String> args) {
    List<String> parameters = new ArrayList<>(2 + keys.size() + args.size());
    parameters.add(script.sha1());
    parameters.add(Integer.toString(keys.size()));
    parameters.addAll(keys);
    parameters.addAll(args);
    String what = "script " + script.name();
    Request bySha = request("EVALSHA", parameters);
    parameters.set(0, script.source());
    return await(
        what,
        connection ->
            connection
                .send(bySha)
                .recover(
                    error ->
                        error instanceof ErrorType refused && refused.is("NOSCRIPT")
                            ? connection.send(request("EVAL", parameters))
                            : Future.failedFuture(error)));
  }

  /**
   * Subscribes to a channel on a connection of its own, and again whenever that connection breaks.
   * Messages published while it was broken are lost: {@code onConnected} is called after every
   * (re)connection so that the listener can look for itself. Both are called on an event loop: they
   * must not block.
   */
  public Subscription subscribe(String channel, Runnable onConnected, Consumer<String> onMessage) {
    return new Subscription(
        vertx,
        config,
        owned ? () -> Redis.createClient(vertx, options(config, 1, false)) : () -> redis,
        owned ? Redis::close : shared -> {},
        channel,
        onConnected,
        onMessage);
  }

  /** Closes all connections of the pool; subscriptions are closed by their owners. */
  @Override
  public void close() {
    if (owned) {
      redis.close();
    }
  }

  private static Request request(String command, List<String> args) {
    return Request.cmd(Command.create(command), args.toArray());
  }

  private <T> T await(String what, Function<RedisConnection, Future<T>> work) {
    if (Context.isOnEventLoopThread()) {
      throw new IllegalStateException(
          "blocking call of Redis ("
              + what
              + ") on event loop "
              + Thread.currentThread().getName());
    }
    CompletableFuture<T> answer = new CompletableFuture<>();
    redis
        .connect()
        .onComplete(
            connected -> {
              if (connected.failed()) {
                answer.completeExceptionally(connected.cause());
                return;
              }
              RedisConnection connection = connected.result();
              // otherwise Vert.x logs as an error what the caller is told anyway
              connection.exceptionHandler(
                  error -> LOG.debugf("connection to %s: %s", config.endpoint(), error));
              if (answer.isDone()) {
                // the caller has given up: the command must not be executed behind its back
                connection.close();
                return;
              }
              work.apply(connection)
                  .onComplete(
                      done -> {
                        connection.close();
                        if (done.failed()) {
                          answer.completeExceptionally(done.cause());
                        } else {
                          answer.complete(done.result());
                        }
                      });
            });
    try {
      return answer.get(config.timeout().toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw translate(what, e.getCause());
    } catch (TimeoutException e) {
      answer.cancel(false);
      throw RedisException.unavailable(
          "Redis at "
              + config.endpoint()
              + " did not answer "
              + what
              + " within "
              + config.timeout().toMillis()
              + " ms",
          e);
    } catch (InterruptedException e) {
      answer.cancel(false);
      Thread.currentThread().interrupt();
      throw RedisException.unavailable("interrupted while waiting for Redis: " + what, e);
    }
  }

  private RedisException translate(String what, Throwable error) {
    String message = "Redis at " + config.endpoint() + ": " + what + ": " + error.getMessage();
    if (error instanceof ErrorType refused) {
      return isPassing(refused)
          ? RedisException.unavailable(message, error)
          : RedisException.refused(message, error);
    }
    // Vert.x reports a request that it cannot send by this sentence only
    return error.getMessage() != null && error.getMessage().startsWith("Redis command is not valid")
        ? RedisException.refused(message, error)
        : RedisException.unavailable(message, error);
  }

  private static boolean isPassing(ErrorType error) {
    String message = String.valueOf(error.getMessage());
    return error.is("CONNECTION_CLOSED")
        || error.is("LOADING")
        || error.is("MASTERDOWN")
        || error.is("CLUSTERDOWN")
        || error.is("TRYAGAIN")
        || error.is("BUSY ")
        || error.is("NOREPLICAS")
        // a script reports these inside of a sentence of its own
        || message.contains("READONLY You can't write")
        || message.contains("OOM command not allowed")
        || message.contains("max number of clients");
  }
}
