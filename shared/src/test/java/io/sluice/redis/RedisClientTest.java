package io.sluice.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sluice.model.ErrorKind;
import io.sluice.model.InvalidValueException;
import io.vertx.redis.client.Response;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RedisClientTest {
  private final String prefix = TestRedis.prefix();
  private RedisClient client;

  @BeforeEach
  void open() {
    client = TestRedis.shared().client();
  }

  @AfterEach
  void close() {
    client.close();
  }

  @Test
  void callsCommands() {
    assertThat(client.call("GET", prefix + "a")).isNull();
    assertThat(client.call("SET", prefix + "a", "ä\u0000ö").toString()).isEqualTo("OK");
    assertThat(client.call("GET", prefix + "a").toString()).isEqualTo("ä\u0000ö");
  }

  @Test
  void runsScriptsThatRedisDoesNotKnowYet() {
    Script script =
        Script.of("echo", "local greeting = 'hello ' .. ARGV[1]", "return {greeting, KEYS[1]}");
    for (int i = 0; i < 3; i++) {
      if (i == 1) {
        client.call("SCRIPT", "FLUSH");
      }
      Response answer = client.eval(script, List.of(prefix + "k"), List.of("you"));
      assertThat(answer.get(0).toString()).isEqualTo("hello you");
      assertThat(answer.get(1).toString()).isEqualTo(prefix + "k");
    }
  }

  @Test
  void aFailingScriptIsFatalAndNamed() {
    Script script = Script.of("broken", "return redis.call('NOPE')");
    RedisException error =
        catchThrowableOfType(RedisException.class, () -> client.eval(script, List.of(), List.of()));
    assertThat(error.kind()).isEqualTo(ErrorKind.FATAL);
    assertThat(error).hasMessageContaining("broken").hasMessageContaining("127.0.0.1");
  }

  @Test
  void aWrongCommandIsFatal() {
    client.call("SET", prefix + "text", "x");
    assertThatThrownBy(() -> client.call("HGET", prefix + "text", "f"))
        .isInstanceOfSatisfying(
            RedisException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.FATAL));
    assertThatThrownBy(() -> client.call("GET"))
        .isInstanceOfSatisfying(
            RedisException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.FATAL));
  }

  @Test
  void batchesOfAnySizeKeepTheirOrder() {
    List<RedisClient.Call> calls = new ArrayList<>();
    for (int i = 0; i < 2_500; i++) {
      calls.add(RedisClient.Call.of("INCR", prefix + "n"));
    }
    List<Response> answers = client.batch(calls);
    assertThat(answers).hasSize(2_500);
    for (int i = 0; i < answers.size(); i++) {
      assertThat(answers.get(i).toInteger()).isEqualTo(i + 1);
    }
    assertThat(client.batch(List.of())).isEmpty();
  }

  @Test
  void manyThreadsShareAFewConnections() throws Exception {
    // Tests share the server, so the connections of others are there too.
    long others = connections();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Response>> calls = new ArrayList<>();
      for (int i = 0; i < 500; i++) {
        calls.add(threads.submit(() -> client.call("INCR", prefix + "n")));
      }
      for (Future<Response> call : calls) {
        call.get();
      }
    }
    assertThat(client.call("GET", prefix + "n").toInteger()).isEqualTo(500);
    assertThat(connections() - others).isLessThan(60);
  }

  private long connections() {
    return client.call("CLIENT", "LIST").toString().lines().count();
  }

  @Test
  void refusesToBlockAnEventLoop() {
    CompletableFuture<Throwable> thrown = new CompletableFuture<>();
    TestRedis.vertx()
        .runOnContext(
            ignored -> {
              try {
                client.call("PING");
                thrown.complete(null);
              } catch (RuntimeException e) {
                thrown.complete(e);
              }
            });
    assertThatIllegalStateException()
        .isThrownBy(
            () -> {
              throw thrown.join();
            })
        .withMessageContaining("event loop");
  }

  @Test
  void nobodyListening() throws IOException {
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
    RedisConfig config = RedisConfig.of("redis://user:secret@127.0.0.1:" + port);
    try (RedisClient nobody = new RedisClient(TestRedis.vertx(), config)) {
      assertThatThrownBy(() -> nobody.call("PING"))
          .isInstanceOfSatisfying(
              RedisException.class,
              e -> {
                assertThat(e.retryable()).isTrue();
                assertThat(e).hasMessageContaining(":" + port);
                assertThat(e.getMessage()).doesNotContain("secret");
              });
    }
    assertThat(config.toString()).doesNotContain("secret");
  }

  @Test
  void aSilentServerTimesOut() throws Exception {
    try (ServerSocket silent = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
        RedisClient impatient =
            new RedisClient(
                TestRedis.vertx(),
                new RedisConfig(
                    "redis://127.0.0.1:" + silent.getLocalPort(), Duration.ofMillis(200), 2))) {
      long start = System.nanoTime();
      assertThatThrownBy(() -> impatient.call("PING"))
          .isInstanceOfSatisfying(RedisException.class, e -> assertThat(e.retryable()).isTrue())
          .hasMessageContaining("200 ms");
      assertThat(System.nanoTime() - start).isLessThan(2_000_000_000L);
      try (Socket accepted = silent.accept()) {
        assertThat(accepted.isConnected()).isTrue();
      }
    }
  }

  @Test
  void aCommandThatWasGivenUpIsNotSentLater() throws Exception {
    RedisConfig one =
        new RedisConfig("redis://127.0.0.1:" + TestRedis.shared().port(), Duration.ofSeconds(1), 1);
    try (RedisClient narrow = new RedisClient(TestRedis.vertx(), one);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      // the only connection is busy for longer than a call may take
      Future<Response> busy = threads.submit(() -> narrow.call("BLPOP", prefix + "nothing", "3"));
      eventually(() -> !client.call("INFO", "clients").toString().contains("blocked_clients:0"));
      assertThatThrownBy(() -> narrow.call("INCR", prefix + "n"))
          .isInstanceOf(RedisException.class);
      assertThatThrownBy(busy::get)
          .hasRootCauseInstanceOf(java.util.concurrent.TimeoutException.class);
      eventually(() -> succeeds(() -> narrow.call("PING")));
    }
    assertThat(client.call("GET", prefix + "n")).isNull();
  }

  @Test
  void anInterruptEndsTheCallAndStays() throws Exception {
    AtomicInteger seen = new AtomicInteger();
    Thread caller =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    client.call("BLPOP", prefix + "nothing", "2");
                  } catch (RedisException e) {
                    seen.set(e.retryable() && Thread.currentThread().isInterrupted() ? 1 : 2);
                  }
                });
    Thread.sleep(100);
    caller.interrupt();
    caller.join(1_000);
    assertThat(seen).hasValue(1);
  }

  @Test
  void surviesARestartOfRedis() throws Exception {
    try (TestRedis redis = new TestRedis();
        RedisClient own = redis.client()) {
      Queue<String> heard = new ConcurrentLinkedQueue<>();
      AtomicInteger connections = new AtomicInteger();
      try (Subscription subscription =
          own.subscribe("news", connections::incrementAndGet, heard::add)) {
        eventually(subscription::connected);
        own.call("SET", "a", "1");
        own.call("PUBLISH", "news", "first");
        eventually(() -> heard.contains("first"));

        redis.kill();
        assertThatThrownBy(() -> own.call("GET", "a"))
            .isInstanceOfSatisfying(RedisException.class, e -> assertThat(e.retryable()).isTrue());
        eventually(() -> !subscription.connected());
        Thread.sleep(300);
        redis.start();

        eventually(() -> succeeds(() -> own.call("PING")));
        assertThat(own.call("GET", "a").toString()).isEqualTo("1");
        eventually(subscription::connected);
        own.call("PUBLISH", "news", "second");
        eventually(() -> heard.contains("second"));
        assertThat(connections).hasValue(2);
      }
      int before = heard.size();
      own.call("PUBLISH", "news", "nobody listens");
      Thread.sleep(50);
      assertThat(heard).hasSize(before);
    }
  }

  @Test
  void aSubscriptionGivesUpOnAServerThatHangs() throws Exception {
    try (ServerSocket silent = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
        RedisClient own =
            new RedisClient(
                TestRedis.vertx(),
                new RedisConfig(
                    "redis://127.0.0.1:" + silent.getLocalPort(), Duration.ofMillis(100), 1));
        Subscription subscription = own.subscribe("c", () -> {}, message -> {})) {
      for (int i = 0; i < 3; i++) {
        try (Socket accepted = silent.accept()) {
          accepted.setSoTimeout(2_000);
          // the handshake, then nothing more: the other side closes
          assertThat(accepted.getInputStream().readAllBytes()).isNotEmpty();
        }
      }
      assertThat(subscription.connected()).isFalse();
    }
  }

  @Test
  void aFullOrReadOnlyServerMayRecover() {
    Script write = Script.of("write", "return redis.call('SET', KEYS[1], 'x')");
    try (TestRedis redis = new TestRedis();
        RedisClient own = redis.client()) {
      for (List<String> obstacle :
          List.of(
              List.of("CONFIG", "SET", "maxmemory", "1"), List.of("REPLICAOF", "127.0.0.1", "1"))) {
        own.call(obstacle.getFirst(), obstacle.subList(1, obstacle.size()));
        for (Runnable call :
            List.<Runnable>of(
                () -> own.call("SET", "a", "x"), () -> own.eval(write, List.of("a"), List.of()))) {
          assertThatThrownBy(call::run)
              .isInstanceOfSatisfying(
                  RedisException.class,
                  e -> assertThat(e.kind()).as(e.getMessage()).isEqualTo(ErrorKind.TRANSIENT));
        }
        own.call("CONFIG", "SET", "maxmemory", "0");
      }
    }
  }

  @Test
  void aSubscriptionWhoseConnectionIsKilledComesBack() throws Exception {
    String channel = prefix + "news";
    Queue<String> heard = new ConcurrentLinkedQueue<>();
    try (Subscription subscription = client.subscribe(channel, () -> {}, heard::add)) {
      eventually(subscription::connected);
      client.call("CLIENT", "KILL", "TYPE", "pubsub");
      eventually(() -> client.call("PUBLISH", channel, "again").toInteger() == 1);
      eventually(() -> heard.contains("again"));
    }
    eventually(() -> client.call("PUBLISH", channel, "over").toInteger() == 0);
  }

  @Test
  void configurationIsChecked() {
    assertThatThrownBy(() -> RedisConfig.of("http://x")).isInstanceOf(InvalidValueException.class);
    assertThatThrownBy(() -> new RedisConfig("redis://x", Duration.ofSeconds(1), 0))
        .hasMessageContaining("got 0");
    assertThatThrownBy(() -> new RedisConfig("redis://x", Duration.ZERO, 1))
        .hasMessageContaining("PT0S");
  }

  private static boolean succeeds(Runnable call) {
    try {
      call.run();
      return true;
    } catch (RedisException e) {
      return false;
    }
  }

  private static void eventually(BooleanSupplier condition) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(8);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("in time").isLessThan(deadline);
      Thread.sleep(10);
    }
  }
}
