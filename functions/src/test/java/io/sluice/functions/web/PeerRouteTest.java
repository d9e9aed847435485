package io.sluice.functions.web;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;

import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.sluice.cache.ChunkKey;
import io.sluice.cache.ShardHolders;
import io.sluice.cache.peer.PeerCache;
import io.sluice.cache.peer.PeerSettings;
import io.sluice.functions.problem.Problem;
import io.sluice.http.RequestSigner;
import io.sluice.memory.HeldShards;
import io.sluice.memory.Slab;
import io.sluice.memory.SlabPool;
import io.sluice.model.ByteRange;
import io.sluice.model.ContentHasher;
import io.sluice.model.Digest;
import io.sluice.model.ShardDescriptor;
import jakarta.inject.Inject;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a worker gives to others, from the memory where it lies. */
@QuarkusTest
class PeerRouteTest {
  private static final int CHUNK = 1 << 20;
  private static final Digest OWNER = Digest.sha256(new byte[] {1});

  @Inject HeldShards held;
  @Inject SlabPool pool;

  @TestHTTPResource("/")
  URI address;

  private final byte[] bytes = new byte[24 * CHUNK + 77];
  private ShardDescriptor shard;

  @BeforeEach
  void hold() {
    new Random(3).nextBytes(bytes);
    ContentHasher hasher = new ContentHasher(bytes.length, CHUNK);
    hasher.update(MemorySegment.ofArray(bytes));
    shard = hasher.finish();
    Slab slab = pool.allocate(bytes.length);
    slab.segment().copyFrom(MemorySegment.ofArray(bytes));
    assertThat(held.put(OWNER, shard.digest(), new ByteRange(0, bytes.length), slab)).isTrue();
  }

  @AfterEach
  void letGo() throws InterruptedException {
    held.release(OWNER);
    awaitNothingLingers();
    assertThat(held.footprint()).isZero();
  }

  private void awaitNothingLingers() throws InterruptedException {
    long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (held.lingering() > 0) {
      assertThat(System.nanoTime()).as("memory is given back").isLessThan(deadline);
      Thread.sleep(5);
    }
  }

  private String path() {
    return "/shards/" + shard.digest();
  }

  @Test
  void givesAnyRange() {
    for (long[] range :
        new long[][] {
          {0, 0}, {0, 76}, {CHUNK - 1, CHUNK}, {5, 3L * CHUNK + 5}, {0, bytes.length - 1}
        }) {
      byte[] got =
          given()
              .header("Range", "bytes=" + range[0] + "-" + range[1])
              .get(path())
              .then()
              .statusCode(206)
              .header("Content-Range", "bytes " + range[0] + "-" + range[1] + "/*")
              .header("Content-Length", Long.toString(range[1] - range[0] + 1))
              .extract()
              .asByteArray();
      assertThat(Arrays.equals(got, Arrays.copyOfRange(bytes, (int) range[0], (int) range[1] + 1)))
          .isTrue();
    }
  }

  @Test
  void refusesWhatItDoesNotHoldOrUnderstand() {
    given()
        .header("Range", "bytes=0-" + bytes.length)
        .get(path())
        .then()
        .statusCode(404)
        .contentType(Problem.MEDIA_TYPE)
        .body("code", equalTo("shard-not-held"));
    given()
        .header("Range", "bytes=0-1")
        .get("/shards/sha256:" + "0".repeat(64))
        .then()
        .statusCode(404)
        .body("code", equalTo("shard-not-held"));
    given()
        .header("Range", "bytes=0-1")
        .get("/shards/..%2Fsecret")
        .then()
        .statusCode(400)
        .body("code", equalTo("digest-invalid"));
    for (String range :
        new String[] {"bytes=5-4", "bytes=-5", "bytes=0-1,3-4", "bytes=0-9999999999999999999"}) {
      given()
          .header("Range", range)
          .get(path())
          .then()
          .statusCode(400)
          .body("code", equalTo("range-invalid"))
          .body("detail", containsString(range));
    }
    given().get(path()).then().statusCode(400).body("code", equalTo("range-invalid"));
  }

  @Test
  void theClientOfOtherWorkersReadsAllOfIt() throws Exception {
    ShardHolders holders = new ShardHolders();
    holders.located(shard.digest(), List.of(address));
    PeerSettings settings = new PeerSettings(Duration.ofSeconds(5), Duration.ofSeconds(20));
    try (PeerCache cache = new PeerCache(holders, settings, RequestSigner.NONE);
        Arena arena = Arena.ofConfined();
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      MemorySegment all = Arena.global().allocate(bytes.length);
      List<Future<Boolean>> reads = new ArrayList<>();
      for (int i = 0; i < shard.checksums().count(); i++) {
        ChunkKey key = ChunkKey.of(shard, i);
        MemorySegment target = all.asSlice(key.range().offset(), key.length());
        reads.add(threads.submit(() -> cache.get(key, target) && key.matches(target)));
      }
      for (Future<Boolean> read : reads) {
        assertThat(read.get()).isTrue();
      }
      assertThat(all.mismatch(MemorySegment.ofArray(bytes))).isEqualTo(-1);
      held.release(OWNER);
      ChunkKey key = ChunkKey.of(shard, 0);
      assertThat(cache.get(key, arena.allocate(key.length()))).isFalse();
      assertThat(cache.mayHave(shard.digest())).isFalse();
    }
  }

  @Test
  void whatIsBeingGivenStaysThoughItIsUnloaded() throws Exception {
    try (Socket slow = ask()) {
      InputStream in = slow.getInputStream();
      skipHead(in);
      byte[] first = in.readNBytes(100_000);
      held.release(OWNER);
      assertThat(held.lingering()).as("memory that is still read").isPositive();
      byte[] rest = in.readNBytes(bytes.length - first.length);
      assertThat(Arrays.equals(first, 0, first.length, bytes, 0, first.length)).isTrue();
      assertThat(Arrays.equals(rest, 0, rest.length, bytes, first.length, bytes.length)).isTrue();
    }
    awaitNothingLingers();
  }

  @Test
  void aPeerThatGoesAwayInTheMiddleGivesTheMemoryBack() throws Exception {
    for (int i = 0; i < 10; i++) {
      try (Socket rude = ask()) {
        skipHead(rude.getInputStream());
        rude.getInputStream().readNBytes(10_000);
        rude.setSoLinger(true, 0);
      }
    }
    held.release(OWNER);
    awaitNothingLingers();
  }

  private Socket ask() throws IOException {
    Socket socket = new Socket();
    socket.setReceiveBufferSize(64 << 10);
    socket.connect(new java.net.InetSocketAddress(address.getHost(), address.getPort()));
    String request =
        "GET " + path() + " HTTP/1.1\r\nHost: x\r\nRange: bytes=0-" + (bytes.length - 1);
    socket.getOutputStream().write((request + "\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
    return socket;
  }

  private static void skipHead(InputStream in) throws IOException {
    int matched = 0;
    while (matched < 4) {
      int b = in.read();
      assertThat(b).isNotNegative();
      matched = b == (matched % 2 == 0 ? '\r' : '\n') ? matched + 1 : b == '\r' ? 1 : 0;
    }
  }
}
