package io.sluice.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.memory.HeldShards;
import io.sluice.memory.MemoryException;
import io.sluice.memory.SlabPool;
import io.sluice.model.ByteRange;
import io.sluice.model.ContentHasher;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.Keys;
import io.sluice.model.ShardDescriptor;
import io.sluice.placement.ChunkRuns;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ReadObserver;
import io.sluice.storage.ShardReader;
import io.sluice.storage.file.FileShardStore;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShardLoaderTest {
  private static final int CHUNK = 64 << 10;
  private static final Digest A = Digest.sha256(new byte[] {1});
  private static final Digest B = Digest.sha256(new byte[] {2});

  @TempDir Path root;

  private final HeldShards held = new HeldShards();
  private final ConcurrentLinkedQueue<ByteRange> reads = new ConcurrentLinkedQueue<>();
  private FileShardStore store;
  private SlabPool pool;
  private byte[] bytes;
  private ShardDescriptor shard;

  @BeforeEach
  void storeOneShard() {
    store = new FileShardStore(root);
    pool = new SlabPool(4 << 20);
    bytes = new byte[10 * CHUNK + 77];
    new Random(7).nextBytes(bytes);
    ContentHasher hasher = new ContentHasher(bytes.length, CHUNK);
    hasher.update(MemorySegment.ofArray(bytes));
    shard = hasher.finish();
    store.putIfAbsent(Keys.shard(shard.digest()), MemorySegment.ofArray(bytes));
  }

  @AfterEach
  void everythingIsFreed() {
    held.release(A);
    held.release(B);
    assertThat(pool.usedBytes()).isZero();
    pool.close();
    store.close();
  }

  @Test
  void loadsAWholeShardOnce() throws InterruptedException {
    ShardLoader loader = loader();
    AtomicLong progress = new AtomicLong();

    ShardLoader.Loaded first = loader.load(A, shard, whole(), progress::addAndGet);
    ShardLoader.Loaded second = loader.load(B, shard, whole(), progress::addAndGet);

    assertThat(first.bytes()).isEqualTo(bytes.length);
    assertThat(first.source()).isEqualTo("store");
    assertThat(second.bytes()).isEqualTo(bytes.length);
    assertThat(second.source()).isEqualTo("memory");
    assertThat(progress).hasValue(2L * bytes.length);
    assertThat(reads).hasSize(11).doesNotHaveDuplicates();
    assertThat(heldBytes(0, bytes.length)).isEqualTo(bytes);
    held.release(A);
    assertThat(heldBytes(0, bytes.length)).isEqualTo(bytes);
  }

  @Test
  void loadsOnlyTheChunksThatAreWanted() throws InterruptedException {
    List<ByteRange> runs =
        ChunkRuns.cover(
            shard.checksums(),
            List.of(new ByteRange(CHUNK + 5, 3), new ByteRange(10L * CHUNK, 77)));

    ShardLoader.Loaded loaded = loader().load(A, shard, runs, n -> {});

    assertThat(loaded.bytes()).isEqualTo(CHUNK + 77);
    assertThat(reads)
        .containsExactlyInAnyOrder(new ByteRange(CHUNK, CHUNK), new ByteRange(10L * CHUNK, 77));
    assertThat(heldBytes(CHUNK + 5, 3)).isEqualTo(Arrays.copyOfRange(bytes, CHUNK + 5, CHUNK + 8));
    assertThat(held.open(shard.digest(), new ByteRange(0, 1))).isEmpty();

    loader().load(A, shard, whole(), n -> {});
    assertThat(heldBytes(0, bytes.length)).isEqualTo(bytes);
  }

  @Test
  void manyLoadersOfOneShardReadItOnce() throws Exception {
    ShardLoader loader = loader();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<ShardLoader.Loaded>> loads = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        loads.add(threads.submit(() -> loader.load(A, shard, whole(), n -> {})));
      }
      long fetched = 0;
      for (Future<ShardLoader.Loaded> load : loads) {
        fetched += load.get().fetched();
      }
      assertThat(fetched).isEqualTo(bytes.length);
    }
    assertThat(reads).hasSize(11);
  }

  @Test
  void namesTheCorruptChunkAndHoldsNothing() throws IOException {
    byte[] broken = bytes.clone();
    broken[3 * CHUNK + 9] ^= 1;
    Files.write(root.resolve(Keys.shard(shard.digest())), broken);

    assertThatThrownBy(() -> loader().load(A, shard, whole(), n -> {}))
        .isInstanceOfSatisfying(
            LoadException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT);
              assertThat(e.code()).isEqualTo("shard-corrupt");
              assertThat(e).hasMessageContainingAll("chunk 3", Keys.shard(shard.digest()));
            });
    assertThat(held.snapshot()).isEmpty();
    assertThat(pool.usedBytes()).isZero();
    assertThat(reads.stream().filter(r -> r.offset() == 3L * CHUNK)).hasSize(3);
  }

  @Test
  void aShardThatIsGoneOrShorterIsCorruptAndNoMistakeOfTheCaller() throws IOException {
    Path object = root.resolve(Keys.shard(shard.digest()));
    Files.write(object, Arrays.copyOf(bytes, bytes.length - 1));
    assertCorrupt("shard-corrupt");
    Files.delete(object);
    assertCorrupt("shard-missing");
  }

  private void assertCorrupt(String code) {
    assertThatThrownBy(() -> loader().load(A, shard, whole(), n -> {}))
        .isInstanceOfSatisfying(
            LoadException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT);
              assertThat(e.code()).isEqualTo(code);
            })
        .hasMessageContaining(Keys.shard(shard.digest()));
    assertThat(held.snapshot()).isEmpty();
  }

  @Test
  void aChunkThatArrivesWrongOnceIsReadAgain() throws InterruptedException {
    AtomicLong calls = new AtomicLong();
    ShardReader flipping =
        new ReaderOf(store) {
          @Override
          public void read(
              String key,
              Optional<String> etag,
              ByteRange range,
              MemorySegment to,
              ReadObserver observer) {
            reader.read(key, etag, range, to);
            if (calls.incrementAndGet() == 1) {
              to.set(ValueLayout.JAVA_BYTE, 0, (byte) ~to.get(ValueLayout.JAVA_BYTE, 0));
            }
            observer.received(range.length());
          }
        };
    new ShardLoader(new ChunkReader(flipping, 4, 3), pool, held).load(A, shard, whole(), n -> {});

    assertThat(calls).hasValue(12);
    assertThat(heldBytes(0, bytes.length)).isEqualTo(bytes);
  }

  @Test
  void whatDoesNotFitIsRefusedBeforeAByteMoves() {
    try (SlabPool small = new SlabPool(5 * CHUNK)) {
      ShardLoader loader = new ShardLoader(new ChunkReader(counting(), 4, 3), small, held);
      assertThatThrownBy(() -> loader.load(A, shard, whole(), n -> {}))
          .isInstanceOf(MemoryException.class);
      assertThat(small.usedBytes()).isZero();
    }
    assertThat(reads).isEmpty();
  }

  @Test
  void whatIsOpenedForAMomentIsFreedAfterwards() throws InterruptedException {
    try (OpenShard open = loader().open(shard, whole(), n -> {})) {
      assertThat(open.loaded().source()).isEqualTo("store");
      assertThat(open.bytes(new ByteRange(100, 50)).toArray(ValueLayout.JAVA_BYTE))
          .isEqualTo(Arrays.copyOfRange(bytes, 100, 150));
    }
    assertThat(held.snapshot()).isEmpty();
    assertThat(pool.usedBytes()).isZero();

    loader().load(A, shard, whole(), n -> {});
    try (OpenShard open = loader().open(shard, whole(), n -> {})) {
      assertThat(open.loaded().source()).isEqualTo("memory");
    }
    assertThat(heldBytes(0, bytes.length)).isEqualTo(bytes);
  }

  @Test
  void anInterruptedLoadLeavesNothingBehind() throws Exception {
    ShardReader stuck =
        new ReaderOf(store) {
          @Override
          public void read(
              String key,
              Optional<String> etag,
              ByteRange range,
              MemorySegment to,
              ReadObserver observer) {
            try {
              Thread.sleep(60_000);
            } catch (InterruptedException e) {
              throw new IllegalStateException("interrupted", e);
            }
          }
        };
    ShardLoader loader = new ShardLoader(new ChunkReader(stuck, 4, 3), pool, held);
    ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
    Thread thread =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    loader.load(A, shard, whole(), n -> {});
                  } catch (InterruptedException | RuntimeException e) {
                    failures.add(e);
                  }
                });
    while (pool.usedBytes() == 0) {
      Thread.onSpinWait();
    }
    thread.interrupt();
    thread.join();
    assertThat(failures).hasSize(1);
    assertThat(pool.usedBytes()).isZero();
    assertThat(held.snapshot()).isEmpty();
  }

  private ShardLoader loader() {
    return new ShardLoader(new ChunkReader(counting(), 4, 3), pool, held);
  }

  private ShardReader counting() {
    return new ReaderOf(store) {
      @Override
      public void read(
          String key,
          Optional<String> etag,
          ByteRange range,
          MemorySegment to,
          ReadObserver observer) {
        reads.add(range);
        super.read(key, etag, range, to, observer);
      }
    };
  }

  private List<ByteRange> whole() {
    return ChunkRuns.whole(shard.checksums());
  }

  private byte[] heldBytes(long offset, long length) {
    try (var view = held.open(shard.digest(), new ByteRange(offset, length)).orElseThrow()) {
      return view.segment().toArray(ValueLayout.JAVA_BYTE);
    }
  }

  /** A reader whose behaviour a test changes in part. */
  private static class ReaderOf implements ShardReader {
    final ShardReader reader;

    ReaderOf(ShardReader reader) {
      this.reader = reader;
    }

    @Override
    public ObjectInfo head(String key) {
      return reader.head(key);
    }

    @Override
    public void read(
        String key,
        Optional<String> etag,
        ByteRange range,
        MemorySegment to,
        ReadObserver observer) {
      reader.read(key, etag, range, to, observer);
    }
  }
}
