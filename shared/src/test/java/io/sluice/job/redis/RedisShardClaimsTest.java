package io.sluice.job.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.job.ShardClaims.Advice;
import io.sluice.job.ShardClaims.Answer;
import io.sluice.job.Worker;
import io.sluice.model.ByteRange;
import io.sluice.model.Digest;
import io.sluice.redis.RedisClient;
import io.sluice.redis.TestRedis;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class RedisShardClaimsTest {
  private static final Duration LONG = Duration.ofMinutes(1);
  private static final Digest SHARD = Digest.sha256(new byte[] {1});
  private static final List<ByteRange> WHOLE = List.of(new ByteRange(0, 100));
  private static RedisClient client;

  private final String prefix = TestRedis.prefix();
  private final RedisShardClaims claims = new RedisShardClaims(client, prefix);
  private final RedisWorkerRegistry registry = new RedisWorkerRegistry(client, prefix, LONG);

  @BeforeAll
  static void connect() {
    client = TestRedis.shared().client();
  }

  @AfterAll
  static void disconnect() {
    client.close();
  }

  private Worker holder(String id, String coverage) {
    Worker worker = new Worker(id, id + "-1", "http://" + id + ":80", Instant.now(), 10, 10, 0);
    registry.register(worker);
    registry.updateHeld(worker, Map.of(SHARD, coverage), List.of());
    return worker;
  }

  private Answer ask(String incarnation, List<ByteRange> runs, URI... without) {
    return claims.ask(incarnation, SHARD, runs, List.of(without), LONG);
  }

  @Test
  void oneReadsAndTheOthersWaitUntilItIsReleased() {
    assertThat(ask("a", WHOLE).advice()).isEqualTo(Advice.READ);
    assertThat(ask("b", WHOLE).advice()).isEqualTo(Advice.WAIT);
    assertThat(ask("a", WHOLE).advice()).as("asked again").isEqualTo(Advice.READ);
    claims.release("b", SHARD, WHOLE);
    assertThat(ask("b", WHOLE).advice()).as("released by somebody else").isEqualTo(Advice.WAIT);
    claims.release("a", SHARD, WHOLE);
    assertThat(ask("b", WHOLE).advice()).isEqualTo(Advice.READ);
    assertThat(claims.renew("a", SHARD, WHOLE, LONG)).isFalse();
    assertThat(claims.renew("b", SHARD, WHOLE, LONG)).isTrue();
  }

  @Test
  void otherBytesAreClaimedApart() {
    List<ByteRange> part = List.of(new ByteRange(0, 50));
    assertThat(ask("a", WHOLE).advice()).isEqualTo(Advice.READ);
    assertThat(ask("b", part).advice()).isEqualTo(Advice.READ);
    assertThat(claims.ask("b", Digest.sha256(new byte[] {2}), WHOLE, List.of(), LONG).advice())
        .isEqualTo(Advice.READ);
  }

  @Test
  void aClaimEndsWithItsLeaseUnlessItIsRenewed() {
    assertThat(ask("a", WHOLE).advice()).isEqualTo(Advice.READ);
    for (int i = 0; i < 3; i++) {
      RedisTime.passes(client, prefix, LONG.dividedBy(2));
      assertThat(claims.renew("a", SHARD, WHOLE, LONG)).isTrue();
      assertThat(ask("b", WHOLE).advice()).isEqualTo(Advice.WAIT);
    }
    RedisTime.passes(client, prefix, LONG);
    assertThat(ask("b", WHOLE).advice()).isEqualTo(Advice.READ);
    assertThat(claims.renew("a", SHARD, WHOLE, LONG)).isFalse();
  }

  @Test
  void whoHoldsAllOfItIsNamedAndNobodyElse() {
    holder("whole", "0:100");
    holder("runs", "0:40,40:70,80:100");
    Worker gone = holder("gone", "0:100");
    registry.deregister(gone);
    URI whole = URI.create("http://whole:80");
    URI runs = URI.create("http://runs:80");

    Answer answer = ask("a", WHOLE);
    assertThat(answer.advice()).isEqualTo(Advice.ASK);
    assertThat(answer.holders()).containsExactly(whole);
    List<ByteRange> two = List.of(new ByteRange(0, 10), new ByteRange(85, 15));
    assertThat(ask("a", two).holders()).containsExactlyInAnyOrder(whole, runs);
    List<ByteRange> across = List.of(new ByteRange(30, 20));
    assertThat(ask("a", across).holders()).containsExactly(whole);

    assertThat(ask("whole-1", WHOLE).advice()).as("the holder itself").isEqualTo(Advice.READ);
    claims.release("whole-1", SHARD, WHOLE);
    assertThat(ask("a", WHOLE, whole).advice()).as("it did not give").isEqualTo(Advice.READ);
    assertThat(ask("b", WHOLE).advice()).as("others may try it").isEqualTo(Advice.ASK);
    assertThat(ask("b", WHOLE, whole).advice()).isEqualTo(Advice.WAIT);
  }

  @Test
  void holdersAreDrawnFromAllOfThem() {
    for (int i = 0; i < 40; i++) {
      holder("w" + i, "0:100");
    }
    java.util.Set<URI> named = new java.util.HashSet<>();
    for (int i = 0; i < 50; i++) {
      Answer answer = ask("a", WHOLE);
      assertThat(answer.holders()).hasSize(16).doesNotHaveDuplicates();
      named.addAll(answer.holders());
    }
    assertThat(named).hasSizeGreaterThan(35);
  }

  @Test
  void ofManyWhoAskAtOnceOneReads() throws Exception {
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Answer>> answers = new ArrayList<>();
      for (int i = 0; i < 32; i++) {
        String id = "w" + i;
        answers.add(threads.submit(() -> ask(id, WHOLE)));
      }
      int reading = 0;
      for (Future<Answer> answer : answers) {
        reading += answer.get().advice() == Advice.READ ? 1 : 0;
      }
      assertThat(reading).isEqualTo(1);
    }
  }
}
