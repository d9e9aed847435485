package io.sluice.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.job.WorkerRegistry.Beat;
import io.sluice.model.Digest;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What every {@link WorkerRegistry} promises. */
public abstract class WorkerRegistryKit {
  private static final Duration LONG = Duration.ofMinutes(2);
  private static final Digest A = digest(1);
  private static final Digest B = digest(2);
  private static final Digest C = digest(3);

  /** A registry over the same workers for all calls within one test. */
  protected abstract WorkerRegistry registry(Duration ttl);

  /** Everything that the registry knows is lost. */
  protected abstract void flush();

  /** As if so much time had passed for all that the registry knows. */
  protected abstract void passes(Duration time);

  @Test
  void liveWorkersAreListedById() {
    WorkerRegistry registry = registry(LONG);
    assertThat(registry.live()).isEmpty();
    registry.register(worker("b", "1"));
    registry.register(worker("a", "1"));
    assertThat(registry.live()).containsExactly(worker("a", "1"), worker("b", "1"));
    Worker busy = worker("b", "1").with(3, 2);
    assertThat(registry.heartbeat(busy)).isEqualTo(Beat.KNOWN);
    assertThat(registry.live()).containsExactly(worker("a", "1"), busy);
    registry.deregister(worker("a", "1"));
    assertThat(registry.live()).containsExactly(busy);
  }

  @Test
  void silentWorkersAreNotAlive() {
    WorkerRegistry registry = registry(LONG);
    Worker quick = worker("quick", "1");
    Worker dead = worker("dead", "1");
    registry.register(quick);
    registry.register(dead);
    registry.updateHeld(quick, Map.of(A, "all"), Set.of());
    registry.updateHeld(dead, Map.of(A, "all"), Set.of());
    passes(LONG.dividedBy(2));
    registry.heartbeat(quick);
    passes(LONG.dividedBy(2));
    assertThat(registry.live()).containsExactly(quick);
    assertThat(registry.holders(List.of(A))).isEqualTo(Map.of(A, Map.of("quick", "all")));
    // it was only slow: it still holds what it held
    assertThat(registry.heartbeat(dead)).isEqualTo(Beat.KNOWN);
    assertThat(registry.holders(List.of(A)).get(A)).containsOnlyKeys("quick", "dead");
  }

  @Test
  void aRestartedWorkerHoldsNothing() {
    WorkerRegistry registry = registry(LONG);
    Worker first = worker("w", "1");
    Worker second = worker("w", "2");
    registry.register(first);
    registry.updateHeld(first, Map.of(A, "all"), Set.of());
    registry.register(second);
    assertThat(registry.live()).containsExactly(second);
    assertThat(registry.holders(List.of(A))).isEmpty();
    assertThat(registry.heartbeat(second)).isEqualTo(Beat.KNOWN);
    // the first one is a ghost: nothing that it says counts
    assertThat(registry.heartbeat(first)).isEqualTo(Beat.REPLACED);
    registry.updateHeld(first, Map.of(B, "all"), Set.of());
    registry.deregister(first);
    assertThat(registry.live()).containsExactly(second);
    assertThat(registry.holders(List.of(A, B))).isEmpty();
  }

  @Test
  void heldShardsChangeByDelta() {
    WorkerRegistry registry = registry(LONG);
    Worker w1 = worker("w1", "1");
    Worker w2 = worker("w2", "1");
    registry.register(w1);
    registry.register(w2);
    registry.updateHeld(w1, Map.of(A, "0-100", B, "all"), Set.of());
    registry.updateHeld(w2, Map.of(B, "5-7"), Set.of(C));
    registry.updateHeld(w1, Map.of(), Set.of());
    assertThat(registry.holders(List.of(A, B, C)))
        .isEqualTo(Map.of(A, Map.of("w1", "0-100"), B, Map.of("w1", "all", "w2", "5-7")));
    registry.updateHeld(w1, Map.of(A, "all"), Set.of(B));
    assertThat(registry.holders(List.of(A, B)))
        .isEqualTo(Map.of(A, Map.of("w1", "all"), B, Map.of("w2", "5-7")));
    assertThat(registry.holders(List.of(C))).isEmpty();
    assertThat(registry.holders(List.of())).isEmpty();
  }

  @Test
  void aRegistryThatWasEmptiedAsksForTheShardsAgain() {
    WorkerRegistry registry = registry(LONG);
    Worker worker = worker("w", "1");
    registry.register(worker);
    registry.updateHeld(worker, Map.of(A, "all"), Set.of());
    flush();
    registry.updateHeld(worker, Map.of(B, "all"), Set.of());
    assertThat(registry.heartbeat(worker)).isEqualTo(Beat.FORGOTTEN);
    assertThat(registry.live()).containsExactly(worker);
    registry.updateHeld(worker, Map.of(A, "all", B, "all"), Set.of());
    assertThat(registry.heartbeat(worker)).isEqualTo(Beat.KNOWN);
    assertThat(registry.holders(List.of(A, B))).containsOnlyKeys(A, B);
  }

  @Test
  void tenThousandShardsAreNoProblem() {
    WorkerRegistry registry = registry(LONG);
    Map<Digest, String> many = new HashMap<>();
    for (int i = 0; i < 10_000; i++) {
      many.put(digest(i), "all");
    }
    for (int w = 0; w < 4; w++) {
      registry.register(worker("w" + w, "1"));
    }
    registry.updateHeld(worker("w0", "1"), many, Set.of());
    registry.updateHeld(worker("w1", "1"), Map.of(A, "x"), Set.of());
    long start = System.nanoTime();
    Map<Digest, Map<String, String>> holders = registry.holders(many.keySet());
    assertThat(holders).hasSize(10_000);
    assertThat(holders.get(A)).isEqualTo(Map.of("w0", "all", "w1", "x"));
    assertThat(registry.holders(List.of(A, B))).hasSize(2);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(20));
    registry.updateHeld(worker("w0", "1"), Map.of(), many.keySet());
    assertThat(registry.holders(many.keySet())).containsOnlyKeys(A);
  }

  @Test
  void badValuesAreNamed() {
    assertThatThrownBy(() -> worker("a b", "1")).hasMessageContaining("'a b'");
    assertThatThrownBy(() -> worker("a", "1").with(11, 0)).hasMessageContaining("11");
  }

  private static Worker worker(String id, String incarnation) {
    return new Worker(
        id, incarnation, "http://127.0.0.1:1", Instant.ofEpochMilli(1_700_000_000_000L), 10, 5, 0);
  }

  private static Digest digest(int i) {
    return Digest.sha256(Integer.toString(i).getBytes(StandardCharsets.UTF_8));
  }
}
