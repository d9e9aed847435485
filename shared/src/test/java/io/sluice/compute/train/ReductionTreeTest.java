package io.sluice.compute.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.compute.train.redis.RedisExchange;
import io.sluice.model.Keys;
import io.sluice.model.SluiceException;
import io.sluice.redis.RedisClient;
import io.sluice.redis.TestRedis;
import io.sluice.storage.ShardStore;
import io.sluice.storage.file.FileShardStore;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The tree over a real Redis and a store of files. */
class ReductionTreeTest {
  @TempDir Path temp;

  private final RedisClient redis = TestRedis.shared().client();
  private final String prefix = TestRedis.prefix();
  private final AtomicInteger combined = new AtomicInteger();
  private ShardStore store;
  private Exchange exchange;

  @BeforeEach
  void open() {
    store = new FileShardStore(temp);
    exchange =
        new SpillingExchange(new RedisExchange(redis, prefix, Duration.ofMinutes(1)), store, 40);
  }

  @AfterEach
  void close() {
    store.close();
    redis.close();
  }

  /** Keeps the order in sight: what is joined is a text. */
  private ReductionTree tree(int leaves) {
    return new ReductionTree(
        exchange,
        "job/3",
        leaves,
        parts -> {
          combined.incrementAndGet();
          StringBuilder joined = new StringBuilder("(");
          parts.forEach(part -> joined.append(new String(part, StandardCharsets.UTF_8)));
          return joined.append(')').toString().getBytes(StandardCharsets.UTF_8);
        });
  }

  private static byte[] leaf(int i) {
    return Integer.toString(i, 36).getBytes(StandardCharsets.UTF_8);
  }

  private static String expected(int leaves) {
    List<String> level = new ArrayList<>();
    for (int i = 0; i < leaves; i++) {
      level.add(Integer.toString(i, 36));
    }
    while (level.size() > 1) {
      List<String> next = new ArrayList<>();
      for (int i = 0; i < level.size(); i += ReductionTree.FAN_IN) {
        int end = Math.min(level.size(), i + ReductionTree.FAN_IN);
        next.add("(" + String.join("", level.subList(i, end)) + ")");
      }
      level = next;
    }
    return level.getFirst();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 8, 9, 64, 65, 150})
  void oneResultInAnyOrderAndTwice(int leaves) {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < leaves; i++) {
      order.add(i);
    }
    Collections.shuffle(order, new Random(leaves));
    for (int i : order.subList(0, leaves - 1)) {
      tree(leaves).put(i, leaf(i));
      if (i % 5 == 0) {
        tree(leaves).put(i, leaf(i));
      }
    }
    assertThat(tree(leaves).root()).isEmpty();
    tree(leaves).put(order.getLast(), leaf(order.getLast()));
    assertThat(new String(tree(leaves).root().orElseThrow(), StandardCharsets.UTF_8))
        .isEqualTo(expected(leaves));
    // late ones change nothing
    tree(leaves).put(0, leaf(0));
    assertThat(new String(tree(leaves).root().orElseThrow(), StandardCharsets.UTF_8))
        .isEqualTo(expected(leaves));
    tree(leaves).clear();
    assertThat(tree(leaves).root()).isEmpty();
    assertThat(redis.call("KEYS", prefix + "*").size()).isZero();
    List<String> left = new ArrayList<>();
    store.list(Keys.SCRATCH, o -> left.add(o.key()));
    assertThat(left).isEmpty();
  }

  @Test
  void allAtOnceStillMeet() throws Exception {
    int leaves = 100;
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < leaves; i++) {
        int leaf = i;
        all.add(threads.submit(() -> tree(leaves).put(leaf, leaf(leaf))));
      }
      for (Future<?> one : all) {
        one.get();
      }
    }
    assertThat(new String(tree(leaves).root().orElseThrow(), StandardCharsets.UTF_8))
        .isEqualTo(expected(leaves));
    assertThat(combined.get()).isGreaterThanOrEqualTo(13 + 2 + 1);
  }

  @Test
  void largeValuesLieInTheStoreAndAreChecked() {
    byte[] large = new byte[100_000];
    new Random(1).nextBytes(large);
    byte[] small = Arrays.copyOf(large, 40);
    exchange.put("job/large", large);
    exchange.put("job/small", small);
    exchange.put("job/large", large);
    assertThat(exchange.get("job/large")).hasValue(large);
    assertThat(exchange.get("job/small")).hasValue(small);
    assertThat(exchange.hasAll(List.of("job/large", "job/small"))).isTrue();
    assertThat(exchange.hasAll(List.of("job/large", "job/none"))).isFalse();
    assertThat(exchange.get("job/none")).isEmpty();
    assertThat(redis.call("STRLEN", prefix + "exchange:job/large").toInteger()).isLessThan(20);
    assertThat(redis.call("PTTL", prefix + "exchange:job/small").toLong()).isBetween(1L, 60_000L);

    store.delete(Keys.scratch("job/large"));
    assertThat(exchange.get("job/large")).as("its object is gone").isEmpty();
    large[5]++;
    store.putIfAbsent(Keys.scratch("job/large"), MemorySegment.ofArray(large));
    assertThatThrownBy(() -> exchange.get("job/large"))
        .isInstanceOfSatisfying(
            SluiceException.class, e -> assertThat(e.code()).isEqualTo("object-corrupt"));
    exchange.remove(List.of("job/large", "job/small", "job/none"));
    assertThat(exchange.get("job/small")).isEmpty();
    List<String> left = new ArrayList<>();
    store.list(Keys.SCRATCH, o -> left.add(o.key()));
    assertThat(left).isEmpty();
  }
}
