package io.sluice.functions.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.quarkus.test.junit.QuarkusTest;
import io.sluice.functions.auth.Principal;
import io.sluice.functions.auth.Role;
import io.sluice.manifest.GarbageCollector;
import io.sluice.manifest.ManifestCodec;
import io.sluice.manifest.ManifestIndex;
import io.sluice.manifest.ObjectPins;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.Keys;
import io.sluice.model.SluiceException;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.file.FileShardStore;
import jakarta.inject.Inject;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is written down of collections of a store with three shards that no version reaches. */
@QuarkusTest
class AuditedCollectorTest {
  @TempDir Path folder;

  @Inject ManifestIndex index;
  @Inject ObjectPins pins;

  private final List<String> lines = new ArrayList<>();
  private FileShardStore store;
  private AuditedCollector collector;

  @BeforeEach
  void storeWhatNobodyNeeds() {
    store = new FileShardStore(folder);
    for (byte i = 0; i < 3; i++) {
      store.putIfAbsent(
          Keys.shard(Digest.sha256(new byte[] {i})), MemorySegment.ofArray(new byte[100]));
    }
    AuditLog audit =
        new AuditLog(InstantSource.fixed(Instant.parse("2026-01-02T03:04:05.678901Z")), lines::add);
    collector =
        new AuditedCollector(
            new GarbageCollector(store, index, pins, new ManifestCodec(), InstantSource.system()),
            audit);
  }

  @AfterEach
  void close() {
    store.close();
  }

  private static GarbageCollector.Options options(boolean dryRun) {
    return new GarbageCollector.Options(Duration.ZERO, 10, dryRun);
  }

  private List<String> keys() {
    List<String> keys = new ArrayList<>();
    store.list("", object -> keys.add(object.key()));
    return keys;
  }

  private JsonNode line() throws Exception {
    assertThat(lines).hasSize(1);
    return new ObjectMapper().readTree(lines.getFirst());
  }

  @Test
  void howMuchWentIsWritten() throws Exception {
    List<ObjectInfo> told = new ArrayList<>();
    Caller caller = new Caller(new Principal("token:ops", Role.ADMIN), "r-1", Optional.empty());
    GarbageCollector.Report report =
        caller.call(() -> collector.collect(options(false), told::add));
    assertThat(report.deletedObjects()).isEqualTo(3);
    assertThat(told).hasSize(3);
    assertThat(keys()).isEmpty();
    assertThat(line())
        .isEqualTo(
            new ObjectMapper()
                .readTree(
                    """
                    {"time":"2026-01-02T03:04:05.678Z","principal":"token:ops",
                     "action":"collect","request":"r-1","objects":3,"bytes":300,
                     "unfinished":0,"outcome":"done"}"""));
  }

  @Test
  void whatWentBeforeAFailureIsWrittenToo() throws Exception {
    assertThatThrownBy(
            () ->
                collector.collect(
                    options(false),
                    object -> {
                      if (keys().size() == 1) {
                        throw new SluiceException(ErrorKind.TRANSIENT, "store-away", "away");
                      }
                    }))
        .hasMessage("away");
    assertThat(keys()).hasSize(1);
    assertThat(line())
        .isEqualTo(
            new ObjectMapper()
                .readTree(
                    """
                    {"time":"2026-01-02T03:04:05.678Z","principal":"process",
                     "action":"collect","request":"","objects":2,"bytes":200,
                     "outcome":"store-away"}"""));
  }

  @Test
  void whatOnlyTellsLeavesNoLine() {
    assertThat(collector.collect(options(true), object -> {}).deletedObjects()).isEqualTo(3);
    assertThat(keys()).hasSize(3);
    assertThat(lines).isEmpty();
  }
}
