package io.sluice.compute.publish;

import io.sluice.compute.publish.ModelDraft.DraftShard;
import io.sluice.compute.publish.ModelDraft.DraftTensor;
import io.sluice.format.SafetensorsHeader;
import io.sluice.format.ShardHeader;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.ByteRange;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.InvalidValueException;
import io.sluice.model.Keys;
import io.sluice.model.ShardDescriptor;
import io.sluice.storage.ShardStore;
import io.sluice.storage.StorageException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** Lays the tensors of a draft out in files and makes the manifest of it. */
final class DraftFiles {
  /** Most tensor bytes of a file that is put together from several shards. */
  static final long FILE_BYTES = 5L << 30;

  /** Bytes read at a time to digest such a file. */
  static final long BLOCK = 8L << 20;

  private static final String SAFETENSORS = "SAFETENSORS";
  private static final String INDEX = "model.safetensors.index.json";

  private final ModelDraft draft;
  private final ShardStore store;
  private final ContentObjects objects;
  private final OutputMemory memory;
  private final String job;

  /** A file to be, with where its tensors start in it. */
  private record NewFile(
      long size,
      Digest digest,
      String format,
      Optional<ShardDescriptor> skeleton,
      Map<String, Long> tensors) {}

  DraftFiles(
      ModelDraft draft, ShardStore store, ContentObjects objects, OutputMemory memory, String job) {
    this.draft = draft;
    this.store = store;
    this.objects = objects;
    this.memory = memory;
    this.job = job;
  }

  ModelManifest manifest() throws InterruptedException {
    Map<String, DraftTensor> free = draft.tensors();
    free.values().forEach(DraftFiles::requireWhole);
    List<NewFile> laid = new ArrayList<>();
    Map<String, DraftTensor> rest = new LinkedHashMap<>(free);
    for (DraftShard shard : draft.shards()) {
      if (isFile(shard, free)) {
        laid.add(file(shard));
        shard.blocks().forEach(placed -> rest.remove(placed.block().tensor().name()));
      }
    }
    for (List<DraftTensor> group : groups(rest.values())) {
      laid.add(file(group));
    }
    TreeMap<String, NewFile> files = new TreeMap<>();
    for (int i = 0; i < laid.size(); i++) {
      files.put(path(i, laid.size()), laid.get(i));
    }
    if (laid.size() > 1) {
      files.put(INDEX, skeletonFile(index(files, free)));
    }
    for (Map.Entry<String, byte[]> small : draft.files().entrySet()) {
      if (files.put(small.getKey(), skeletonFile(small.getValue())) != null) {
        throw taken(small.getKey());
      }
    }
    return assemble(files, free);
  }

  private ModelManifest assemble(TreeMap<String, NewFile> files, Map<String, DraftTensor> free) {
    TreeMap<String, ModelManifest.File> all = new TreeMap<>();
    Map<Integer, String> keptPaths = new HashMap<>();
    files.forEach(
        (path, file) ->
            all.put(
                path,
                new ModelManifest.File(
                    path, file.size(), file.digest(), file.format(), file.skeleton())));
    draft
        .parent()
        .ifPresent(
            parent -> {
              for (int i = 0; i < parent.files().size(); i++) {
                ModelManifest.File file = parent.files().get(i);
                // What was added to the draft under the same path replaces it.
                if (ModelDraft.isOpaque(file) && !draft.files().containsKey(file.path())) {
                  if (all.put(file.path(), file) != null) {
                    throw taken(file.path());
                  }
                  keptPaths.put(i, file.path());
                }
              }
            });
    Map<String, Integer> indexes = new HashMap<>();
    all.keySet().forEach(path -> indexes.put(path, indexes.size()));
    List<ModelManifest.Tensor> tensors = new ArrayList<>();
    files.forEach(
        (path, file) ->
            file.tensors()
                .forEach(
                    (name, offset) ->
                        tensors.add(
                            new ModelManifest.Tensor(
                                free.get(name).info(),
                                indexes.get(path),
                                offset,
                                draft.layer(name),
                                draft.role(name),
                                ModelDraft.ordered(free.get(name))))));
    for (ModelManifest.Tensor kept : draft.kept()) {
      if (keptPaths.containsKey(kept.file())) {
        tensors.add(
            new ModelManifest.Tensor(
                kept.info(),
                indexes.get(keptPaths.get(kept.file())),
                kept.fileOffset(),
                kept.layer(),
                kept.role(),
                kept.pieces()));
      }
    }
    return ModelManifest.of(draft.plan(), List.copyOf(all.values()), tensors, draft.descriptors());
  }

  private static InvalidValueException taken(String path) {
    return new InvalidValueException(
        "output-invalid", "file '" + path + "' of the parent has the path of a new file");
  }

  private static String path(int index, int count) {
    return count == 1
        ? "model.safetensors"
        : String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", index + 1, count);
  }

  private static void requireWhole(DraftTensor tensor) {
    long rows = tensor.pieces().stream().mapToLong(ModelManifest.Piece::rows).sum();
    if (tensor.info().bytes() > 0 && rows != tensor.info().rows()) {
      throw new InvalidValueException(
          "output-invalid",
          "tensor '"
              + tensor.info().name()
              + "' has "
              + tensor.info().rows()
              + " rows, "
              + rows
              + " of them were stored");
    }
  }

  // ---- shards that are files

