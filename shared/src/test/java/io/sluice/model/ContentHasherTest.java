package io.sluice.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

class ContentHasherTest {
  @Test
  void doesNotDependOnTheBlocks() {
    for (int seed = 0; seed < 50; seed++) {
      Random random = new Random(seed);
      byte[] bytes = new byte[random.nextInt(700_000)];
      random.nextBytes(bytes);
      int chunk = 1 + random.nextInt(300_000);
      ContentHasher hasher = new ContentHasher(bytes.length, chunk);
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment segment = arena.allocate(Math.max(1, bytes.length));
        segment.copyFrom(MemorySegment.ofArray(bytes));
        for (int at = 0; at < bytes.length; ) {
          int length = Math.min(bytes.length - at, 1 + random.nextInt(200_000));
          int crc = hasher.update(segment.asSlice(at, length));
          assertThat(crc).isEqualTo(Crc32c.of(segment.asSlice(at, length)));
          at += length;
        }
      }
      ShardDescriptor result = hasher.finish();

      assertThat(result.size()).isEqualTo(bytes.length);
      assertThat(result.digest()).as("seed %d", seed).isEqualTo(Digest.sha256(bytes));
      ChunkChecksums checksums = result.checksums();
      for (int i = 0; i < checksums.count(); i++) {
        ByteRange range = checksums.range(i);
        CRC32C crc = new CRC32C();
        crc.update(Arrays.copyOfRange(bytes, (int) range.offset(), (int) range.end()));
        assertThat(checksums.crc(i))
            .as("seed %d chunk %d", seed, i)
            .isEqualTo((int) crc.getValue());
      }
    }
  }

  @Test
  void wantsExactlyTheBytesThatWereAnnounced() {
    ContentHasher hasher = new ContentHasher(2, 8);
    hasher.update(MemorySegment.ofArray(new byte[1]));
    assertThatThrownBy(hasher::finish).hasMessageContainingAll("2", "1");
    assertThatThrownBy(() -> hasher.update(MemorySegment.ofArray(new byte[2])))
        .hasMessageContainingAll("2", "3");
  }

  @Test
  void checksumsRoundTripAsText() {
    ChunkChecksums checksums = new ChunkChecksums(25, 10, new int[] {1, -2, 3});
    assertThat(ChunkChecksums.fromBase64(25, 10, checksums.toBase64())).isEqualTo(checksums);
    assertThatThrownBy(() -> ChunkChecksums.fromBase64(35, 10, checksums.toBase64()))
        .isInstanceOf(InvalidValueException.class);
    assertThatThrownBy(() -> ChunkChecksums.fromBase64(25, 10, "§"))
        .isInstanceOf(InvalidValueException.class);
  }
}
