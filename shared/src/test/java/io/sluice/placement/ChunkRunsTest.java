package io.sluice.placement;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.ByteRange;
import io.sluice.model.ChunkChecksums;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ChunkRunsTest {
  private static final ChunkChecksums CHUNKS = new ChunkChecksums(1050, 100, new int[11]);

  @Test
  void roundsUpToWholeChunks() {
    assertThat(ChunkRuns.cover(CHUNKS, List.of(new ByteRange(150, 1))))
        .containsExactly(new ByteRange(100, 100));
    assertThat(ChunkRuns.cover(CHUNKS, List.of(new ByteRange(199, 2))))
        .containsExactly(new ByteRange(100, 200));
    assertThat(ChunkRuns.cover(CHUNKS, List.of(new ByteRange(100, 100))))
        .containsExactly(new ByteRange(100, 100));
  }

  @Test
  void theLastChunkIsShort() {
    assertThat(ChunkRuns.cover(CHUNKS, List.of(new ByteRange(1049, 1))))
        .containsExactly(new ByteRange(1000, 50));
    assertThat(ChunkRuns.whole(CHUNKS)).containsExactly(new ByteRange(0, 1050));
  }

  @Test
  void joinsNeighboursAndIgnoresEmptyRanges() {
    List<ByteRange> wanted =
        List.of(
            new ByteRange(720, 5),
            new ByteRange(10, 0),
            new ByteRange(110, 5),
            new ByteRange(220, 5),
            new ByteRange(120, 5));
    assertThat(ChunkRuns.cover(CHUNKS, wanted))
        .containsExactly(new ByteRange(100, 200), new ByteRange(700, 100));
    assertThat(ChunkRuns.bytes(ChunkRuns.cover(CHUNKS, wanted))).isEqualTo(300);
  }

  @Test
  void anEmptyObjectHasNoRun() {
    assertThat(ChunkRuns.whole(new ChunkChecksums(0, 100, new int[0]))).isEmpty();
  }

  @Test
  void coversExactlyTheChunksThatAreTouched() {
    for (int seed = 0; seed < 500; seed++) {
      Random random = new Random(seed);
      boolean[] touched = new boolean[CHUNKS.count()];
      List<ByteRange> wanted = new ArrayList<>();
      for (int i = random.nextInt(6); i >= 0; i--) {
        long offset = random.nextInt(1050);
        ByteRange range = new ByteRange(offset, 1 + random.nextInt((int) (1050 - offset)) / 4);
        wanted.add(range);
        for (long at = range.offset(); at < range.end(); at++) {
          touched[(int) (at / 100)] = true;
        }
      }
      boolean[] covered = new boolean[CHUNKS.count()];
      long end = -1;
      for (ByteRange run : ChunkRuns.cover(CHUNKS, wanted)) {
        assertThat(run.offset()).as("seed %d", seed).isGreaterThan(end);
        end = run.end();
        for (long at = run.offset(); at < run.end(); at += 100) {
          covered[(int) (at / 100)] = true;
        }
      }
      assertThat(covered).as("seed %d", seed).isEqualTo(touched);
    }
  }
}
