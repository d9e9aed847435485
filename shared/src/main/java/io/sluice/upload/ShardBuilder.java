package io.sluice.upload;

import io.sluice.format.SafetensorsHeader;
import io.sluice.model.ByteRange;
import io.sluice.model.ContentHasher;
import io.sluice.model.DType;
import io.sluice.model.ShardDescriptor;
import io.sluice.model.TensorInfo;
import io.sluice.plan.PlannedPiece;
import io.sluice.plan.PlannedShard;
import io.sluice.upload.UploadPlan.PlannedFile;
import io.sluice.upload.UploadPlan.PlannedTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;

/**
 * Builds a shard object in memory: a safetensors header, then the pieces read from the source
 * files, hashed on the way.
 */
final class ShardBuilder {
  /** Most bytes of a read: what stores far away want, and no burden for near ones. */
  private static final long READ = 8L << 20;

  private final UploadPlan plan;
  private final PlannedShard shard;
  private final byte[] header;

  ShardBuilder(UploadPlan plan, int shard) {
    this.plan = plan;
    this.shard = plan.shards().get(shard);
    this.header = header(plan, this.shard);
  }

  /** Bytes of the shard object. */
  long size() {
    return header.length + shard.dataBytes();
  }

  /** Where a piece starts in the shard object. */
  long offset(PlannedPiece piece) {
    return header.length + piece.dataOffset();
  }

  /**
   * A shard in memory.
   *
   * @param descriptor its digest and checksums
   * @param runs the bytes of the source that it has
   */
  record Built(ShardDescriptor descriptor, List<SourceRun> runs) {}

  /**
   * Reads the shard into the first bytes of {@code target}.
   *
   * @param progress told the bytes of every read
   */
  Built build(ReadAhead source, MemorySegment target, LongConsumer progress)
      throws InterruptedException {
    List<ReadAhead.Part> parts = new ArrayList<>();
    List<Run> reads = new ArrayList<>();
    long at = header.length;
    for (Run run : runs()) {
      PlannedFile file = plan.files().get(run.file());
      for (long done = 0; done < run.range().length(); done += READ) {
        long length = Math.min(READ, run.range().length() - done);
        ByteRange range = new ByteRange(run.range().offset() + done, length);
        parts.add(
            new ReadAhead.Part(
                file.layout().path(), file.etag(), range, target.asSlice(at, length)));
        reads.add(new Run(run.file(), range));
        at += length;
      }
    }
    ContentHasher hasher = new ContentHasher(size(), plan.options().chunkBytes());
    MemorySegment.copy(header, 0, target, ValueLayout.JAVA_BYTE, 0, header.length);
    hasher.update(target.asSlice(0, header.length));
    List<SourceRun> read = new ArrayList<>();
    source.run(
        parts,
        (index, part) -> {
          int crc = hasher.update(part.target());
          Run run = reads.get(index);
          SourceRun.append(read, new SourceRun(run.file(), run.range(), crc));
          progress.accept(part.range().length());
        });
    return new Built(hasher.finish(), read);
  }

  /** Bytes that lie together in a file and in the shard. */
  private record Run(int file, ByteRange range) {}

  private List<Run> runs() {
    List<Run> runs = new ArrayList<>();
    for (PlannedPiece piece : shard.pieces()) {
      PlannedTensor tensor = plan.tensors().get(piece.tensor());
      ByteRange range =
          new ByteRange(tensor.tensor().range().offset() + piece.tensorOffset(), piece.length());
      Run last = runs.isEmpty() ? null : runs.getLast();
      if (last != null && last.file() == tensor.file() && last.range().end() == range.offset()) {
        runs.set(
            runs.size() - 1,
            new Run(last.file(), ByteRange.between(last.range().offset(), range.end())));
      } else {
        runs.add(new Run(tensor.file(), range));
      }
    }
    return runs;
  }

  /**
   * The header names nothing but content, so that equal tensors give equal shards. A block of rows
   * says which ones it has; a type that safetensors lacks is stored as rows of bytes.
   */
  private static byte[] header(UploadPlan plan, PlannedShard shard) {
    List<TensorInfo> tensors = new ArrayList<>();
    Map<String, String> metadata = new HashMap<>();
    for (PlannedPiece piece : shard.pieces()) {
      TensorInfo info = plan.tensors().get(piece.tensor()).tensor().info();
      if (piece.length() != info.bytes()) {
        metadata.put(
            "sluice.rows." + info.name(),
            piece.firstRow() + ":" + (piece.firstRow() + piece.rows()) + "/" + info.rows());
      }
      if (info.dtype().inSafetensors()) {
        List<Long> shape = new ArrayList<>(info.shape());
        if (!shape.isEmpty()) {
          shape.set(0, piece.rows());
        }
        tensors.add(new TensorInfo(info.name(), info.dtype(), shape));
      } else {
        metadata.put("sluice.dtype." + info.name(), info.dtype().name());
        tensors.add(
            new TensorInfo(
                info.name(), DType.U8, List.of(piece.rows(), piece.length() / piece.rows())));
      }
    }
    return SafetensorsHeader.of(tensors, metadata).toBytes();
  }
}
