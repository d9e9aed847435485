package io.sluice.upload;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.format.FileFormat;
import io.sluice.format.FileLayout;
import io.sluice.format.SourceTensor;
import io.sluice.model.ByteRange;
import io.sluice.model.DType;
import io.sluice.model.TensorInfo;
import io.sluice.plan.PlanOptions;
import io.sluice.plan.PlanStrategy;
import io.sluice.plan.PlannedPiece;
import io.sluice.plan.PlannedShard;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What every worker of an upload needs to know: the files as they were when the plan was made, and
 * how their tensors are cut. It travels as JSON through the job.
 *
 * @param files the source files
 * @param tensors the tensors that have bytes of their own, in order of file and offset; pieces name
 *     them by their index
 * @param shards the shards to be built
 * @param options the options of the plan
 */
record UploadPlan(
    List<PlannedFile> files,
    List<PlannedTensor> tensors,
    List<PlannedShard> shards,
    PlanOptions options) {

  /**
   * A source file.
   *
   * @param layout its tensors, those that share their bytes with another one included
   * @param etag pins its content
   */
  record PlannedFile(FileLayout layout, String etag) {}

  /**
   * A tensor with bytes of its own.
   *
   * @param file index of its file
   * @param tensor the tensor in the file
   */
  record PlannedTensor(int file, SourceTensor tensor) {}

  UploadPlan {
    files = List.copyOf(files);
    tensors = List.copyOf(tensors);
    shards = List.copyOf(shards);
  }

  /** The tensors of these files that have bytes of their own: the first of those that share. */
  static List<PlannedTensor> distinct(List<PlannedFile> files) {
    List<PlannedTensor> distinct = new ArrayList<>();
    for (int file = 0; file < files.size(); file++) {
      ByteRange last = null;
      for (SourceTensor tensor : files.get(file).layout().tensors()) {
        if (tensor.range().length() > 0 && !tensor.range().equals(last)) {
          distinct.add(new PlannedTensor(file, tensor));
          last = tensor.range();
        }
      }
    }
    return distinct;
  }

  ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.putArray("options")
        .add(options.strategy().text())
        .add(options.shardBytes())
        .add(options.count().orElse(0))
        .add(options.chunkBytes());
    ArrayNode fileArray = json.putArray("files");
    for (PlannedFile file : files) {
      ObjectNode entry =
          fileArray
              .addObject()
              .put("path", file.layout().path())
              .put("size", file.layout().size())
              .put("format", file.layout().format().name())
              .put("etag", file.etag());
      ArrayNode tensorArray = entry.putArray("tensors");
      for (SourceTensor tensor : file.layout().tensors()) {
        ArrayNode row =
            tensorArray
                .addArray()
                .add(tensor.info().name())
                .add(tensor.info().dtype().name())
                .add(tensor.range().offset())
                .add(tensor.layer().orElse(-1))
                .add(tensor.role().orElse(""));
        tensor.info().shape().forEach(row::add);
      }
    }
    ArrayNode shardArray = json.putArray("shards");
    for (PlannedShard shard : shards) {
      ArrayNode pieces = shardArray.addArray();
      for (PlannedPiece piece : shard.pieces()) {
        pieces
            .addArray()
            .add(piece.tensor())
            .add(piece.firstRow())
            .add(piece.rows())
            .add(piece.tensorOffset())
            .add(piece.length())
            .add(piece.dataOffset());
      }
    }
    return json;
  }

  static UploadPlan read(JsonNode json) {
    JsonNode o = json.get("options");
    int count = o.get(2).intValue();
    PlanOptions options =
        new PlanOptions(
            PlanStrategy.parse(o.get(0).textValue()),
            o.get(1).longValue(),
            count == 0 ? OptionalInt.empty() : OptionalInt.of(count),
            o.get(3).intValue());
    List<PlannedFile> files = new ArrayList<>();
    for (JsonNode file : json.get("files")) {
      List<SourceTensor> tensors = new ArrayList<>();
      for (JsonNode row : file.get("tensors")) {
        List<Long> shape = new ArrayList<>();
        for (int i = 5; i < row.size(); i++) {
          shape.add(row.get(i).longValue());
        }
        TensorInfo info =
            new TensorInfo(row.get(0).textValue(), DType.valueOf(row.get(1).textValue()), shape);
        int layer = row.get(3).intValue();
        String role = row.get(4).textValue();
        tensors.add(
            new SourceTensor(
                info,
                new ByteRange(row.get(2).longValue(), info.bytes()),
                layer < 0 ? OptionalInt.empty() : OptionalInt.of(layer),
                role.isEmpty() ? Optional.empty() : Optional.of(role)));
      }
      files.add(
          new PlannedFile(
              new FileLayout(
                  file.get("path").textValue(),
                  file.get("size").longValue(),
                  FileFormat.valueOf(file.get("format").textValue()),
                  tensors),
              file.get("etag").textValue()));
    }
    List<PlannedShard> shards = new ArrayList<>();
    for (JsonNode shard : json.get("shards")) {
      List<PlannedPiece> pieces = new ArrayList<>();
      for (JsonNode p : shard) {
        pieces.add(
            new PlannedPiece(
                p.get(0).intValue(),
                p.get(1).longValue(),
                p.get(2).longValue(),
                p.get(3).longValue(),
                p.get(4).longValue(),
                p.get(5).longValue()));
      }
      long dataBytes = pieces.stream().mapToLong(PlannedPiece::length).sum();
      shards.add(new PlannedShard(shards.size(), pieces, dataBytes));
    }
    return new UploadPlan(files, distinct(files), shards, options);
  }
}
