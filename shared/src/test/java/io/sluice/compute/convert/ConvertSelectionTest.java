package io.sluice.compute.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.compute.ComputeException;
import io.sluice.manifest.ModelManifest;
import io.sluice.manifest.ModelManifest.File;
import io.sluice.manifest.ModelManifest.Piece;
import io.sluice.manifest.ModelManifest.Plan;
import io.sluice.manifest.ModelManifest.Tensor;
import io.sluice.model.ChunkChecksums;
import io.sluice.model.DType;
import io.sluice.model.Digest;
import io.sluice.model.ModelRef;
import io.sluice.model.ShardDescriptor;
import io.sluice.model.TensorInfo;
import io.sluice.plan.TensorGlobs;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class ConvertSelectionTest {
  private static final int BYTES = 16;

  /** Matrices of two rows of two F32 each, with or without a role, all in one shard. */
  private static ModelManifest model(List<String> names, List<Optional<String>> roles) {
    List<Tensor> tensors = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      tensors.add(
          new Tensor(
              new TensorInfo(names.get(i), DType.F32, List.of(2L, 2L)),
              0,
              (long) i * BYTES,
              OptionalInt.empty(),
              roles.get(i),
              List.of(new Piece(0, i * BYTES, 0, 2, BYTES))));
    }
    int size = names.size() * BYTES;
    Digest digest = Digest.sha256(new byte[size]);
    return ModelManifest.of(
        new Plan("size", 1 << 20, 1 << 10),
        List.of(new File("model", size, digest, "ONNX", Optional.empty())),
        tensors,
        List.of(new ShardDescriptor(digest, new ChunkChecksums(size, 1 << 10, new int[1]))));
  }

  private static ConvertSelection select(ModelManifest model, DType to) {
    ConvertArguments arguments =
        new ConvertArguments(to, ModelRef.parse("made"), false, Optional.empty());
    return ConvertSelection.of(model, new TensorGlobs(List.of()), arguments);
  }

  private static void refused(ModelManifest model, String... complaints) {
    assertThatThrownBy(() -> select(model, DType.I8))
        .isInstanceOf(ComputeException.class)
        .hasMessageContainingAll(complaints);
  }

  @Test
  void scalesWantNamesThatAreFree() {
    ModelManifest model =
        model(List.of("w", "w.scale"), List.of(Optional.empty(), Optional.empty()));
    refused(model, "the scales of 'w' would be called 'w.scale'");
    assertThat(select(model, DType.F16).taken()).containsExactly("w", "w.scale");
  }

  @Test
  void rolesLeaveRoomForThoseOfScales() {
    ModelManifest fits = model(List.of("w"), List.of(Optional.of("r".repeat(4090))));
    assertThat(select(fits, DType.I8).taken()).containsExactly("w");
    ModelManifest tooLong = model(List.of("w"), List.of(Optional.of("r".repeat(4091))));
    refused(tooLong, "the scales of 'w'", "at most 4090 characters, got 4091");
    assertThat(select(tooLong, DType.BF16).taken()).containsExactly("w");
  }
}
