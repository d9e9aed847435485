package io.sluice.format;

import io.sluice.model.DType;
import io.sluice.model.TensorInfo;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The header of a shard object: a safetensors header that names nothing but content, so that equal
 * tensors give equal shards. A block of rows says which ones it has; a type that safetensors lacks
 * is stored as rows of bytes.
 */
public final class ShardHeader {
  private ShardHeader() {}

  /**
   * Rows of a tensor in a shard.
   *
   * @param tensor the whole tensor
   * @param firstRow first row of the block
   * @param rows number of rows, at least one
   * @param bytes of the block
   */
  public record Block(TensorInfo tensor, long firstRow, long rows, long bytes) {}

  /** The header of blocks that lie one behind the other in the given order. */
  public static SafetensorsHeader of(List<Block> blocks) {
    List<TensorInfo> tensors = new ArrayList<>();
    Map<String, String> metadata = new HashMap<>();
    for (Block block : blocks) {
      TensorInfo info = block.tensor();
      if (block.bytes() != info.bytes()) {
        metadata.put(
            "sluice.rows." + info.name(),
            block.firstRow() + ":" + (block.firstRow() + block.rows()) + "/" + info.rows());
      }
      if (info.dtype().inSafetensors()) {
        List<Long> shape = new ArrayList<>(info.shape());
        if (!shape.isEmpty()) {
          shape.set(0, block.rows());
        }
        tensors.add(new TensorInfo(info.name(), info.dtype(), shape));
      } else {
        metadata.put("sluice.dtype." + info.name(), info.dtype().name());
        long rows = Math.max(block.rows(), 1);
        tensors.add(new TensorInfo(info.name(), DType.U8, List.of(rows, block.bytes() / rows)));
      }
    }
    return SafetensorsHeader.of(tensors, metadata);
  }
}
