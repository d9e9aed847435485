package io.sluice.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.manifest.Verifier.Fault;
import io.sluice.manifest.Verifier.Problem;
import io.sluice.manifest.Verifier.Report;
import io.sluice.model.ChunkChecksums;
import io.sluice.model.Digest;
import io.sluice.model.Keys;
import io.sluice.model.ShardDescriptor;
import io.sluice.storage.TransientStorageException;
import io.sluice.storage.file.FileShardStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VerifierTest {
  @TempDir Path root;
  private FileShardStore store;
  private TestModel model;
  private List<String> keys;

  @BeforeEach
  void open() {
    store = new FileShardStore(root);
    model = TestModel.of(1, 2, 3).upload(store);
    keys = List.copyOf(model.objects().keySet());
  }

  @AfterEach
  void close() {
    store.close();
  }

  private Report verify(boolean deep) {
    return new Verifier(store, 3).verify(model.manifest(), deep);
  }

  private void flip(String key, int at) throws IOException {
    byte[] bytes = Files.readAllBytes(root.resolve(key));
    bytes[at] ^= 0x40;
    Files.write(root.resolve(key), bytes);
  }

  @Test
  void aSoundVersionHasNoProblems() {
    for (boolean deep : new boolean[] {false, true}) {
      assertThat(verify(deep)).isEqualTo(new Report(deep, 4, 3 * 384 + 30, List.of()));
    }
  }

  @Test
  void namesShardChunkAndTensors() throws IOException {
    // Chunks of 100 bytes; the tensors lie in [64, 224) and [224, 384).
    flip(keys.get(1), 10);
    flip(keys.get(1), 210);
    flip(keys.get(1), 383);
    flip(keys.get(3), 29);
    assertThat(verify(false).sound()).isTrue();
    List<Problem> problems = verify(true).problems();
    assertThat(problems).allMatch(problem -> problem.fault() == Fault.WRONG_CHUNK);
    assertThat(problems.subList(0, 3)).extracting(Problem::key).containsOnly(keys.get(1));
    assertThat(problems.subList(0, 3))
        .extracting(problem -> problem.chunk().getAsInt())
        .containsExactly(0, 2, 3);
    assertThat(problems.subList(0, 3))
        .extracting(Problem::tensors)
        .containsExactly(List.of("t1.0"), List.of("t1.0", "t1.1"), List.of("t1.1"));
    assertThat(problems.get(0).detail()).contains("CRC32C").contains("[0, 100)");
    assertThat(problems.get(3).key()).isEqualTo(keys.get(3));
    assertThat(problems.get(3).files()).containsExactly("model.safetensors");
    assertThat(problems.get(3).tensors()).isEmpty();
  }

  @Test
  void namesMissingAndTruncatedObjects() throws IOException {
    Files.delete(root.resolve(keys.get(0)));
    Files.write(root.resolve(keys.get(2)), new byte[383]);
    for (boolean deep : new boolean[] {false, true}) {
      List<Problem> problems = verify(deep).problems();
      assertThat(problems).hasSize(2);
      assertThat(problems)
          .anySatisfy(
              problem -> {
                assertThat(problem.key()).isEqualTo(keys.get(0));
                assertThat(problem.fault()).isEqualTo(Fault.MISSING);
                assertThat(problem.tensors()).containsExactly("t0.0", "t0.1");
              })
          .anySatisfy(
              problem -> {
                assertThat(problem.key()).isEqualTo(keys.get(2));
                assertThat(problem.fault()).isEqualTo(Fault.WRONG_SIZE);
                assertThat(problem.detail()).contains("383").contains("384");
                assertThat(problem.tensors()).containsExactly("t2.0", "t2.1");
              });
    }
  }

  @Test
  void findsADigestThatIsNotThatOfTheChunks() throws IOException {
    List<ShardDescriptor> shards = new ArrayList<>(model.manifest().shards());
    ChunkChecksums checksums = shards.get(0).checksums();
    Digest other = Digest.sha256(new byte[] {1});
    Files.copy(root.resolve(keys.get(0)), root.resolve(Keys.shard(other)));
    shards.set(0, new ShardDescriptor(other, checksums));
    ModelManifest wrong =
        ModelManifest.of(
            model.manifest().plan(), model.manifest().files(), model.manifest().tensors(), shards);
    assertThat(new Verifier(store, 1).verify(wrong, true).problems())
        .singleElement()
        .satisfies(
            problem -> {
              assertThat(problem.fault()).isEqualTo(Fault.WRONG_DIGEST);
              assertThat(problem.key()).isEqualTo(Keys.shard(other));
              assertThat(problem.chunk()).isEqualTo(OptionalInt.empty());
              assertThat(problem.detail()).contains(other.toString());
            });
  }

  @Test
  void aStoreThatFailsIsNoProblemOfTheVersion() {
    for (int n = 1; n <= 8; n++) {
      FaultyStore faulty = new FaultyStore(store, n, false);
      assertThatThrownBy(() -> new Verifier(faulty, 2).verify(model.manifest(), true))
          .isInstanceOf(TransientStorageException.class);
    }
  }
}
