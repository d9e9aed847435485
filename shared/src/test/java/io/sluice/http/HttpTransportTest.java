package io.sluice.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sluice.Eventually;
import io.sluice.TestPorts;
import io.sluice.http.HttpFailure.Reason;
import io.sluice.http.ScriptedServer.Script;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(180)
class HttpTransportTest {
  /** Long enough for the first bytes to come, on a busy machine too. */
  private static final Duration STALL = Duration.ofMillis(1500);

  private static final byte[] BYTES = new byte[3 << 20];

  static {
    new Random(3).nextBytes(BYTES);
  }

  private final HttpTransport transport =
      new HttpTransport(
          TransportSettings.defaults()
              .withConnectTimeout(Duration.ofMinutes(1))
              .withStallTimeout(Duration.ofMinutes(1)));

  /** For those who wait in vain. */
  private final HttpTransport hasty =
      new HttpTransport(TransportSettings.defaults().withStallTimeout(STALL));

  @AfterEach
  void close() {
    transport.close();
    hasty.close();
  }

  // ---- bodies

  @Test
  void aBodyGoesStraightIntoNativeAndHeapMemory() throws Exception {
    try (ScriptedServer server = new ScriptedServer(bytesForEver());
        Arena arena = Arena.ofConfined()) {
      MemorySegment target = arena.allocate(BYTES.length + 16).fill((byte) 0x5a);
      List<Long> progress = new ArrayList<>();
      try (HttpAnswer answer = transport.send(get(server))) {
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.length()).hasValue(BYTES.length);
        assertThat(answer.receive(target.asSlice(8, BYTES.length), progress::add))
            .isEqualTo(BYTES.length);
        assertThat(answer.ended()).isTrue();
      }
      byte[] all = target.toArray(ValueLayout.JAVA_BYTE);
      assertThat(Arrays.mismatch(all, 8, 8 + BYTES.length, BYTES, 0, BYTES.length)).isEqualTo(-1);
      assertThat(all).startsWith(new byte[] {0x5a, 0x5a}).endsWith(new byte[] {0x5a, 0x5a});
      assertThat(progress).isSorted().endsWith((long) BYTES.length);

      long[] longs = new long[BYTES.length / 8];
      try (HttpAnswer answer = transport.send(get(server))) {
        answer.receive(MemorySegment.ofArray(longs), n -> {});
      }
      assertThat(MemorySegment.ofArray(longs).mismatch(MemorySegment.ofArray(BYTES))).isEqualTo(-1);
      assertThat(server.connections()).as("one connection for both").isEqualTo(1);
    }
  }

  @Test
  void aBodyThatIsShorterThanItsTargetIsTold() throws Exception {
    try (ScriptedServer server = answering("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")) {
      byte[] target = new byte[10];
      try (HttpAnswer answer = transport.send(get(server))) {
        assertThat(answer.receive(MemorySegment.ofArray(target), n -> {})).isEqualTo(3);
      }
      assertThat(target).startsWith('a', 'b', 'c', 0);
    }
  }

  @Test
  void chunkedBodiesAndBodiesUntilTheEndAreTaken() throws Exception {
    try (ScriptedServer server =
        answering(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
                + "5;x=y\r\nhello\r\n00A\r\n, big worl\r\n1\r\nd\r\n0\r\nTrailer: 1\r\n\r\n")) {
      assertThat(text(server)).isEqualTo("hello, big world");
      assertThat(text(server)).isEqualTo("hello, big world");
      assertThat(server.connections()).isEqualTo(1);
    }
    try (ScriptedServer server = answeringOnce("HTTP/1.0 200 OK\r\n\r\nuntil the end")) {
      assertThat(text(server)).isEqualTo("until the end");
      assertThat(transport.idleConnections()).as("of the second server").isEqualTo(1);
    }
  }

  @Test
  void whatHasNoBodyEndsAtOnce() throws Exception {
    try (ScriptedServer server =
        new ScriptedServer(
            peer -> {
              for (String head = peer.head(); head != null; head = peer.head()) {
                peer.say(
                    head.startsWith("HEAD")
                        ? "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n"
                        : "HTTP/1.1 204 No Content\r\n\r\n");
              }
            })) {
      for (String method : List.of("HEAD", "DELETE", "HEAD")) {
        HttpCall call = new HttpCall(server.origin(), method, "/", new HttpHeaders());
        try (HttpAnswer answer = transport.send(call)) {
          assertThat(answer.ended()).isTrue();
          assertThat(answer.bytes(1)).isEmpty();
        }
      }
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  @Test
  void bytesAreBounded() throws Exception {
    try (ScriptedServer server = answering("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")) {
      try (HttpAnswer answer = transport.send(get(server))) {
        assertThat(answer.bytes(3)).hasSize(3);
      }
      try (HttpAnswer answer = transport.send(get(server))) {
        assertReason(Reason.MALFORMED, () -> answer.bytes(2));
      }
    }
  }

  // ---- requests

  @Test
  void segmentsAndStreamsAreSentWhole() throws Exception {
    BlockingQueue<byte[]> bodies = new LinkedBlockingQueue<>();
    try (ScriptedServer server =
            new ScriptedServer(
                peer -> {
                  for (String head = peer.head(); head != null; head = peer.head()) {
                    bodies.add(peer.in().readNBytes(length(head)));
                    peer.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                  }
                });
        Arena arena = Arena.ofConfined()) {
      MemorySegment ofNative = arena.allocate(BYTES.length);
      ofNative.copyFrom(MemorySegment.ofArray(BYTES));
      MemorySegment ofHeap = MemorySegment.ofArray(new long[] {0x1122334455667788L}).asReadOnly();
      put(server, RequestBody.of(ofNative, ofHeap));
      assertThat(bodies.take()).hasSize(BYTES.length + 8).startsWith(BYTES).contains(0x11, 0x88);
      put(server, new RequestBody.Stream(() -> new ByteArrayInputStream(BYTES), BYTES.length));
      assertThat(bodies.take()).isEqualTo(BYTES);
      put(server, RequestBody.none());
      assertThat(bodies.take()).isEmpty();
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  @Test
  void aBodyWaitsUntilItIsWanted() throws Exception {
    AtomicInteger sent = new AtomicInteger();
    try (ScriptedServer server =
        new ScriptedServer(
            peer -> {
              String head = peer.head();
              if (peer.number() == 1) {
                peer.say("HTTP/1.1 412 No\r\nContent-Length: 0\r\n\r\n");
                sent.addAndGet(peer.in().readNBytes(1).length);
              } else {
                peer.say("HTTP/1.1 100 Continue\r\n\r\n");
                sent.addAndGet(peer.in().readNBytes(length(head)).length);
                peer.say("HTTP/1.1 102 Processing\r\n\r\n");
                peer.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
              }
            })) {
      HttpCall call = expecting(server);
      try (HttpAnswer answer = transport.send(call)) {
        assertThat(answer.status()).isEqualTo(412);
      }
      assertThat(sent).hasValue(0);
      try (HttpAnswer answer = transport.send(call)) {
        assertThat(answer.status()).isEqualTo(200);
      }
      assertThat(sent).hasValue(BYTES.length);
      assertThat(server.connections()).as("a body that was not sent ends its one").isEqualTo(2);
    }
  }

  @Test
  void aServerThatNeverContinuesGetsTheBodyAllTheSame() throws Exception {
    try (ScriptedServer server =
        new ScriptedServer(
            peer -> {
              peer.in().readNBytes(length(peer.head()));
              peer.say("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
            })) {
      try (HttpAnswer answer = transport.send(expecting(server))) {
        assertThat(answer.status()).isEqualTo(201);
      }
    }
  }

  @Test
  void aRefusalInTheMiddleOfTheBodyIsHeard() throws Exception {
    try (ScriptedServer server =
        new ScriptedServer(
            peer -> {
              peer.head();
              peer.in().readNBytes(100_000);
              peer.say("HTTP/1.1 507 Full\r\nContent-Length: 4\r\n\r\nfull");
              peer.socket().shutdownOutput();
              peer.socket().close(); // with unread bytes: a reset follows
            })) {
      byte[] large = new byte[32 << 20];
      HttpCall call =
          new HttpCall(
              server.origin(),
              "PUT",
              "/",
              new HttpHeaders(),
              RequestBody.of(MemorySegment.ofArray(large)),
              Duration.ZERO);
      try (HttpAnswer answer = transport.send(call)) {
        assertThat(answer.status()).isEqualTo(507);
      } catch (HttpFailure e) {
        // The kernel may drop the answer with the reset; then it must be told as broken.
        assertThat(e.reason()).isEqualTo(Reason.BROKEN);
      }
      assertThat(transport.idleConnections()).isZero();
    }
  }

  @Test
  void headersCannotBeForged() {
    HttpHeaders headers = new HttpHeaders();
    for (String bad : List.of("a\r\nEvil: 1", "a\nb", "nul\0", "wide\u0100")) {
      assertThatThrownBy(() -> headers.add("Name", bad))
          .isInstanceOf(IllegalArgumentException.class);
    }
    for (String bad : List.of("", "a b", "a:b", "a\r")) {
      assertThatThrownBy(() -> headers.add(bad, "1")).isInstanceOf(IllegalArgumentException.class);
    }
    Origin origin = new Origin(false, "h", 1);
    for (String bad : List.of("", "x", "/a b", "/a\r\nEvil: 1")) {
      assertThatThrownBy(() -> new HttpCall(origin, "GET", bad, headers))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> new HttpCall(origin, "GET /", "/", headers))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(new HttpHeaders().add("Authorization", "secret").toString())
        .doesNotContain("secret");
  }

  // ---- the pool

  @Test
  void aKeptConnectionThatDiedIsReplacedOnce() throws Exception {
    try (ScriptedServer server =
        new ScriptedServer(
            peer -> {
              peer.head();
              peer.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
              // and closes, though it did not say so
            })) {
      for (int i = 1; i <= 3; i++) {
        assertThat(text(server)).isEqualTo("ok");
        assertThat(server.connections()).isEqualTo(i);
      }
    }
  }

  @Test
  void aPutThatMayHaveBeenDoneIsNotRepeated() throws Exception {
    AtomicInteger bodies = new AtomicInteger();
    try (ScriptedServer server =
        new ScriptedServer(
            peer -> {
              peer.head();
              peer.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
              if (peer.head() != null) {
                peer.in().readNBytes(5);
                bodies.incrementAndGet();
              }
            })) {
      assertThat(text(server)).isEqualTo("ok");
      HttpCall put =
          new HttpCall(
              server.origin(),
              "PUT",
              "/",
              new HttpHeaders().add("If-None-Match", "*"),
              RequestBody.of(MemorySegment.ofArray(new byte[5])),
              Duration.ZERO);
      assertReason(Reason.BROKEN, () -> transport.send(put));
      assertThat(bodies).hasValue(1);
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  @Test
  void connectionsAreKeptForAWhileAndNotMoreThanAllowed() throws Exception {
    try (HttpTransport few = new HttpTransport(TransportSettings.defaults().withIdle(2, STALL));
        ScriptedServer server = new ScriptedServer(bytesForEver())) {
      List<HttpAnswer> answers = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        answers.add(few.send(get(server)));
      }
      for (HttpAnswer answer : answers) {
        answer.receive(MemorySegment.ofArray(new byte[BYTES.length]), n -> {});
      }
      assertThat(few.idleConnections()).isEqualTo(2);
      Eventually.eventually("no idle connection", () -> few.idleConnections() == 0);
    }
  }

  @Test
  void anAnswerThatIsClosedEarlyDoesNotLeakIntoTheNext() throws Exception {
    try (ScriptedServer server = new ScriptedServer(bytesForEver())) {
      try (HttpAnswer answer = transport.send(get(server))) {
        answer.receive(MemorySegment.ofArray(new byte[100]), n -> {});
      }
      assertThat(transport.idleConnections()).isZero();
      try (HttpAnswer answer = transport.send(get(server))) {
        assertThat(answer.bytes(BYTES.length)).isEqualTo(BYTES);
      }
    }
  }

  @Test
  void aConnectionWithMoreThanItsAnswerIsDropped() throws Exception {
    try (ScriptedServer server =
        answeringOnce("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n")) {
      assertThat(text(server)).isEqualTo("ok");
      assertThat(transport.idleConnections()).isZero();
    }
  }

  // ---- failures

  @Test
  void nobodyThereIsRefused() {
    try (TestPorts.Deaf deaf = TestPorts.deaf()) {
      Origin nobody = new Origin(false, "127.0.0.1", deaf.port());
      HttpFailure e =
          assertReason(
              Reason.REFUSED,
              () -> transport.send(new HttpCall(nobody, "GET", "/", new HttpHeaders())));
      assertThat(e).hasMessageContaining("127.0.0.1:" + deaf.port());
    }
    Origin unknown = new Origin(false, "no-such-host.invalid", 80);
    assertReason(
        Reason.LOOKUP, () -> transport.send(new HttpCall(unknown, "GET", "/", new HttpHeaders())));
  }

  @Test
  void anEarlyEndAndAResetTellWhatCame() throws Exception {
    CountDownLatch came = new CountDownLatch(2);
    try (ScriptedServer server =
        new ScriptedServer(
            peer -> {
              peer.head();
              peer.say("HTTP/1.1 200 OK\r\nContent-Length: " + BYTES.length + "\r\n\r\n");
              peer.out().write(BYTES, 0, 1 << 20);
              if (peer.number() == 2) {
                came.await(); // a reset discards what was not read
                peer.reset();
              }
            })) {
      for (int i = 1; i <= 2; i++) {
        byte[] target = new byte[BYTES.length];
        try (HttpAnswer answer = transport.send(get(server))) {
          HttpFailure e =
              assertReason(
                  Reason.BROKEN,
                  () ->
                      answer.receive(
                          MemorySegment.ofArray(target),
                          n -> {
                            if (n == 1 << 20) {
                              came.countDown();
                            }
                          }));
          assertThat(e.received()).isEqualTo(1 << 20);
          assertThat(Arrays.mismatch(target, 0, 1 << 20, BYTES, 0, 1 << 20)).isEqualTo(-1);
        }
      }
    }
  }

  @Test
  void stallsEndWhereverTheyAre() throws Exception {
    String begun = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc";
    for (String said : List.of("", "HTTP/1.1 200", begun)) {
      try (ScriptedServer server =
          new ScriptedServer(
              peer -> {
                peer.head();
                peer.say(said);
                peer.in().read(); // until the client closes
              })) {
        long start = System.nanoTime();
        HttpFailure e =
            assertReason(
                Reason.STALLED,
                () -> {
                  try (HttpAnswer answer = hasty.send(get(server))) {
                    answer.receive(MemorySegment.ofArray(new byte[10]), n -> {});
                  }
                });
        assertThat(e.received()).isEqualTo(said.equals(begun) ? 3 : 0);
        assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(STALL.toNanos());
      }
    }
  }

  @Test
  void aBodyThatNobodyTakesStallsToo() throws Exception {
    try (ScriptedServer server =
        new ScriptedServer(
            peer -> {
              peer.head();
              Thread.sleep(Duration.ofMinutes(1));
            })) {
      HttpCall call =
          new HttpCall(
              server.origin(),
              "PUT",
              "/",
              new HttpHeaders(),
              RequestBody.of(MemorySegment.ofArray(new byte[64 << 20])),
              Duration.ZERO);
      assertReason(Reason.STALLED, () -> hasty.send(call));
    }
  }

  @Test
  void aTrickleMeetsTheDeadline() throws Exception {
    try (ScriptedServer server =
        new ScriptedServer(
            peer -> {
              peer.head();
              peer.say("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
              for (int i = 0; i < 1000; i++) {
                peer.say("x");
                Thread.sleep(10);
              }
            })) {
      HttpCall call =
          new HttpCall(server.origin(), "GET", "/", new HttpHeaders(), RequestBody.none(), STALL);
      HttpFailure e =
          assertReason(
              Reason.DEADLINE,
              () -> {
                try (HttpAnswer answer = transport.send(call)) {
                  answer.receive(MemorySegment.ofArray(new byte[1000]), n -> {});
                }
              });
      assertThat(e.received()).isBetween(1L, 999L);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void interruptingTheThreadEndsItsRequest(boolean virtual) throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    try (ScriptedServer server =
        new ScriptedServer(
            peer -> {
              peer.head();
              peer.say("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc");
              begun.countDown();
              peer.in().read();
            })) {
      AtomicReference<Throwable> seen = new AtomicReference<>();
      AtomicReference<Boolean> interrupted = new AtomicReference<>();
      Runnable body =
          () -> {
            try (HttpAnswer answer = transport.send(get(server))) {
              answer.receive(MemorySegment.ofArray(new byte[1000]), n -> {});
            } catch (HttpFailure e) {
              seen.set(e);
              interrupted.set(Thread.currentThread().isInterrupted());
            }
          };
      Thread thread = virtual ? Thread.ofVirtual().start(body) : Thread.ofPlatform().start(body);
      begun.await();
      Thread.sleep(50); // in the middle of its answer, most probably
      thread.interrupt();
      thread.join();
      assertThat(seen.get())
          .isInstanceOfSatisfying(
              HttpFailure.class, e -> assertThat(e.reason()).isEqualTo(Reason.CANCELLED));
      assertThat(interrupted.get()).isTrue();
    }
  }

  @Test
  void abortAndCloseEndARequestFromAnotherThread() throws Exception {
    Script stuck =
        peer -> {
          peer.head();
          peer.say("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc");
          peer.in().read();
        };
    try (ScriptedServer server = new ScriptedServer(stuck)) {
      HttpAnswer answer = transport.send(get(server));
      Thread.ofVirtual()
          .start(
              () -> {
                sleep(100);
                answer.abort();
              });
      assertReason(
          Reason.CANCELLED, () -> answer.receive(MemorySegment.ofArray(new byte[1000]), n -> {}));
      HttpAnswer second = transport.send(get(server));
      transport.close();
      assertReason(
          Reason.CANCELLED, () -> second.receive(MemorySegment.ofArray(new byte[1000]), n -> {}));
      assertReason(Reason.CANCELLED, () -> transport.send(get(server)));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "nonsense\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 20x OK\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\n\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1,2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nBad name: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nFolded: 1\r\n 2\r\n\r\n",
        "HTTP/1.1 101 Switching\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"
      })
  void whatIsNoHttpIsRefused(String answer) throws Exception {
    try (ScriptedServer server = answeringOnce(answer)) {
      HttpFailure e = assertReason(Reason.MALFORMED, () -> text(server));
      assertThat(e.passing()).isFalse();
      assertThat(transport.idleConnections()).isZero();
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  @Test
  void headsAreBounded() throws Exception {
    String name = "X-Long: ";
    try (ScriptedServer server =
        new ScriptedServer(
            peer -> {
              peer.head();
              peer.say("HTTP/1.1 200 OK\r\n" + name + "y".repeat(70 << 10) + "\r\n\r\n");
            })) {
      assertThat(assertReason(Reason.MALFORMED, () -> text(server)))
          .hasMessageContaining("" + (64 << 10));
    }
    try (ScriptedServer server =
        answering(
            "HTTP/1.1 200 OK\r\n"
                + name
                + "y".repeat(60 << 10)
                + "\r\nContent-Length: 2\r\n\r\nok")) {
      assertThat(text(server)).isEqualTo("ok");
    }
  }

  // ---- tools

  private static Script bytesForEver() {
    return peer -> {
      while (peer.head() != null) {
        peer.say("HTTP/1.1 200 OK\r\nContent-Length: " + BYTES.length + "\r\n\r\n");
        peer.out().write(BYTES);
      }
    };
  }

  private static ScriptedServer answering(String answer) throws IOException {
    return new ScriptedServer(
        peer -> {
          while (peer.head() != null) {
            peer.say(answer);
          }
        });
  }

  private static ScriptedServer answeringOnce(String answer) throws IOException {
    return new ScriptedServer(
        peer -> {
          peer.head();
          peer.say(answer);
        });
  }

  private static int length(String head) {
    return head.lines()
        .filter(line -> line.startsWith("Content-Length: "))
        .mapToInt(line -> Integer.parseInt(line.substring(16)))
        .findFirst()
        .orElse(0);
  }

  private static HttpCall get(ScriptedServer server) {
    return new HttpCall(server.origin(), "GET", "/x?y=z", new HttpHeaders());
  }

  private static HttpCall expecting(ScriptedServer server) {
    return new HttpCall(
        server.origin(),
        "PUT",
        "/",
        new HttpHeaders().add("Expect", "100-continue"),
        RequestBody.of(MemorySegment.ofArray(BYTES)),
        Duration.ZERO);
  }

  private void put(ScriptedServer server, RequestBody body) throws IOException {
    HttpCall call =
        new HttpCall(server.origin(), "PUT", "/", new HttpHeaders(), body, Duration.ZERO);
    try (HttpAnswer answer = transport.send(call)) {
      assertThat(answer.status()).isEqualTo(200);
    }
  }

  private String text(ScriptedServer server) throws IOException {
    try (HttpAnswer answer = transport.send(get(server))) {
      return new String(answer.bytes(1000), StandardCharsets.UTF_8);
    }
  }

  private static HttpFailure assertReason(Reason reason, ThrowingCallable call) {
    HttpFailure e = catchThrowableOfType(HttpFailure.class, call);
    assertThat(e).as("an HttpFailure").isNotNull();
    assertThat(e.reason()).as("%s", e).isEqualTo(reason);
    return e;
  }

  private static void sleep(int millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
