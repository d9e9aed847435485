package io.sluice.upload;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.format.FileLayout;
import io.sluice.format.SourceTensor;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.ByteRange;
import io.sluice.model.Digest;
import io.sluice.model.ShardDescriptor;
import io.sluice.plan.PlanOptions;
import io.sluice.plan.PlannedPiece;
import io.sluice.plan.PlannedShard;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** Puts the plan of an upload and the results of its tasks together to a manifest. */
final class ManifestAssembler {
  private ManifestAssembler() {}

  /**
   * @param shards result of the task of each planned shard, in order
   * @param files result of the task of each file, in order
   */
  static ModelManifest assemble(UploadPlan plan, List<JsonNode> shards, List<JsonNode> files) {
    Map<Digest, Integer> indexes = new LinkedHashMap<>();
    List<ShardDescriptor> descriptors = new ArrayList<>();
    List<List<ModelManifest.Piece>> pieces = new ArrayList<>();
    plan.tensors().forEach(t -> pieces.add(new ArrayList<>()));
    for (PlannedShard shard : plan.shards()) {
      ShardDescriptor descriptor = Descriptors.read(shards.get(shard.index()));
      // Equal shards are one object and count once in S.
      int index =
          indexes.computeIfAbsent(
              descriptor.digest(),
              d -> {
                descriptors.add(descriptor);
                return descriptors.size() - 1;
              });
      ShardBuilder builder = new ShardBuilder(plan, shard.index());
      for (PlannedPiece piece : shard.pieces()) {
        pieces
            .get(piece.tensor())
            .add(
                new ModelManifest.Piece(
                    index, builder.offset(piece), piece.firstRow(), piece.rows(), piece.length()));
      }
    }
    pieces.forEach(p -> p.sort(Comparator.comparingLong(ModelManifest.Piece::firstRow)));
    PlanOptions options = plan.options();
    return ModelManifest.of(
        new ModelManifest.Plan(
            options.strategy().text(), options.shardBytes(), options.chunkBytes()),
        files(plan, shards, files),
        tensors(plan, pieces),
        descriptors);
  }

  private static List<ModelManifest.File> files(
      UploadPlan plan, List<JsonNode> shards, List<JsonNode> results) {
    List<List<SourceRun>> runs = new ArrayList<>();
    plan.files().forEach(file -> runs.add(new ArrayList<>()));
    shards.forEach(result -> SourceRun.read(result.get("runs"), runs));
    results.forEach(result -> SourceRun.read(result.get("runs"), runs));
    List<ModelManifest.File> files = new ArrayList<>();
    for (int i = 0; i < plan.files().size(); i++) {
      FileLayout layout = plan.files().get(i).layout();
      JsonNode result = results.get(i);
      files.add(
          new ModelManifest.File(
              layout.path(),
              layout.size(),
              Optional.ofNullable(result.get("digest")).map(d -> Digest.parse(d.textValue())),
              OptionalInt.of(SourceRun.whole(layout.path(), layout.size(), runs.get(i))),
              layout.format().name(),
              Optional.ofNullable(result.get("skeleton")).map(Descriptors::read)));
    }
    return files;
  }

  /** Every tensor; those that share their bytes with the one before share its pieces. */
  private static List<ModelManifest.Tensor> tensors(
      UploadPlan plan, List<List<ModelManifest.Piece>> pieces) {
    List<ModelManifest.Tensor> tensors = new ArrayList<>();
    int distinct = -1;
    for (int file = 0; file < plan.files().size(); file++) {
      ByteRange last = null;
      for (SourceTensor tensor : plan.files().get(file).layout().tensors()) {
        boolean empty = tensor.range().length() == 0;
        if (!empty && !tensor.range().equals(last)) {
          distinct++;
          last = tensor.range();
        }
        tensors.add(
            new ModelManifest.Tensor(
                tensor.info(),
                file,
                tensor.range().offset(),
                tensor.layer(),
                tensor.role(),
                empty ? List.of() : pieces.get(distinct)));
      }
    }
    return tensors;
  }
}
