package io.sluice.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.model.ErrorKind;
import io.sluice.model.InvalidValueException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SlabPoolTest {
  private static final Pattern MAPPING = Pattern.compile("([0-9a-f]+)-([0-9a-f]+) ");
  private static final long MIB = 1 << 20;
  private static final long GRANULE = SlabPool.GRANULE;

  private static SlabPool pool(String kind, long budget) {
    return kind.equals("mapped")
        ? new SlabPool(budget)
        : new SlabPool(budget, new ArenaRegion(budget));
  }

  @Test
  void thePlatformOfTheseTestsMapsMemory() {
    String os = System.getProperty("os.name");
    assumeTrue(os.startsWith("Linux") || os.startsWith("Mac"));
    assertThat(VirtualMemory.ofPlatform()).isPresent();
  }

  @ParameterizedTest
  @ValueSource(strings = {"mapped", "arena"})
  void countsExactlyAndNamesWhatDoesNotFit(String kind) {
    try (SlabPool pool = pool(kind, 4 * MIB)) {
      Slab a = pool.allocate(1);
      Slab b = pool.allocate(MIB + 1);
      assertThat(a.bytes()).isEqualTo(1);
      assertThat(a.footprint()).isEqualTo(GRANULE);
      assertThat(pool.usedBytes()).isEqualTo(MIB + 2 * GRANULE);
      assertThat(pool.freeBytes()).isEqualTo(3 * MIB - 2 * GRANULE);
      assertThat(pool.largestBlock()).isEqualTo(3 * MIB - 2 * GRANULE);
      assertThatThrownBy(() -> pool.allocate(3 * MIB))
          .isInstanceOfSatisfying(
              MemoryException.class,
              e -> {
                assertThat(e.kind()).isEqualTo(ErrorKind.CAPACITY);
                assertThat(e)
                    .hasMessageContaining("3145728 bytes does not fit")
                    .hasMessageContaining("3014656 bytes are free")
                    .hasMessageContaining("largest block 3014656")
                    .hasMessageContaining("budget of 4194304");
              });
      assertThatThrownBy(() -> pool.allocate(Long.MAX_VALUE - GRANULE))
          .isInstanceOf(MemoryException.class);
      assertThatThrownBy(() -> pool.allocate(-1)).isInstanceOf(InvalidValueException.class);
      assertThatThrownBy(() -> pool.allocate(Long.MAX_VALUE))
          .isInstanceOf(InvalidValueException.class);
      pool.allocate(3 * MIB - 2 * GRANULE).close();
      a.close();
      a.close();
      b.close();
      assertThat(pool.usedBytes()).isZero();
    }
  }

  @Test
  void anEmptyPoolGivesEmptySlabsOnly() {
    try (SlabPool pool = new SlabPool(0)) {
      pool.allocate(0).close();
      assertThatThrownBy(() -> pool.allocate(1)).isInstanceOf(MemoryException.class);
    }
    assertThatThrownBy(() -> new SlabPool(-1)).isInstanceOf(InvalidValueException.class);
    assertThatThrownBy(() -> new SlabPool(SlabPool.MAX_BUDGET + 1))
        .isInstanceOf(InvalidValueException.class);
  }

  @Test
  void slabsAreAligned() {
    try (SlabPool pool = new SlabPool(64 * MIB)) {
      List<Slab> slabs = new ArrayList<>();
      for (long bytes : new long[] {1, 2 * MIB, 5, 3 * MIB + 1, MIB, 8 * MIB}) {
        Slab slab = pool.allocate(bytes);
        slabs.add(slab);
        long alignment = SlabPool.footprint(bytes) >= 2 * MIB ? 2 * MIB : GRANULE;
        assertThat(slab.segment().address() % alignment).isZero();
        assertThat(slab.segment().byteSize()).isEqualTo(bytes);
      }
      slabs.forEach(Slab::close);
    }
  }

  @Test
  void oneSlabMayBeLargerThanTwoGibibytes() {
    try (SlabPool pool = new SlabPool(8L << 30)) {
      Slab slab = pool.allocate(5L << 30);
      slab.segment().set(ValueLayout.JAVA_LONG, (5L << 30) - 8, 42);
      assertThat(slab.segment().get(ValueLayout.JAVA_LONG, (5L << 30) - 8)).isEqualTo(42);
      slab.close();
    }
  }

  @Test
  void aFreedSlabReturnsItsMemory() throws IOException {
    assumeTrue(Files.exists(Path.of("/proc/self/smaps")));
    try (SlabPool pool = new SlabPool(256 * MIB)) {
      Slab slab = pool.allocate(200 * MIB);
      long address = slab.segment().address();
      slab.segment().fill((byte) 1);
      assertThat(residentBytes(address, 200 * MIB)).isGreaterThanOrEqualTo(200 * MIB);
      slab.close();
      assertThat(residentBytes(address, 200 * MIB)).isLessThan(50 * MIB);
    }
  }

  /**
   * What the mappings that have these addresses take of the machine's memory: that of the whole
   * process comes and goes with its heap.
   */
  private static long residentBytes(long address, long length) throws IOException {
    long resident = 0;
    boolean ours = false;
    for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
      Matcher mapping = MAPPING.matcher(line);
      if (mapping.lookingAt()) {
        long begin = Long.parseUnsignedLong(mapping.group(1), 16);
        long end = Long.parseUnsignedLong(mapping.group(2), 16);
        ours =
            Long.compareUnsigned(begin, address + length) < 0
                && Long.compareUnsigned(address, end) < 0;
      } else if (ours && line.startsWith("Rss:")) {
        resident += 1024 * Long.parseLong(line.replaceAll("\\D", ""));
      }
    }
    return resident;
  }

  @Test
  void thePoolClosesWithItsLastSlabGone() {
    SlabPool pool = new SlabPool(MIB);
    Slab slab = pool.allocate(100);
    assertThatThrownBy(pool::close)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("1 slabs of 65536 bytes");
    slab.close();
    pool.close();
    pool.close();
    assertThatThrownBy(() -> pool.allocate(1)).isInstanceOf(IllegalStateException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"mapped", "arena"})
  void slabsOfManyThreadsNeverShareAByte(String kind) throws Exception {
    try (SlabPool pool = pool(kind, 48 * MIB);
        var executor = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Integer>> futures = new ArrayList<>();
      for (int t = 0; t < 8; t++) {
        int seed = t;
        futures.add(executor.submit((Callable<Integer>) () -> churn(pool, seed)));
      }
      int allocated = 0;
      for (Future<Integer> future : futures) {
        allocated += future.get();
      }
      assertThat(allocated).isGreaterThan(1000);
      assertThat(pool.usedBytes()).isZero();
      if (kind.equals("mapped")) {
        // All gaps were joined: the whole budget is one block again.
        pool.allocate(48 * MIB).close();
      }
    }
  }

  private static int churn(SlabPool pool, int seed) {
    Random random = new Random(seed);
    List<Slab> mine = new ArrayList<>();
    int allocated = 0;
    for (int i = 0; i < 400; i++) {
      if (mine.isEmpty() || random.nextInt(3) > 0) {
        long bytes = 1 + random.nextInt(random.nextInt(8) == 0 ? 3 << 20 : 200_000);
        try {
          Slab slab = pool.allocate(bytes);
          allocated++;
          mark(slab.segment(), seed * 100_000L + i);
          mine.add(slab);
        } catch (MemoryException full) {
          if (!mine.isEmpty()) {
            verifyAndClose(mine.remove(random.nextInt(mine.size())));
          }
        }
      } else {
        verifyAndClose(mine.remove(random.nextInt(mine.size())));
      }
    }
    mine.forEach(SlabPoolTest::verifyAndClose);
    return allocated;
  }

  private static void mark(MemorySegment segment, long value) {
    byte tag = (byte) (value * 31 + 7);
    segment.fill(tag);
  }

  private static void verifyAndClose(Slab slab) {
    byte tag = slab.segment().get(ValueLayout.JAVA_BYTE, 0);
    byte[] bytes = slab.segment().toArray(ValueLayout.JAVA_BYTE);
    for (byte b : bytes) {
      if (b != tag) {
        throw new AssertionError("a slab was written by another");
      }
    }
    slab.close();
  }

  @Test
  void arenaMemoryIsUsedAgain() {
    SlabPool pool = new SlabPool(4 * MIB, new ArenaRegion(4 * MIB));
    long first;
    try (Slab slab = pool.allocate(3 * MIB)) {
      first = slab.segment().address();
    }
    try (Slab slab = pool.allocate(2 * MIB)) {
      assertThat(slab.segment().address()).isEqualTo(first);
    }
  }

  @Test
  void freeBlocksAgreeWithABitmap() {
    for (int seed = 0; seed < 50; seed++) {
      Random random = new Random(seed);
      boolean[] taken = new boolean[256];
      FreeBlocks free = new FreeBlocks(taken.length);
      List<long[]> blocks = new ArrayList<>();
      for (int i = 0; i < 500; i++) {
        if (blocks.isEmpty() || random.nextInt(5) > 1) {
          int length = 1 + random.nextInt(20);
          int alignment = 1 << random.nextInt(5);
          long offset = free.take(length, alignment);
          assertThat(offset >= 0).isEqualTo(anyFit(taken, length, alignment));
          if (offset >= 0) {
            assertThat(offset % alignment).isZero();
            for (long b = offset; b < offset + length; b++) {
              assertThat(taken[(int) b]).isFalse();
              taken[(int) b] = true;
            }
            blocks.add(new long[] {offset, length});
          }
        } else {
          long[] block = blocks.remove(random.nextInt(blocks.size()));
          free.give(block[0], block[1]);
          for (long b = block[0]; b < block[0] + block[1]; b++) {
            taken[(int) b] = false;
          }
          assertThatThrownBy(() -> free.give(block[0], block[1]))
              .isInstanceOf(IllegalStateException.class);
        }
      }
      blocks.forEach(b -> free.give(b[0], b[1]));
      assertThat(free.count()).isEqualTo(1);
      assertThat(free.largest()).isEqualTo(taken.length);
    }
  }

  private static boolean anyFit(boolean[] taken, int length, int alignment) {
    for (int offset = 0; offset + length <= taken.length; offset += alignment) {
      int run = 0;
      while (run < length && !taken[offset + run]) {
        run++;
      }
      if (run == length) {
        return true;
      }
    }
    return false;
  }

  @Test
  void keptMemoryIsUsedAgainAndNeverMoreThanTheBudgetInAll() throws IOException {
    long size = 8 * MIB;
    try (SlabPool pool = new SlabPool(4 * size, 2 * size)) {
      List<Slab> slabs = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        Slab slab = pool.allocate(size);
        slab.segment().fill((byte) 7);
        slabs.add(slab);
      }
      slabs.forEach(Slab::close);
      assertThat(pool.freeBytes()).isEqualTo(4 * size);
      Slab again = pool.allocate(size);
      assertThat(again.segment().get(ValueLayout.JAVA_BYTE, size - 1))
          .as("what was there before: nobody zeroed it")
          .isEqualTo((byte) 7);
      again.close();

      // All of the budget in another size: what was kept must go.
      Slab large = pool.allocate(4 * size);
      assertThat(large.segment().get(ValueLayout.JAVA_BYTE, 4 * size - 1)).isZero();
      assertThat(pool.freeBytes()).isZero();
      large.close();
      Slab zeroed = pool.allocate(size);
      assertThat(zeroed.segment().get(ValueLayout.JAVA_BYTE, 0)).isZero();
      zeroed.close();
    }
    assertThatThrownBy(() -> new SlabPool(MIB, MIB + 1))
        .isInstanceOf(InvalidValueException.class)
        .hasMessageContaining("" + (MIB + 1));
  }
}
