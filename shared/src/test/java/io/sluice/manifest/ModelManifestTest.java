package io.sluice.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.manifest.ModelManifest.File;
import io.sluice.manifest.ModelManifest.Piece;
import io.sluice.manifest.ModelManifest.Plan;
import io.sluice.manifest.ModelManifest.Tensor;
import io.sluice.model.ChunkChecksums;
import io.sluice.model.DType;
import io.sluice.model.Digest;
import io.sluice.model.InvalidValueException;
import io.sluice.model.ShardDescriptor;
import io.sluice.model.TensorInfo;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelManifestTest {
  private static final Digest DIGEST = Digest.sha256(new byte[0]);
  private static final Plan PLAN = new Plan("size", 1000, 1000);

  private static File file(String path, long size) {
    return new File(path, size, DIGEST, "OPAQUE", Optional.empty());
  }

  private static File file(String path, long size, ShardDescriptor skeleton) {
    return new File(path, size, DIGEST, "OPAQUE", Optional.of(skeleton));
  }

  /** A tensor of {@code bytes} bytes at an offset of file 0. */
  private static Tensor tensor(String name, long fileOffset, int bytes, Piece... pieces) {
    return new Tensor(
        new TensorInfo(name, DType.U8, List.of((long) bytes)),
        0,
        fileOffset,
        OptionalInt.empty(),
        List.of(pieces));
  }

  private static Piece whole(int shard, long offset, int bytes) {
    return new Piece(shard, offset, 0, bytes, bytes);
  }

  private static ShardDescriptor object(int id, int size) {
    return new ShardDescriptor(
        Digest.sha256(new byte[] {(byte) id}), new ChunkChecksums(size, 1000, new int[] {id}));
  }

  private static void refused(
      List<File> files, List<Tensor> tensors, List<ShardDescriptor> shards, String complaint) {
    assertThatThrownBy(() -> ModelManifest.of(PLAN, files, tensors, shards))
        .isInstanceOf(InvalidValueException.class)
        .hasMessageContaining(complaint);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "/etc/passwd",
        "..",
        "../x",
        "a/../b",
        "a/..",
        "./a",
        "a/.",
        "a//b",
        "a/",
        "C:/x",
        "c:x",
        "a\\b",
        "a\u0000b",
        "a\nb",
        "a\u007fb",
        "a\ud800"
      })
  void pathsNeverLeadOut(String path) {
    assertThatThrownBy(() -> file(path, 0))
        .isInstanceOf(InvalidValueException.class)
        .hasMessageContaining("path of a file");
  }

  @Test
  void pathsAreBounded() {
    assertThatThrownBy(() -> file("ü".repeat(128), 0)).hasMessageContaining("255 bytes");
    assertThatThrownBy(() -> file("a/".repeat(2048) + "a", 0)).hasMessageContaining("4096");
    assertThatCode(() -> file("a".repeat(255) + "/b..c/.d/e:f/ü 模", 0)).doesNotThrowAnyException();
  }

  @Test
  void filesAreInOrderEachOnceAndNoFileIsAFolder() {
    List<Tensor> none = List.of();
    refused(List.of(), none, List.of(), "1 to");
    refused(List.of(file("b", 0), file("a", 0)), none, List.of(), "'a' follows 'b'");
    refused(List.of(file("a", 0), file("a", 0)), none, List.of(), "'a' follows 'a'");
    refused(
        List.of(file("a", 0), file("a.b", 0), file("a/b/c", 0)), none, List.of(), "'a' is a file");
    refused(List.of(file("a/b", 0), file("a/b/c", 0)), none, List.of(), "'a/b' is a file");
  }

  @Test
  void skeletonAndTensorsFillTheFileExactly() {
    List<ShardDescriptor> shards = List.of(object(1, 100));
    Tensor tensor = tensor("t", 10, 50, whole(0, 8, 50));
    assertThat(
            ModelManifest.of(PLAN, List.of(file("f", 60, object(2, 10))), List.of(tensor), shards))
        .satisfies(
            manifest -> {
              assertThat(manifest.totalBytes()).isEqualTo(100);
              assertThat(manifest.sourceBytes()).isEqualTo(60);
              assertThat(manifest.objects()).hasSize(2);
            });
    refused(List.of(file("f", 61, object(2, 10))), List.of(tensor), shards, "has 61 bytes");
    refused(List.of(file("f", 60)), List.of(tensor), shards, "its skeleton and tensors 50");
    refused(List.of(file("f", 59, object(2, 9))), List.of(tensor), shards, "ends past 'f'");
    refused(List.of(file("f", 1)), List.of(), List.of(), "its skeleton and tensors 0");
  }

  @Test
  void tensorsShareTheBytesOfAFileExactlyOrNotAtAll() {
    List<ShardDescriptor> shards = List.of(object(1, 100));
    Tensor a = tensor("a", 0, 50, whole(0, 8, 50));
    Tensor alias = tensor("b", 0, 50, whole(0, 8, 50));
    assertThatCode(() -> ModelManifest.of(PLAN, List.of(file("f", 50)), List.of(alias, a), shards))
        .doesNotThrowAnyException();
    refused(
        List.of(file("f", 70)),
        List.of(a, tensor("b", 40, 30, whole(0, 58, 30))),
        shards,
        "'b' of 30 bytes at 40 overlaps");
    refused(
        List.of(file("f", 50)),
        List.of(a, tensor("b", 0, 40, whole(0, 58, 40))),
        shards,
        "overlaps");
  }

  @Test
  void piecesShareTheBytesOfAShardExactlyOrNotAtAll() {
    List<ShardDescriptor> shards = List.of(object(1, 100));
    List<File> files = List.of(file("f", 80));
    Tensor a = tensor("a", 0, 40, whole(0, 8, 40));
    assertThatCode(
            () ->
                ModelManifest.of(
                    PLAN, files, List.of(a, tensor("b", 40, 40, whole(0, 8, 40))), shards))
        .doesNotThrowAnyException();
    refused(files, List.of(a, tensor("b", 40, 40, whole(0, 47, 40))), shards, "overlap in part");
    refused(files, List.of(a, tensor("b", 40, 40, whole(0, 61, 40))), shards, "outside its shard");
    refused(files, List.of(a, tensor("b", 40, 40, whole(1, 8, 40))), shards, "outside its shard");
  }

  @Test
  void shardsAreListedOnceAndUsed() {
    List<File> files = List.of(file("f", 40));
    Tensor a = tensor("a", 0, 40, whole(0, 8, 40));
    refused(files, List.of(a), List.of(object(1, 100), object(1, 100)), "listed twice");
    refused(files, List.of(a), List.of(object(1, 100), object(2, 100)), "tensors in only 1");
    assertThatThrownBy(
            () -> new ModelManifest(PLAN, files, List.of(a), List.of(object(1, 100)), 99))
        .hasMessageContaining("S is said to be 99 bytes but its shards sum to 100");
  }

  @Test
  void chunksOfAllObjectsAreThePlans() {
    ShardDescriptor other =
        new ShardDescriptor(DIGEST, new ChunkChecksums(100, 999, new int[] {1}));
    Tensor a = tensor("a", 0, 40, whole(0, 8, 40));
    refused(List.of(file("f", 40)), List.of(a), List.of(other), "have 999");
    refused(List.of(file("f", 100, other)), List.of(), List.of(), "have 999");
  }

  @Test
  void sharedSkeletonsAreDescribedInOneWay() {
    ShardDescriptor one = object(1, 10);
    ShardDescriptor other =
        new ShardDescriptor(one.digest(), new ChunkChecksums(10, 1000, new int[] {77}));
    assertThat(
            ModelManifest.of(
                    PLAN, List.of(file("a", 10, one), file("b", 10, one)), List.of(), List.of())
                .objects())
        .hasSize(1);
    refused(List.of(file("a", 10, one), file("b", 10, other)), List.of(), List.of(), "in two ways");
  }

  @Test
  void tensorNamesAreUniqueAndOrdered() {
    List<ShardDescriptor> shards = List.of(object(1, 100));
    List<File> files = List.of(file("f", 80));
    Tensor a = tensor("a", 0, 40, whole(0, 8, 40));
    refused(
        files, List.of(a, tensor("a", 40, 40, whole(0, 48, 40))), shards, "'a' is listed twice");
    List<Tensor> ordered = List.of(a, tensor("0", 40, 40, whole(0, 48, 40)));
    assertThatThrownBy(() -> new ModelManifest(PLAN, files, ordered.reversed(), shards, 100))
        .hasMessageContaining("'a' follows '0'");
    assertThat(ModelManifest.of(PLAN, files, ordered.reversed(), shards).tensors())
        .isEqualTo(ordered);
  }

  @Test
  void piecesAreWholeRowsWithoutHoles() {
    TensorInfo info = new TensorInfo("t", DType.F32, List.of(4L, 2L));
    for (List<Piece> bad :
        List.<List<Piece>>of(
            List.of(),
            List.of(new Piece(0, 8, 0, 3, 24)),
            List.of(new Piece(0, 8, 0, 4, 31)),
            List.of(new Piece(0, 8, 0, 2, 16), new Piece(0, 24, 3, 1, 8)),
            List.of(new Piece(0, 8, 2, 2, 16), new Piece(0, 24, 0, 2, 16)),
            List.of(new Piece(0, 8, 0, 2, 15), new Piece(0, 24, 2, 2, 17)),
            List.of(new Piece(0, 8, 0, 4, 32), new Piece(0, 40, 4, 1, 8)))) {
      assertThatThrownBy(() -> new Tensor(info, 0, 0, OptionalInt.empty(), bad))
          .as(bad.toString())
          .isInstanceOf(InvalidValueException.class)
          .hasMessageContaining("'t'");
    }
    assertThatCode(
            () ->
                new Tensor(
                    info,
                    0,
                    0,
                    OptionalInt.empty(),
                    List.of(new Piece(0, 8, 0, 3, 24), new Piece(1, 8, 3, 1, 8))))
        .doesNotThrowAnyException();
  }

  @Test
  void rowsThatEndInsideAByteAreNotCut() {
    TensorInfo info = new TensorInfo("t", DType.F4, List.of(2L, 3L));
    assertThatCode(
            () -> new Tensor(info, 0, 0, OptionalInt.empty(), List.of(new Piece(0, 8, 0, 2, 3))))
        .doesNotThrowAnyException();
    assertThatThrownBy(
            () ->
                new Tensor(
                    info,
                    0,
                    0,
                    OptionalInt.empty(),
                    List.of(new Piece(0, 8, 0, 1, 1), new Piece(0, 9, 1, 1, 2))))
        .isInstanceOf(InvalidValueException.class);
  }

  @Test
  void sumsThatOverflowAreRefused() {
    refused(
        List.of(file("a", Long.MAX_VALUE), file("b", Long.MAX_VALUE)),
        Collections.emptyList(),
        List.of(),
        "more than 2^63 - 1");
  }
}
