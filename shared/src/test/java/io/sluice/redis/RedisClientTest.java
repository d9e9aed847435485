package io.sluice.redis;

import static io.sluice.Eventually.eventually;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sluice.TestPorts;
import io.sluice.http.ScriptedServer;
import io.sluice.model.ErrorKind;
import io.sluice.model.InvalidValueException;
import io.vertx.redis.client.Response;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
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
  void nobodyListening() {
    try (TestPorts.Deaf deaf = TestPorts.deaf()) {
      RedisConfig config = RedisConfig.of("redis://user:secret@127.0.0.1:" + deaf.port());
      try (RedisClient nobody = new RedisClient(TestRedis.vertx(), config)) {
        assertThatThrownBy(() -> nobody.call("PING"))
            .isInstanceOfSatisfying(
                RedisException.class,
                e -> {
                  assertThat(e.retryable()).isTrue();
                  assertThat(e).hasMessageContaining(":" + deaf.port());
                  assertThat(e.getMessage()).doesNotContain("secret");
                });
      }
      assertThat(config.toString()).doesNotContain("secret");
    }
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
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofMinutes(1));
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
      eventually(
          "a command that blocks",
          () -> client.call("CLIENT", "LIST").toString().contains("cmd=blpop"));
      assertThatThrownBy(() -> narrow.call("INCR", prefix + "n"))
          .isInstanceOf(RedisException.class);
      assertThatThrownBy(busy::get)
          .hasRootCauseInstanceOf(java.util.concurrent.TimeoutException.class);
      eventually("an answer", () -> succeeds(() -> narrow.call("PING")));
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
                    client.call("BLPOP", prefix + "nothing", "0");
                  } catch (RedisException e) {
                    seen.set(e.retryable() && Thread.currentThread().isInterrupted() ? 1 : 2);
                  }
                });
    eventually("the command", () -> client.call("CLIENT", "LIST").toString().contains("cmd=blpop"));
    caller.interrupt();
    // long before the time-out of the command, which would leave no interrupt
    caller.join();
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
        eventually("a subscription", subscription::connected);
        own.call("SET", "a", "1");
        own.call("PUBLISH", "news", "first");
        eventually("the first message", () -> heard.contains("first"));

        redis.kill();
        assertThatThrownBy(() -> own.call("GET", "a"))
            .isInstanceOfSatisfying(RedisException.class, e -> assertThat(e.retryable()).isTrue());
        eventually("the end of the connection", () -> !subscription.connected());
        Thread.sleep(300);
        redis.start();

        eventually("an answer", () -> succeeds(() -> own.call("PING")));
        assertThat(own.call("GET", "a").toString()).isEqualTo("1");
        eventually("a subscription", subscription::connected);
        own.call("PUBLISH", "news", "second");
        eventually("the second message", () -> heard.contains("second"));
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
          accepted.setSoTimeout(60_000);
          // the handshake, then nothing more: the other side closes
          assertThat(accepted.getInputStream().readAllBytes()).isNotEmpty();
        }
      }
      assertThat(subscription.connected()).isFalse();
    }
  }

  /** The client of Vert.x takes such a message for the answer and has none for the one it gets. */
  @Test
  void aMessageBetweenAPingAndItsAnswerDoesNoHarm() throws Exception {
    AtomicInteger pings = new AtomicInteger();
    try (ScriptedServer server =
            new ScriptedServer(
                peer -> {
                  BufferedReader in = new BufferedReader(new InputStreamReader(peer.in(), UTF_8));
                  for (String line = in.readLine(); line != null; line = in.readLine()) {
                    switch (line.toUpperCase(Locale.ROOT)) {
                      case "HELLO" -> peer.say("%1\r\n$5\r\nproto\r\n:3\r\n");
                      case "SUBSCRIBE" -> peer.say(">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
                      case "PING" -> {
                        String number = Integer.toString(pings.incrementAndGet());
                        peer.say(">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$" + number.length() + "\r\n");
                        peer.say(number + "\r\n+PONG\r\n");
                      }
                      default -> {} // lengths and arguments
                    }
                  }
                });
        RedisClient own =
            new RedisClient(
                TestRedis.vertx(),
                new RedisConfig("redis://127.0.0.1:" + server.port(), Duration.ofMillis(500), 1))) {
      Queue<String> heard = new ConcurrentLinkedQueue<>();
      AtomicInteger connected = new AtomicInteger();
      try (Subscription subscription = own.subscribe("c", connected::incrementAndGet, heard::add)) {
        eventually("some messages", () -> heard.size() >= 3);
        assertThat(subscription.connected()).isTrue();
      }
      assertThat(heard).startsWith("1", "2", "3");
      assertThat(connected).hasValue(1);
      assertThat(server.connections()).isEqualTo(1);
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
      eventually("a subscription", subscription::connected);
      client.call("CLIENT", "KILL", "TYPE", "pubsub");
      eventually("a listener", () -> client.call("PUBLISH", channel, "again").toInteger() == 1);
      eventually("the message", () -> heard.contains("again"));
    }
    eventually("no listener", () -> client.call("PUBLISH", channel, "over").toInteger() == 0);
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
}