  private boolean isFile(DraftShard shard, Map<String, DraftTensor> free) {
    Set<Long> offsets = new HashSet<>();
    long bytes = headerBytes(shard);
    for (StoredShard.Placed placed : shard.blocks()) {
      DraftTensor tensor = free.get(placed.block().tensor().name());
      if (tensor == null || tensor.pieces().size() != 1 || !offsets.add(placed.offset())) {
        return false;
      }
      bytes += placed.block().bytes();
    }
    return bytes == shard.shard().size();
  }

  private static long headerBytes(DraftShard shard) {
    return shard.blocks().stream().mapToLong(StoredShard.Placed::offset).min().orElseThrow();
  }

  private NewFile file(DraftShard shard) throws InterruptedException {
    ShardDescriptor skeleton =
        shard.header().isPresent() ? shard.header().get() : storeHeader(shard);
    Map<String, Long> tensors = new HashMap<>();
    shard.blocks().forEach(placed -> tensors.put(placed.block().tensor().name(), placed.offset()));
    return new NewFile(
        shard.shard().size(), shard.shard().digest(), SAFETENSORS, Optional.of(skeleton), tensors);
  }

  /** The header of a shard that was stored before is read from there. */
  private ShardDescriptor storeHeader(DraftShard shard) throws InterruptedException {
    String key = Keys.shard(shard.shard().digest());
    long length = headerBytes(shard);
    if (length < Long.BYTES || length > SafetensorsHeader.MAX_BYTES + (long) Long.BYTES) {
      throw corrupt(key, "its first tensor starts at " + length);
    }
    byte[] header = new byte[Math.toIntExact(length)];
    store.read(key, Optional.empty(), new ByteRange(0, length), MemorySegment.ofArray(header));
    long said = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN).getLong();
    if (said != length - Long.BYTES) {
      throw corrupt(key, "its header has " + said + " bytes, its first tensor starts at " + length);
    }
    return storeSkeleton(header);
  }

  private static StorageException corrupt(String key, String why) {
    return new StorageException(
        ErrorKind.CORRUPT, "object-corrupt", key, "'" + key + "' is no shard: " + why, null);
  }

  // ---- files of tensors from several shards

  private static List<List<DraftTensor>> groups(Iterable<DraftTensor> tensors) {
    List<List<DraftTensor>> groups = new ArrayList<>();
    long bytes = 0;
    for (DraftTensor tensor : tensors) {
      if (groups.isEmpty() || bytes + tensor.info().bytes() > FILE_BYTES) {
        groups.add(new ArrayList<>());
        bytes = 0;
      }
      groups.getLast().add(tensor);
      bytes += tensor.info().bytes();
    }
    groups.forEach(
        group -> group.sort(Comparator.comparingInt(t -> -t.info().dtype().alignment())));
    return groups;
  }

  private NewFile file(List<DraftTensor> group) throws InterruptedException {
    List<ShardHeader.Block> blocks = new ArrayList<>();
    for (DraftTensor tensor : group) {
      blocks.add(
          new ShardHeader.Block(tensor.info(), 0, tensor.info().rows(), tensor.info().bytes()));
    }
    byte[] header = ShardHeader.of(blocks).toBytes();
    Map<String, Long> offsets = new HashMap<>();
    long at = header.length;
    MessageDigest sha = Digest.hasher();
    sha.update(header);
    try (OutputMemory.Loan loan = memory.acquire(Math.min(BLOCK, memory.bytes()))) {
      for (DraftTensor tensor : group) {
        offsets.put(tensor.info().name(), at);
        for (ModelManifest.Piece piece : ModelDraft.ordered(tensor)) {
          digest(piece, loan.segment(), sha);
        }
        at += tensor.info().bytes();
      }
    }
    return new NewFile(
        at, Digest.of(sha.digest()), SAFETENSORS, Optional.of(storeSkeleton(header)), offsets);
  }

  private void digest(ModelManifest.Piece piece, MemorySegment block, MessageDigest sha) {
    String key = Keys.shard(draft.descriptors().get(piece.shard()).digest());
    long step = Math.min(BLOCK, block.byteSize());
    for (long done = 0; done < piece.length(); done += step) {
      ByteRange range = new ByteRange(piece.offset() + done, Math.min(step, piece.length() - done));
      MemorySegment bytes = block.asSlice(0, range.length());
      store.read(key, Optional.empty(), range, bytes);
      sha.update(bytes.asByteBuffer());
    }
  }

  // ---- small files

  private NewFile skeletonFile(byte[] content) throws InterruptedException {
    return new NewFile(
        content.length,
        Digest.sha256(content),
        "OPAQUE",
        content.length == 0 ? Optional.empty() : Optional.of(storeSkeleton(content)),
        Map.of());
  }

  private ShardDescriptor storeSkeleton(byte[] content) throws InterruptedException {
    try (OutputMemory.Loan loan = memory.acquire(content.length)) {
      MemorySegment bytes = loan.segment().asSlice(0, content.length);
      MemorySegment.copy(content, 0, bytes, ValueLayout.JAVA_BYTE, 0, content.length);
      ShardDescriptor skeleton = ModelPublisher.hash(bytes, draft.chunkBytes());
      objects.put(job, Keys.skeleton(skeleton.digest()), bytes);
      return skeleton;
    }
  }

  /** The index that Hugging Face puts beside the files of a model. */
  private static byte[] index(TreeMap<String, NewFile> files, Map<String, DraftTensor> tensors) {
    TreeMap<String, String> pathOf = new TreeMap<>();
    files.forEach((path, file) -> file.tensors().keySet().forEach(n -> pathOf.put(n, path)));
    long total = tensors.values().stream().mapToLong(t -> t.info().bytes()).sum();
    return IndexJson.write(total, pathOf).getBytes(StandardCharsets.UTF_8);
  }
}
