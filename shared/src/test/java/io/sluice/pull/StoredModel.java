package io.sluice.pull;

import io.sluice.manifest.ModelManifest;
import io.sluice.manifest.ModelManifest.Piece;
import io.sluice.manifest.ModelManifest.Tensor;
import io.sluice.model.ByteRange;
import io.sluice.model.ContentHasher;
import io.sluice.model.Crc32c;
import io.sluice.model.DType;
import io.sluice.model.Digest;
import io.sluice.model.Keys;
import io.sluice.model.ShardDescriptor;
import io.sluice.model.TensorInfo;
import io.sluice.storage.ShardStore;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;

/**
 * A model of files with random bytes, cut into shards by hand: tensors with gaps between them, some
 * of no bytes, some that share their bytes, some in several blocks of rows that lie in any shard.
 *
 * @param files the files by path
 * @param shards the shards by index
 */
record StoredModel(ModelManifest manifest, Map<String, byte[]> files, List<byte[]> shards) {
  private static final int SHARDS = 5;
  private static final int ROW = 24;

  static StoredModel write(ShardStore store, long seed, int chunk) {
    Random random = new Random(seed);
    List<ByteArrayOutputStream> shards = new ArrayList<>();
    for (int i = 0; i < SHARDS; i++) {
      ByteArrayOutputStream shard = new ByteArrayOutputStream();
      shard.writeBytes(bytes(random, 64 + random.nextInt(100))); // belongs to no file
      shards.add(shard);
    }
    Map<String, byte[]> files = new LinkedHashMap<>();
    List<ModelManifest.File> described = new ArrayList<>();
    List<Tensor> tensors = new ArrayList<>();
    for (String path : List.of("a/b/one.bin", "a/empty", "a/two.bin", "copy", "full", "plain")) {
      byte[] content = content(path, random, files);
      List<ByteRange> taken = new ArrayList<>();
      if (!path.equals("plain") && content.length > 0 && !path.equals("copy")) {
        tensors(random, described.size(), content, path.equals("full"), shards, tensors, taken);
      }
      described.add(describe(store, path, content, taken, chunk));
      files.put(path, content);
    }
    List<ShardDescriptor> descriptors = new ArrayList<>();
    List<byte[]> bytes = new ArrayList<>();
    for (ByteArrayOutputStream shard : shards) {
      bytes.add(shard.toByteArray());
      ShardDescriptor descriptor = describe(bytes.getLast(), chunk);
      descriptors.add(descriptor);
      store.putIfAbsent(Keys.shard(descriptor.digest()), MemorySegment.ofArray(bytes.getLast()));
    }
    ModelManifest manifest =
        ModelManifest.of(
            new ModelManifest.Plan("size", 1_000, chunk), described, tensors, descriptors);
    return new StoredModel(manifest, files, bytes);
  }

  private static byte[] content(String path, Random random, Map<String, byte[]> files) {
    return switch (path) {
      case "a/empty" -> new byte[0];
      case "plain" -> bytes(random, 3_000);
      case "copy" -> files.get("a/two.bin").clone(); // as a whole a skeleton of its own
      case "full" -> bytes(random, 100 * ROW); // has no skeleton
      default -> bytes(random, 20_000 + random.nextInt(5_000));
    };
  }

  /** The same with checksums of the files and without digests. */
  StoredModel withChecksums() {
    List<ModelManifest.File> described = new ArrayList<>();
    for (ModelManifest.File file : manifest.files()) {
      described.add(
          new ModelManifest.File(
              file.path(),
              file.size(),
              Optional.empty(),
              OptionalInt.of(Crc32c.of(MemorySegment.ofArray(files.get(file.path())))),
              file.format(),
              file.skeleton()));
    }
    return new StoredModel(
        ModelManifest.of(manifest.plan(), described, manifest.tensors(), manifest.shards()),
        files,
        shards);
  }

  /** Cuts tensors out of a file, each into blocks of rows in shards at random. */
  private static void tensors(
      Random random,
      int file,
      byte[] content,
      boolean full,
      List<ByteArrayOutputStream> shards,
      List<Tensor> tensors,
      List<ByteRange> taken) {
    int at = full ? 0 : random.nextInt(50);
    while (at + ROW <= content.length) {
      int most = (content.length - at) / ROW;
      int rows = full ? most : 1 + random.nextInt(Math.min(most, 60));
      List<Piece> pieces = new ArrayList<>();
      for (int row = 0; row < rows; ) {
        int block = 1 + random.nextInt(rows - row);
        int shard = tensors.size() < SHARDS ? tensors.size() : random.nextInt(SHARDS);
        ByteArrayOutputStream out = shards.get(shard);
        pieces.add(new Piece(shard, out.size(), row, block, (long) block * ROW));
        out.write(content, at + row * ROW, block * ROW);
        row += block;
      }
      String name = "t" + tensors.size();
      tensors.add(tensor(name, file, at, rows, pieces));
      if (random.nextInt(4) == 0) {
        tensors.add(tensor(name + ".alias", file, at, rows, pieces));
      }
      if (random.nextInt(4) == 0) {
        tensors.add(tensor(name + ".none", file, at + rows * ROW, 0, List.of()));
      }
      taken.add(new ByteRange(at, (long) rows * ROW));
      at += rows * ROW + (full ? 0 : random.nextInt(3) * random.nextInt(200));
    }
  }

  private static Tensor tensor(String name, int file, long at, long rows, List<Piece> pieces) {
    return new Tensor(
        new TensorInfo(name, DType.F32, List.of(rows, ROW / 4L)),
        file,
        at,
        OptionalInt.empty(),
        pieces);
  }

  private static ModelManifest.File describe(
      ShardStore store, String path, byte[] content, List<ByteRange> taken, int chunk) {
    ByteArrayOutputStream skeleton = new ByteArrayOutputStream();
    int at = 0;
    for (ByteRange range : taken) {
      skeleton.write(content, at, (int) range.offset() - at);
      at = (int) range.end();
    }
    skeleton.write(content, at, content.length - at);
    Optional<ShardDescriptor> descriptor = Optional.empty();
    if (skeleton.size() > 0) {
      byte[] bytes = skeleton.toByteArray();
      descriptor = Optional.of(describe(bytes, chunk));
      store.putIfAbsent(Keys.skeleton(descriptor.get().digest()), MemorySegment.ofArray(bytes));
    }
    return new ModelManifest.File(
        path, content.length, Digest.sha256(content), "OPAQUE", descriptor);
  }

  private static ShardDescriptor describe(byte[] object, int chunk) {
    ContentHasher hasher = new ContentHasher(object.length, chunk);
    hasher.update(MemorySegment.ofArray(object));
    return hasher.finish();
  }

  private static byte[] bytes(Random random, int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }
}
