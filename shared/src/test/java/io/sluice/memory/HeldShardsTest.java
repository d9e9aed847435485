package io.sluice.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.ByteRange;
import io.sluice.model.Digest;
import io.sluice.model.InvalidValueException;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class HeldShardsTest {
  private static final Digest SHARD = Digest.sha256(new byte[] {1});
  private static final Digest OTHER = Digest.sha256(new byte[] {2});
  private static final Digest V1 = Digest.sha256(new byte[] {3});
  private static final Digest V2 = Digest.sha256(new byte[] {4});
  private static final long G = SlabPool.GRANULE;

  private final SlabPool pool = new SlabPool(16 << 20);
  private final HeldShards held = new HeldShards();

  @AfterEach
  void everythingIsFreed() {
    held.snapshot().values().forEach(h -> h.owners().forEach(held::release));
    assertThat(held.footprint()).isZero();
    assertThat(held.lingering()).isZero();
    pool.close();
  }

  private static ByteRange range(long begin, long end) {
    return ByteRange.between(begin, end);
  }

  /** Byte i of a shard has the value i mod 251. */
  private Slab slab(long begin, long end) {
    Slab slab = pool.allocate(end - begin);
    for (long i = begin; i < end; i++) {
      slab.segment().set(ValueLayout.JAVA_BYTE, i - begin, (byte) (i % 251));
    }
    return slab;
  }

  private void put(Digest owner, Digest shard, long begin, long end) {
    assertThat(held.put(owner, shard, range(begin, end), slab(begin, end))).isTrue();
  }

  private static void verify(HeldView view, long begin) {
    byte[] bytes = view.segment().toArray(ValueLayout.JAVA_BYTE);
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] != (byte) ((begin + i) % 251)) {
        throw new AssertionError("byte " + (begin + i) + " is " + bytes[i]);
      }
    }
  }

  @Test
  void viewsGiveTheBytesOfOneRun() {
    put(V1, SHARD, 100, 200);
    put(V1, SHARD, 300, 400);
    try (HeldView view = held.open(SHARD, range(310, 390)).orElseThrow()) {
      assertThat(view.segment().byteSize()).isEqualTo(80);
      assertThat(view.segment().isReadOnly()).isTrue();
      verify(view, 310);
    }
    assertThat(held.open(SHARD, range(150, 201))).isEmpty();
    assertThat(held.open(SHARD, range(99, 101))).isEmpty();
    assertThat(held.open(SHARD, range(200, 300))).isEmpty();
    assertThat(held.open(OTHER, range(100, 101))).isEmpty();
    assertThat(held.coverage(SHARD)).hasToString("100:200,300:400");
    assertThat(held.coverage(OTHER).runs()).isEmpty();
  }

  @Test
  void aShardGoesWithItsLastOwner() {
    put(V1, SHARD, 0, 10);
    put(V1, OTHER, 0, 10);
    assertThat(held.claim(V2, SHARD, List.of(range(2, 5)))).isTrue();
    assertThat(held.claim(V2, OTHER, List.of(range(2, 5), range(9, 11)))).isFalse();
    assertThat(held.footprint()).isEqualTo(2 * G);
    assertThat(held.release(V1)).isEqualTo(Set.of(OTHER));
    assertThat(held.release(V1)).isEmpty();
    assertThat(held.snapshot())
        .containsOnlyKeys(SHARD)
        .containsValue(new HeldShards.Held(new Coverage(List.of(range(0, 10))), G, Set.of(V2)));
    assertThat(held.release(V2, SHARD)).isTrue();
    assertThat(held.release(V2, SHARD)).isFalse();
    assertThat(pool.usedBytes()).isZero();
  }

  @Test
  void anOpenViewOutlivesItsShard() {
    put(V1, SHARD, 0, 1000);
    HeldView view = held.open(SHARD, range(0, 1000)).orElseThrow();
    HeldView second = held.open(SHARD, range(5, 6)).orElseThrow();
    held.release(V1);
    assertThat(held.footprint()).isZero();
    assertThat(held.lingering()).isEqualTo(G);
    assertThat(held.open(SHARD, range(0, 1))).isEmpty();
    verify(view, 0);
    view.close();
    view.close();
    assertThat(pool.usedBytes()).isEqualTo(G);
    second.close();
    assertThat(pool.usedBytes()).isZero();
  }

  @Test
  void aLargerRunReplacesAndAKnownOneIsClosed() {
    put(V1, SHARD, 100, 200);
    put(V1, SHARD, 200, 300);
    HeldView old = held.open(SHARD, range(100, 200)).orElseThrow();
    assertThat(held.missing(SHARD, List.of(range(150, 250)))).containsExactly(range(100, 300));
    put(V2, SHARD, 100, 300);
    assertThat(held.footprint()).isEqualTo(G);
    assertThat(pool.usedBytes()).isEqualTo(2 * G);
    verify(old, 100);
    old.close();
    put(V1, SHARD, 120, 130);
    assertThat(pool.usedBytes()).isEqualTo(G);
    Slab slab = slab(250, 350);
    assertThat(held.put(V1, SHARD, range(250, 350), slab)).isFalse();
    assertThatThrownBy(() -> held.put(V1, OTHER, range(250, 351), slab))
        .isInstanceOf(IllegalArgumentException.class);
    slab.close();
    assertThat(held.snapshot()).containsOnlyKeys(SHARD);
  }

  @Test
  void listenersHearOfEveryChange() {
    List<Digest> heard = new ArrayList<>();
    held.onChange(heard::add);
    put(V1, SHARD, 0, 10);
    held.claim(V2, SHARD, List.of());
    held.claim(V2, SHARD, List.of());
    held.claim(V2, OTHER, List.of());
    held.release(V2, OTHER);
    held.release(V2);
    held.release(V1);
    assertThat(heard).containsExactly(SHARD, SHARD, SHARD, SHARD);
  }

  @Test
  void coverageIsTextAndBack() {
    for (String text : List.of("", "0:1", "5:10,10:11,20:9223372036854775807")) {
      assertThat(Coverage.parse(text)).hasToString(text);
    }
    for (String text :
        List.of(
            "1", "1:", "a:b", "1:2,", "2:1", "1:1", "5:10,9:12", "-1:2", "0:9999999999999999999")) {
      assertThatThrownBy(() -> Coverage.parse(text))
          .as(text)
          .isInstanceOf(InvalidValueException.class);
    }
  }

  /** Loading what is missing makes every wanted range held, and put takes it. */
  @Test
  void missingRunsCompleteTheCoverage() {
    for (int seed = 0; seed < 500; seed++) {
      Random random = new Random(seed);
      Coverage coverage = new Coverage(List.of());
      for (int step = 0; step < 4; step++) {
        List<ByteRange> wanted = new ArrayList<>();
        for (int i = 0; i < random.nextInt(4); i++) {
          wanted.add(new ByteRange(random.nextInt(50), random.nextInt(12)));
        }
        BitSet bytes = bits(coverage.runs());
        List<ByteRange> missing = coverage.missing(wanted);
        List<ByteRange> runs = new ArrayList<>(missing);
        for (ByteRange run : coverage.runs()) {
          for (ByteRange loaded : missing) {
            assertThat(loaded.contains(run) || !loaded.overlaps(run)).isTrue();
          }
          if (missing.stream().noneMatch(loaded -> loaded.contains(run))) {
            runs.add(run);
          }
        }
        coverage = new Coverage(runs.stream().sorted().toList());
        bytes.or(bits(wanted));
        assertThat(bits(coverage.runs())).isEqualTo(bytes);
        assertThat(coverage.containsAll(wanted)).isTrue();
        assertThat(coverage.missing(wanted)).isEmpty();
      }
    }
  }

  private static BitSet bits(List<ByteRange> ranges) {
    BitSet bits = new BitSet();
    ranges.forEach(r -> bits.set((int) r.offset(), (int) r.end()));
    return bits;
  }

  @Test
  void manyThreadsLoadViewAndRelease() throws Exception {
    try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Integer>> futures = new ArrayList<>();
      for (int t = 0; t < 8; t++) {
        int seed = t;
        futures.add(executor.submit((Callable<Integer>) () -> churn(seed)));
      }
      int viewed = 0;
      for (Future<Integer> future : futures) {
        viewed += future.get();
      }
      assertThat(viewed).isPositive();
    }
    assertThat(held.snapshot()).isEmpty();
    assertThat(held.footprint()).isZero();
    assertThat(held.lingering()).isZero();
    assertThat(pool.usedBytes()).isZero();
  }

  private int churn(int seed) {
    Random random = new Random(seed);
    Digest owner = Digest.sha256(new byte[] {9, (byte) seed});
    int viewed = 0;
    for (int i = 0; i < 300; i++) {
      Digest shard = random.nextBoolean() ? SHARD : OTHER;
      long begin = 1000L * random.nextInt(4);
      ByteRange wanted = range(begin, begin + 1000);
      if (!held.claim(owner, shard, List.of(wanted))) {
        put(owner, shard, begin, begin + 1000);
      }
      Optional<HeldView> view = held.open(shard, wanted);
      if (random.nextBoolean()) {
        held.release(owner, shard);
      }
      if (view.isPresent()) {
        verify(view.get(), begin);
        view.get().close();
        viewed++;
      }
      if (random.nextInt(10) == 0) {
        held.release(owner);
      }
    }
    held.release(owner);
    return viewed;
  }
}
