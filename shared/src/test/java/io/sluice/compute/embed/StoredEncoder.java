package io.sluice.compute.embed;

import io.sluice.compute.ShardAccess;
import io.sluice.manifest.ManifestRepository;
import io.sluice.manifest.ModelManifest;
import io.sluice.manifest.ModelManifest.File;
import io.sluice.manifest.ModelManifest.Piece;
import io.sluice.manifest.ModelManifest.Tensor;
import io.sluice.manifest.ModelSummary;
import io.sluice.manifest.TagMove;
import io.sluice.model.ByteRange;
import io.sluice.model.ChunkChecksums;
import io.sluice.model.DType;
import io.sluice.model.Digest;
import io.sluice.model.Keys;
import io.sluice.model.ModelRef;
import io.sluice.model.ShardDescriptor;
import io.sluice.model.TensorInfo;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ReadObserver;
import io.sluice.storage.ShardReader;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongConsumer;

/** A model in memory behind the ports that embedding needs: one shard a layer, one for the rest. */
final class StoredEncoder implements ManifestRepository, ShardReader, ShardAccess {
  static final String NAME = "encoder";
  static final Digest VERSION = Digest.sha256("encoder".getBytes(StandardCharsets.UTF_8));

  /** A tensor with its bytes. */
  record Weight(TensorInfo info, Optional<String> role, OptionalInt layer, byte[] bytes) {}

  final AtomicInteger opened = new AtomicInteger();
  private final Map<Digest, byte[]> objects = new HashMap<>();
  private final ModelManifest manifest;

  StoredEncoder(String format, List<Weight> weights, Map<String, byte[]> files) {
    Map<Integer, ByteArrayOutputStream> shards = new TreeMap<>();
    weights.forEach(
        w -> shards.computeIfAbsent(w.layer().orElse(-1), l -> new ByteArrayOutputStream()));
    List<Integer> order = List.copyOf(shards.keySet());
    List<File> list = new ArrayList<>();
    Map<String, byte[]> sorted = new TreeMap<>(files);
    long size = weights.stream().mapToLong(w -> w.bytes().length).sum();
    int weightFile = (int) sorted.keySet().stream().filter(p -> p.compareTo("model") < 0).count();
    sorted.forEach(
        (path, bytes) ->
            list.add(
                new File(
                    path, bytes.length, Digest.sha256(bytes), "OPAQUE", Optional.of(put(bytes)))));
    list.add(
        weightFile, new File("model", size, Digest.sha256(new byte[0]), format, Optional.empty()));
    List<Tensor> tensors = new ArrayList<>();
    long at = 0;
    for (Weight weight : weights) {
      ByteArrayOutputStream shard = shards.get(weight.layer().orElse(-1));
      int index = order.indexOf(weight.layer().orElse(-1));
      long rows = weight.info().rows();
      // in two pieces, as a large tensor is
      long half = rows / 2;
      List<Piece> pieces = new ArrayList<>();
      long offset = shard.size();
      if (half > 0) {
        pieces.add(new Piece(index, offset, 0, half, half * weight.info().rowBytes()));
      }
      pieces.add(
          new Piece(
              index,
              offset + half * weight.info().rowBytes(),
              half,
              rows - half,
              (rows - half) * weight.info().rowBytes()));
      shard.writeBytes(weight.bytes());
      tensors.add(new Tensor(weight.info(), weightFile, at, weight.layer(), weight.role(), pieces));
      at += weight.bytes().length;
    }
    manifest =
        ModelManifest.of(
            new ModelManifest.Plan("layer", 1 << 30, 1 << 20),
            list,
            tensors,
            shards.values().stream().map(s -> put(s.toByteArray())).toList());
  }

  private ShardDescriptor put(byte[] bytes) {
    Digest digest = Digest.sha256(bytes);
    objects.put(digest, bytes);
    int chunks = ChunkChecksums.count(bytes.length, 1 << 20);
    return new ShardDescriptor(digest, new ChunkChecksums(bytes.length, 1 << 20, new int[chunks]));
  }

  /** A tensor of floats, stored as F32, F16 or BF16. */
  static Weight weight(String name, String role, DType dtype, float[] values, long... shape) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * (dtype == DType.F32 ? 4 : 2))
            .order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      switch (dtype) {
        case F32 -> bytes.putFloat(value);
        case F16 -> bytes.putShort(Float.floatToFloat16(value));
        default -> bytes.putShort((short) (Float.floatToIntBits(value) >>> 16));
      }
    }
    List<Long> dimensions = java.util.Arrays.stream(shape).boxed().toList();
    String says = role == null ? name : role;
    return new Weight(
        new TensorInfo(name, dtype, dimensions),
        Optional.ofNullable(role),
        io.sluice.format.LayerNames.layer(says),
        bytes.array());
  }

  ModelManifest manifest() {
    return manifest;
  }

  @Override
  public ModelManifest load(String name, Digest version) {
    return manifest;
  }

  @Override
  public Resolved resolve(ModelRef ref) {
    return new Resolved(NAME, VERSION);
  }

  @Override
  public void read(
      String key,
      Optional<String> etag,
      ByteRange range,
      MemorySegment target,
      ReadObserver observer) {
    objects.forEach(
        (digest, bytes) -> {
          if (Keys.skeleton(digest).equals(key)) {
            MemorySegment.copy(
                MemorySegment.ofArray(bytes), range.offset(), target, 0, range.length());
          }
        });
    observer.received(range.length());
  }

  @Override
  public ObjectInfo head(String key) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Open open(ShardDescriptor shard, List<ByteRange> runs, LongConsumer progress) {
    opened.incrementAndGet();
    MemorySegment all = MemorySegment.ofArray(objects.get(shard.digest()));
    return new Open() {
      @Override
      public MemorySegment bytes(ByteRange range) {
        if (runs.stream().noneMatch(run -> run.contains(range))) {
          throw new IllegalArgumentException(range + " is not open");
        }
        return all.asSlice(range.offset(), range.length());
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public Published publish(
      String name, ModelManifest model, Optional<String> tag, Optional<Digest> expected) {
    throw new UnsupportedOperationException();
  }

  @Override
  public List<ModelSummary> list() {
    throw new UnsupportedOperationException();
  }

  @Override
  public ModelSummary model(String name) {
    throw new UnsupportedOperationException();
  }

  @Override
  public List<TagMove> history(String name, String tag) {
    throw new UnsupportedOperationException();
  }

  @Override
  public TagMove tag(String name, String tag, Digest version, Optional<Digest> expected) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Removed remove(ModelRef ref, boolean force) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Rebuilt rebuild() {
    throw new UnsupportedOperationException();
  }
}
