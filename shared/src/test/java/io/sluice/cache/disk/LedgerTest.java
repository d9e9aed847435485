package io.sluice.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LedgerTest {
  private static final int MAX = 10_000;

  @TempDir Path home;

  private final AtomicReference<Instant> now = new AtomicReference<>(Instant.now());
  private final InstantSource clock = now::get;
  private Path chunks;
  private Path incoming;
  private Ledger ledger;

  @BeforeEach
  void open() throws IOException {
    chunks = Files.createDirectories(home.resolve("v1"));
    incoming = Files.createDirectories(home.resolve("incoming"));
    ledger = another();
  }

  private Ledger another() throws IOException {
    return new Ledger(home, chunks, incoming, MAX, clock);
  }

  private Path chunk(int number, int bytes) {
    return chunks.resolve("%064x-0-%d".formatted(number, bytes));
  }

  private static Path write(Path part, int bytes) throws IOException {
    return Files.write(part, new byte[bytes]);
  }

  @Test
  void roomOfFilesThatAreStillEmptyIsTakenForAsLongAsTheyAreWritten() throws IOException {
    List<Path> parts = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      parts.add(ledger.reserve(2500).orElseThrow());
    }
    // Nothing is written yet, and nothing can be evicted: whoever counts anew finds no room.
    assertThat(ledger.reserve(1)).isEmpty();
    assertThat(another().reserve(1)).isEmpty();
    assertThat(ledger.used()).isEqualTo(MAX);
    for (Path part : parts) {
      ledger.publish(write(part, 2500), chunk(parts.indexOf(part), 2500));
    }
    assertThat(ledger.used()).isEqualTo(MAX);
    assertThat(ledger.reserve(2500)).isPresent();
    assertThat(chunk(0, 2500)).doesNotExist();
  }

  @Test
  void evictingTakesWholeChunksOnlyAndCountsWhatIsBeingWritten() throws IOException {
    Path slow = ledger.reserve(6000).orElseThrow();
    ledger.publish(write(ledger.reserve(3000).orElseThrow(), 3000), chunk(1, 3000));
    Path other = ledger.reserve(4000).orElseThrow();
    assertThat(chunk(1, 3000)).doesNotExist();
    assertThat(slow).exists();
    ledger.publish(write(other, 4000), chunk(2, 4000));
    ledger.publish(write(slow, 6000), chunk(3, 6000));
    assertThat(ledger.used()).isEqualTo(MAX);
    assertThat(another().used()).isEqualTo(MAX);
  }

  @Test
  void ofTwoThatWriteOneChunkOneTakesRoom() throws IOException {
    Path one = ledger.reserve(4000).orElseThrow();
    Path two = another().reserve(4000).orElseThrow();
    assertThat(ledger.used()).isEqualTo(8000);
    ledger.publish(write(one, 4000), chunk(1, 4000));
    ledger.publish(write(two, 4000), chunk(1, 4000));
    assertThat(ledger.used()).isEqualTo(4000);
    ledger.delete(chunk(1, 4000));
    ledger.delete(chunk(1, 4000));
    assertThat(ledger.used()).isZero();
  }

  @Test
  void roomIsGivenBackOnceByTheWriterOrByWhoeverTookItsFileForRubbish() throws IOException {
    Path written = ledger.reserve(4000).orElseThrow();
    ledger.abandon(write(written, 10));
    ledger.abandon(written);
    assertThat(ledger.used()).isZero();

    Path asleep = ledger.reserve(9000).orElseThrow();
    now.updateAndGet(t -> t.plus(Ledger.ABANDONED).plusSeconds(1));
    Optional<Path> next = ledger.reserve(5000);
    assertThat(next).isPresent();
    assertThat(asleep).doesNotExist();
    ledger.abandon(asleep);
    assertThat(ledger.used()).isEqualTo(5000);
  }

  @Test
  void whoIsWritingWhenItIsClosedEndsAsEver() throws IOException {
    Path one = ledger.reserve(3000).orElseThrow();
    Path two = ledger.reserve(4000).orElseThrow();
    ledger.close();
    assertThatThrownBy(() -> ledger.reserve(1)).hasMessage("the cache is closed");
    assertThatThrownBy(() -> ledger.delete(chunk(1, 3000))).hasMessage("the cache is closed");
    ledger.publish(write(one, 3000), chunk(1, 3000));
    ledger.abandon(two);
    assertThat(incoming).isEmptyDirectory();
    assertThat(another().used()).isEqualTo(3000);
  }

  @Test
  void whatIsLargerThanTheBoundIsRefusedWithoutEvicting() throws IOException {
    ledger.publish(write(ledger.reserve(MAX).orElseThrow(), MAX), chunk(1, MAX));
    assertThat(ledger.reserve(MAX + 1)).isEmpty();
    assertThat(chunk(1, MAX)).exists();
  }
}
