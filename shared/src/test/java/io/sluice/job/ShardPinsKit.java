package io.sluice.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What every {@link ShardPins} promises. */
public abstract class ShardPinsKit {
  private static final Duration LONG = Duration.ofMinutes(1);
  private static final Duration NOT_AT_ALL = Duration.ZERO;

  /** Pins over the same keys for all calls within one test. */
  protected abstract ShardPins pins(Duration pinTtl, Duration deleteTtl);

  /** The jobs that own pins. */
  protected abstract JobStore store();

  /** As if so much time had passed for all pins and marks. */
  protected abstract void passes(Duration time);

  @Test
  void aPinnedKeyIsNotDeleted() throws InterruptedException {
    ShardPins pins = pins(LONG, LONG);
    pins.pin("upload-1", List.of("a", "b"), NOT_AT_ALL);
    pins.pin("upload-2", List.of("b"), NOT_AT_ALL);
    assertThat(pins.beginDelete("a")).isFalse();
    assertThat(pins.beginDelete("b")).isFalse();
    pins.unpin("upload-1");
    assertThat(pins.beginDelete("a")).isTrue();
    assertThat(pins.beginDelete("b")).isFalse();
    pins.unpin("upload-2");
    assertThat(pins.beginDelete("b")).isTrue();
    pins.unpin("nobody");
  }

  @Test
  void aKeyThatIsBeingDeletedIsNotPinned() throws Exception {
    ShardPins pins = pins(LONG, LONG);
    assertThat(pins.beginDelete("a")).isTrue();
    assertThat(pins.beginDelete("a")).as("by another collector").isFalse();
    assertThatThrownBy(() -> pins.pin("upload", List.of("a", "b"), Duration.ofMillis(120)))
        .isInstanceOfSatisfying(
            JobException.class,
            e -> {
              assertThat(e.retryable()).isTrue();
              assertThat(e.code()).isEqualTo("object-being-deleted");
              assertThat(e).hasMessageContaining("'a'");
            });
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<Boolean> pinned =
          threads.submit(
              () -> {
                pins.pin("upload", List.of("a"), LONG);
                return pins.beginDelete("a");
              });
      Thread.sleep(100);
      assertThat(pinned.isDone()).isFalse();
      pins.endDelete("a");
      assertThat(pinned.get()).as("deleted while pinned").isFalse();
    }
  }

  @Test
  void theMarkOfACrashedCollectorExpires() throws InterruptedException {
    ShardPins pins = pins(LONG, Duration.ofMillis(100));
    assertThat(pins.beginDelete("a")).isTrue();
    pins.pin("upload", List.of("a"), LONG);
    assertThat(pins.beginDelete("a")).isFalse();
  }

  @Test
  void pinsLastAsLongAsTheyAreRenewed() throws InterruptedException {
    ShardPins pins = pins(LONG, LONG);
    pins.pin("upload", List.of("a"), NOT_AT_ALL);
    for (int i = 0; i < 3; i++) {
      passes(LONG.dividedBy(2));
      assertThat(pins.renew("upload")).isTrue();
    }
    assertThat(pins.beginDelete("a")).isFalse();
    passes(LONG);
    assertThat(pins.renew("upload")).isFalse();
    assertThat(pins.beginDelete("a")).isTrue();
  }

  @Test
  void pinsOfAJobLastUntilItIsOver() throws InterruptedException {
    ShardPins pins = pins(LONG, LONG);
    String job = store().create("upload", JsonNodeFactory.instance.objectNode(), Optional.empty());
    pins.pin(job, List.of("a"), NOT_AT_ALL);
    passes(LONG);
    assertThat(pins.beginDelete("a")).isFalse();
    assertThat(pins.renew(job)).isTrue();
    passes(LONG);
    store().cancel(job);
    assertThat(pins.renew(job)).isFalse();
    assertThat(pins.beginDelete("a")).isTrue();
  }

  @Test
  void tenThousandKeysAreNoProblem() throws InterruptedException {
    ShardPins pins = pins(LONG, LONG);
    List<String> keys = IntStream.range(0, 10_000).mapToObj(i -> "shards/" + i).toList();
    pins.pin("upload", keys, NOT_AT_ALL);
    assertThat(pins.beginDelete("shards/9999")).isFalse();
    pins.unpin("upload");
    assertThat(keys).allSatisfy(key -> assertThat(pins.beginDelete(key)).isTrue());
  }

  /**
   * Uploaders and collectors race for a few objects as they do in earnest: an uploader pins, looks,
   * uploads what is missing, relies on it, unpins; a collector deletes what it may. No object is
   * ever gone while somebody relies on it.
   */
  @Test
  void collectorsNeverDeleteWhatSomebodyReliesOn() throws Exception {
    ShardPins pins = pins(LONG, LONG);
    Set<String> objects = ConcurrentHashMap.newKeySet();
    AtomicBoolean over = new AtomicBoolean();
    AtomicInteger deleted = new AtomicInteger();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> collectors =
          IntStream.range(0, 3)
              .<Future<?>>mapToObj(
                  i ->
                      threads.submit(
                          () -> {
                            Random random = new Random(i);
                            while (!over.get()) {
                              String key = "k" + random.nextInt(5);
                              if (pins.beginDelete(key)) {
                                Thread.sleep(random.nextInt(2));
                                if (objects.remove(key)) {
                                  deleted.incrementAndGet();
                                }
                                pins.endDelete(key);
                              }
                            }
                            return null;
                          }))
              .toList();
      List<Future<?>> uploaders =
          IntStream.range(0, 4)
              .<Future<?>>mapToObj(
                  i ->
                      threads.submit(
                          () -> {
                            Random random = new Random(10 + i);
                            for (int round = 0; round < 40; round++) {
                              String owner = "upload-" + i + "-" + round;
                              List<String> keys =
                                  List.of("k" + random.nextInt(5), "k" + random.nextInt(5));
                              pins.pin(owner, keys, LONG);
                              objects.addAll(keys);
                              Thread.sleep(random.nextInt(3));
                              assertThat(objects).containsAll(keys);
                              pins.unpin(owner);
                            }
                            return null;
                          }))
              .toList();
      try {
        for (Future<?> uploader : uploaders) {
          uploader.get();
        }
      } finally {
        over.set(true);
      }
      for (Future<?> collector : collectors) {
        collector.get();
      }
    }
    assertThat(deleted).as("the race took place").hasPositiveValue();
  }
}
