package io.sluice.compute.publish;

import io.sluice.format.LayerNames;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.Digest;
import io.sluice.model.InvalidValueException;
import io.sluice.model.ShardDescriptor;
import io.sluice.model.TensorInfo;
import io.sluice.plan.PlanOptions;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * What a new version is to be made of: shards that tasks have stored, shards of a parent version
 * that are named again without being copied, and small files. Not thread-safe.
 *
 * <p>Every tensor needs all of its rows before it is published, in shards of any order. A tensor
 * whose bytes no file of the parent keeps gets into a new safetensors file, see {@link
 * ModelPublisher#publish}.
 */
public final class ModelDraft {
  private final Optional<ModelManifest> parent;
  private final ModelManifest.Plan plan;
  private final Map<Digest, Integer> indexes = new HashMap<>();
  private final List<DraftShard> shards = new ArrayList<>();
  private final Map<String, DraftTensor> tensors = new LinkedHashMap<>();
  private final TreeMap<String, byte[]> files = new TreeMap<>();
  private final Map<String, ModelManifest.Tensor> opaque = new HashMap<>();
  private final Map<String, Meaning> meanings = new HashMap<>();

  /** A shard with the tensors in it; the header is known if a task of the computation made it. */
  record DraftShard(
      ShardDescriptor shard, Optional<ShardDescriptor> header, List<StoredShard.Placed> blocks) {}

  /** What a tensor is in the model: see {@link ModelManifest.Tensor}. */
  private record Meaning(OptionalInt layer, Optional<String> role) {}

  /** A tensor with its pieces so far. */
  record DraftTensor(TensorInfo info, List<ModelManifest.Piece> pieces) {}

  private ModelDraft(Optional<ModelManifest> parent, ModelManifest.Plan plan) {
    this.parent = parent;
    this.plan = plan;
    parent.ifPresent(
        manifest -> {
          for (ModelManifest.Tensor tensor : manifest.tensors()) {
            meanings.put(tensor.info().name(), new Meaning(tensor.layer(), tensor.role()));
            if (isOpaque(manifest.files().get(tensor.file()))) {
              opaque.put(tensor.info().name(), tensor);
            }
          }
        });
  }

  /** A new model, cut by the defaults of uploads. */
  public static ModelDraft fresh() {
    PlanOptions options = PlanOptions.DEFAULT;
    return new ModelDraft(
        Optional.empty(),
        new ModelManifest.Plan(
            options.strategy().text(), options.shardBytes(), options.chunkBytes()));
  }

  /**
   * A version derived from another one: files that are no model format (configuration, tokenizer)
   * are taken over; tensors are to be added. Those with the name of a tensor of the parent keep its
   * layer and its role.
   */
  public static ModelDraft from(ModelManifest parent) {
    return new ModelDraft(Optional.of(parent), parent.plan());
  }

  /** Bytes of a chunk, which all shards of the version share. */
  public int chunkBytes() {
    return plan.chunkBytes();
  }

  /** Whether a file is taken over as it is: its bytes mean nothing to Sluice. */
  static boolean isOpaque(ModelManifest.File file) {
    return file.format().equals("OPAQUE") && !file.path().endsWith(".safetensors.index.json");
  }

  /**
   * Adds a shard that a task has stored. Adding an equal one again changes nothing.
   *
   * @throws InvalidValueException if its chunks are not those of the draft
   */
  public ModelDraft add(StoredShard stored) {
    if (stored.shard().checksums().chunkSize() != plan.chunkBytes()) {
      throw new InvalidValueException(
          "output-invalid",
          "the chunks of a shard have "
              + stored.shard().checksums().chunkSize()
              + " bytes, those of the version "
              + plan.chunkBytes());
    }
    add(stored.shard(), Optional.of(stored.header()), stored.blocks());
    return this;
  }

  /** Takes over a shard of the parent with all tensors in it. */
  public ModelDraft keep(int shard) {
    ModelManifest manifest = parent.orElseThrow();
    List<StoredShard.Placed> blocks = new ArrayList<>();
    for (ModelManifest.Tensor tensor : manifest.tensors()) {
      for (ModelManifest.Piece piece : tensor.pieces()) {
        if (piece.shard() == shard) {
          blocks.add(
              new StoredShard.Placed(
                  new OutputBlock(tensor.info(), piece.firstRow(), piece.rows()), piece.offset()));
        }
      }
    }
    add(manifest.shards().get(shard), Optional.empty(), blocks);
    return this;
  }

  private void add(
      ShardDescriptor shard, Optional<ShardDescriptor> header, List<StoredShard.Placed> blocks) {
    if (indexes.putIfAbsent(shard.digest(), shards.size()) != null) {
      return;
    }
    int index = shards.size();
    shards.add(new DraftShard(shard, header, blocks));
    for (StoredShard.Placed placed : blocks) {
      OutputBlock block = placed.block();
      tensor(block.tensor())
          .pieces()
          .add(
              new ModelManifest.Piece(
                  index, placed.offset(), block.firstRow(), block.rows(), block.bytes()));
    }
  }

  /** Adds a tensor of no bytes. */
  public ModelDraft empty(TensorInfo tensor) {
    if (tensor.bytes() != 0) {
      throw new IllegalArgumentException(
          "tensor '" + tensor.name() + "' has " + tensor.bytes() + " bytes");
    }
    tensor(tensor);
    return this;
  }

  /**
   * Says that a new tensor comes with one of the parent, such as its scales: it gets the layer of
   * that, and, if that has a role, the role with {@code suffix} behind it.
   *
   * @param tensor name of a tensor of the parent
   * @param suffix what the name of the new tensor has behind that name
   */
  public ModelDraft beside(String tensor, String suffix) {
    Meaning meaning = meanings.get(tensor);
    if (meaning == null) {
      throw new IllegalArgumentException("the parent has no tensor '" + tensor + "'");
    }
    meanings.put(
        tensor + suffix, new Meaning(meaning.layer(), meaning.role().map(r -> r + suffix)));
    return this;
  }

  private DraftTensor tensor(TensorInfo info) {
    DraftTensor known =
        tensors.computeIfAbsent(info.name(), n -> new DraftTensor(info, new ArrayList<>()));
    if (!known.info().equals(info)) {
      throw new InvalidValueException(
          "output-invalid", "tensor '" + info.name() + "' is " + known.info() + " and " + info);
    }
    return known;
  }

  /**
   * Adds or replaces a small file, such as a configuration.
   *
   * @param path inside the model, with forward slashes
   */
  public ModelDraft file(String path, byte[] content) {
    files.put(path, content.clone());
    return this;
  }

  /** Adds or replaces a small text file. */
  public ModelDraft file(String path, String content) {
    return file(path, content.getBytes(StandardCharsets.UTF_8));
  }

  Optional<ModelManifest> parent() {
    return parent;
  }

  ModelManifest.Plan plan() {
    return plan;
  }

  List<DraftShard> shards() {
    return shards;
  }

  List<ShardDescriptor> descriptors() {
    return shards.stream().map(DraftShard::shard).toList();
  }

  /** Tensors of new files: those that no opaque file of the parent keeps. */
  Map<String, DraftTensor> tensors() {
    Map<String, DraftTensor> free = new LinkedHashMap<>(tensors);
    free.keySet().removeAll(opaque.keySet());
    return free;
  }

  /** Whether a file of the parent that is no model format keeps a tensor. */
  boolean isKept(String tensor) {
    return opaque.containsKey(tensor);
  }

  /** Tensors of kept files, with where they lie now. */
  List<ModelManifest.Tensor> kept() {
    List<ModelManifest.Tensor> kept = new ArrayList<>();
    opaque.forEach(
        (name, old) -> {
          DraftTensor now = tensors.get(name);
          kept.add(
              new ModelManifest.Tensor(
                  old.info(),
                  old.file(),
                  old.fileOffset(),
                  old.layer(),
                  old.role(),
                  now == null ? List.of() : ordered(now)));
        });
    return kept;
  }

  Map<String, byte[]> files() {
    return files;
  }

  OptionalInt layer(String tensor) {
    Meaning meaning = meanings.get(tensor);
    return meaning == null ? LayerNames.layer(tensor) : meaning.layer();
  }

  Optional<String> role(String tensor) {
    return Optional.ofNullable(meanings.get(tensor)).flatMap(Meaning::role);
  }

  static List<ModelManifest.Piece> ordered(DraftTensor tensor) {
    return tensor.pieces().stream()
        .sorted(Comparator.comparingLong(ModelManifest.Piece::firstRow))
        .toList();
  }
}
