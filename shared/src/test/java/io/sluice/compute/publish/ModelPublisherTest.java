package io.sluice.compute.publish;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.compute.ShardAccess;
import io.sluice.compute.StoredTensors;
import io.sluice.compute.TensorRef;
import io.sluice.format.ByteSource;
import io.sluice.format.Checkpoint;
import io.sluice.format.CheckpointReader;
import io.sluice.format.FileLayout;
import io.sluice.format.SourceTensor;
import io.sluice.job.ShardPins;
import io.sluice.job.redis.RedisShardPins;
import io.sluice.load.ChunkReader;
import io.sluice.load.OpenShard;
import io.sluice.load.ShardLoader;
import io.sluice.manifest.ManifestCodec;
import io.sluice.manifest.ManifestRepository;
import io.sluice.manifest.ModelManifest;
import io.sluice.manifest.ModelManifest.Provenance;
import io.sluice.manifest.StoredManifests;
import io.sluice.manifest.redis.RedisManifestIndex;
import io.sluice.memory.HeldShards;
import io.sluice.memory.SlabPool;
import io.sluice.model.ByteRange;
import io.sluice.model.DType;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.InvalidValueException;
import io.sluice.model.ModelRef;
import io.sluice.model.SluiceException;
import io.sluice.model.TensorInfo;
import io.sluice.pins.OwnedPins;
import io.sluice.pull.ModelPull;
import io.sluice.redis.RedisClient;
import io.sluice.redis.TestRedis;
import io.sluice.storage.ShardStore;
import io.sluice.storage.file.FileShardStore;
import io.sluice.upload.TransferMemory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Versions that computations publish, in a store of files, with a real Redis. */
class ModelPublisherTest {
  private static final Provenance MADE = new Provenance("test", "{\"a\":1}", List.of());
  private static final ModelRef TARGET = ModelRef.parse("out/model:best");

  @TempDir Path temp;

  private final String job = UUID.randomUUID().toString();
  private final RedisClient redis = TestRedis.shared().client();
  private final String prefix = TestRedis.prefix();
  private final ShardPins pins =
      new RedisShardPins(redis, prefix, Duration.ofMinutes(1), Duration.ofMinutes(1));
  private final TransferMemory memory = new TransferMemory(32L << 20);
  private final SlabPool pool = new SlabPool(32L << 20);
  private ShardStore store;
  private ManifestRepository manifests;
  private ModelPublisher publisher;
  private StoredTensors tensors;

  @BeforeEach
  void start() throws IOException {
    store = new FileShardStore(Files.createDirectories(temp.resolve("store")));
    manifests =
        new StoredManifests(
            store,
            new RedisManifestIndex(redis, prefix),
            new OwnedPins(pins),
            new ManifestCodec(),
            InstantSource.system(),
            8,
            1 << 20);
    publisher = new ModelPublisher(store, manifests, pins, new TransferLoans(memory));
    ShardLoader loader = new ShardLoader(new ChunkReader(store, 4, 1), pool, new HeldShards());
    tensors = new StoredTensors(manifests, (shard, runs, progress) -> open(loader, shard, runs));
  }

  private static ShardAccess.Open open(
      ShardLoader loader, io.sluice.model.ShardDescriptor shard, List<ByteRange> runs)
      throws InterruptedException {
    OpenShard open = loader.open(shard, runs, n -> {});
    return new ShardAccess.Open() {
      @Override
      public MemorySegment bytes(ByteRange range) {
        return open.bytes(range);
      }

      @Override
      public void close() {
        open.close();
      }
    };
  }

  @AfterEach
  void stop() {
    store.close();
    memory.close();
    pool.close();
  }

  private static TensorInfo info(String name, DType dtype, Long... shape) {
    return new TensorInfo(name, dtype, List.of(shape));
  }

  /** Random bytes of a whole tensor, the same each time. */
  private static byte[] data(TensorInfo tensor) {
    byte[] bytes = new byte[(int) tensor.bytes()];
    new Random(tensor.name().hashCode()).nextBytes(bytes);
    return bytes;
  }

  private static byte[] rows(OutputBlock block) {
    int from = (int) (block.firstRow() * block.tensor().rowBytes());
    return Arrays.copyOfRange(data(block.tensor()), from, from + (int) block.bytes());
  }

  private StoredShard store(ModelDraft draft, OutputBlock... blocks) throws InterruptedException {
    return publisher.store(
        job,
        draft.chunkBytes(),
        List.of(blocks),
        targets -> {
          for (int i = 0; i < blocks.length; i++) {
            targets.get(i).copyFrom(MemorySegment.ofArray(rows(blocks[i])));
          }
        });
  }

  private Map<String, byte[]> pull(ModelRef ref) throws IOException, InterruptedException {
    Digest version = manifests.resolve(ref).version();
    Path target = temp.resolve(UUID.randomUUID().toString());
    new ModelPull(store, 2, 1).pull(manifests.load(ref.name(), version), target, false, n -> {});
    Map<String, byte[]> files = new TreeMap<>();
    try (Stream<Path> walk = Files.walk(target)) {
      for (Path file : walk.filter(Files::isRegularFile).toList()) {
        files.put(target.relativize(file).toString(), Files.readAllBytes(file));
      }
    }
    return files;
  }

  private record Bytes(String path, byte[] bytes) implements ByteSource {
    @Override
    public long size() {
      return bytes.length;
    }

    @Override
    public void read(ByteRange range, MemorySegment target) {
      target.copyFrom(MemorySegment.ofArray(bytes).asSlice(range.offset(), range.length()));
    }
  }

  /** Every tensor of pulled files as their readers see them; the index is checked by them too. */
  private static Map<TensorInfo, byte[]> parse(Map<String, byte[]> files) {
    List<ByteSource> sources = new ArrayList<>();
    files.forEach((path, bytes) -> sources.add(new Bytes(path, bytes)));
    Checkpoint checkpoint = CheckpointReader.read(sources);
    Map<TensorInfo, byte[]> tensors = new TreeMap<>((a, b) -> a.name().compareTo(b.name()));
    for (FileLayout layout : checkpoint.files()) {
      for (SourceTensor tensor : layout.tensors()) {
        int from = (int) tensor.range().offset();
        tensors.put(
            tensor.info(),
            Arrays.copyOfRange(
                files.get(layout.path()), from, from + (int) tensor.range().length()));
      }
    }
    return tensors;
  }

  private static void assertHas(Map<TensorInfo, byte[]> parsed, TensorInfo... expected) {
    assertThat(parsed.keySet()).containsExactlyInAnyOrder(expected);
    for (TensorInfo tensor : expected) {
      assertThat(parsed.get(tensor)).as(tensor.name()).isEqualTo(data(tensor));
    }
  }

  @Test
  void aStepWhoseJobIsOverStoresNothing() throws Exception {
    TensorInfo a = info("a", DType.I8, 5L, 7L);
    OutputBlock block = new OutputBlock(a, 0, 5);
    assertThatThrownBy(
            () ->
                publisher.store(
                    job, 1 << 20, List.of(block), targets -> Thread.currentThread().interrupt()))
        .isInstanceOf(InterruptedException.class);
    assertThat(Thread.interrupted()).isFalse();
    try (Stream<Path> files = Files.walk(temp)) {
      assertThat(files.filter(Files::isRegularFile)).isEmpty();
    }
  }

  @Test
  void shardsOfWholeTensorsAreTheFiles() throws Exception {
    TensorInfo a = info("layers.0.a", DType.I8, 5L, 7L);
    TensorInfo scale = info("layers.0.a.scale", DType.F32, 5L);
    TensorInfo b = info("layers.1.b", DType.BF16, 3L, 2L);
    ModelDraft draft = ModelDraft.fresh();
    StoredShard first = store(draft, OutputBlock.whole(a), OutputBlock.whole(scale));
    StoredShard second = store(draft, OutputBlock.whole(b));
    draft.add(StoredShard.read(first.toJson())).add(StoredShard.read(second.toJson()));

    ModelPublisher.Publication made = publisher.publish(job, TARGET, Optional.empty(), draft, MADE);

    Map<String, byte[]> files = pull(TARGET);
    assertThat(files)
        .containsOnlyKeys(
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model.safetensors.index.json");
    assertThat(Digest.sha256(files.get("model-00001-of-00002.safetensors")))
        .isEqualTo(first.shard().digest());
    assertHas(parse(files), a, scale, b);
    ModelManifest manifest = manifests.load("out/model", made.version());
    assertThat(manifest.provenance()).contains(MADE);
    assertThat(manifest.tensors().getFirst().layer()).hasValue(0);
    // F32 comes before I8, so that both lie aligned
    assertThat(first.blocks().getFirst().block().tensor()).isEqualTo(scale);
  }

  @Test
  void aRepeatedTaskAndCommitChangeNothing() throws Exception {
    TensorInfo a = info("a", DType.F32, 100L);
    ModelDraft draft = ModelDraft.fresh();
    StoredShard once = store(draft, OutputBlock.whole(a));
    StoredShard twice = store(draft, OutputBlock.whole(a));
    assertThat(once.sent()).isTrue();
    assertThat(twice.sent()).isFalse();
    assertThat(twice.shard()).isEqualTo(once.shard());
    draft.add(once).add(twice);

    Digest first = publisher.publish(job, TARGET, Optional.empty(), draft, MADE).version();
    Digest second = publisher.publish(job, TARGET, Optional.empty(), draft, MADE).version();

    assertThat(second).isEqualTo(first);
    assertThat(manifests.history("out/model", "best")).hasSize(1);
    assertThat(pull(TARGET)).containsOnlyKeys("model.safetensors");
  }

  @Test
  void tensorsSplitByRowsAreWholeInTheirFile() throws Exception {
    TensorInfo split = info("w", DType.F32, 9L, 4L);
    TensorInfo whole = info("b", DType.F16, 9L);
    TensorInfo quantized = info("q", DType.Q8_0, 2L, 64L);
    TensorInfo empty = info("none", DType.F32, 0L, 4L);
    ModelDraft draft = ModelDraft.fresh().empty(empty).file("config.json", "{}");
    draft.add(store(draft, new OutputBlock(split, 6, 3), OutputBlock.whole(quantized)));
    draft.add(store(draft, OutputBlock.whole(whole), new OutputBlock(split, 0, 6)));

    publisher.publish(job, TARGET, Optional.empty(), draft, MADE);

    Map<String, byte[]> files = pull(TARGET);
    assertThat(files).containsOnlyKeys("config.json", "model.safetensors");
    files.remove("config.json");
    Map<TensorInfo, byte[]> parsed = parse(files);
    TensorInfo asBytes = info("q", DType.U8, 2L, 68L);
    assertThat(parsed.keySet()).containsExactlyInAnyOrder(split, whole, asBytes, empty);
    assertThat(parsed.get(split)).isEqualTo(data(split));
    assertThat(parsed.get(whole)).isEqualTo(data(whole));
    assertThat(parsed.get(asBytes)).isEqualTo(data(quantized));
  }

  @Test
  void theTensorsOfAVersionMakeAGgufFile() throws Exception {
    TensorInfo split = info("w", DType.F32, 9L, 4L);
    TensorInfo quantized = info("q", DType.Q8_0, 2L, 64L);
    TensorInfo small = info("i", DType.I8, 3L);
    ModelDraft draft = ModelDraft.fresh().file("config.json", "{}");
    draft.add(store(draft, new OutputBlock(split, 6, 3), OutputBlock.whole(small)));
    draft.add(store(draft, OutputBlock.whole(quantized), new OutputBlock(split, 0, 6)));
    publisher.publish(job, TARGET, Optional.empty(), draft, MADE);

    Path target = temp.resolve("gguf");
    ModelManifest manifest = manifests.load("out/model", manifests.resolve(TARGET).version());
    long bytes = new ModelPull(store, 2, 1).pullGguf(manifest, "m", target, false, n -> {});

    byte[] file = Files.readAllBytes(target.resolve("m.gguf"));
    assertThat(file).hasSize((int) bytes);
    assertHas(parse(Map.of("m.gguf", file)), split, quantized, small);
  }

  @Test
  void aDerivedVersionKeepsShardsAndFiles() throws Exception {
    TensorInfo a = info("a", DType.F32, 6L, 2L);
    TensorInfo b = info("b", DType.F32, 4L);
    TensorInfo split = info("split", DType.F32, 8L);
    ModelDraft first = ModelDraft.fresh().file("tokenizer.json", "{\"x\":1}");
    first.add(store(first, OutputBlock.whole(a)));
    first.add(store(first, OutputBlock.whole(b)));
    first.add(store(first, new OutputBlock(split, 0, 4)));
    first.add(store(first, new OutputBlock(split, 4, 4)));
    ModelRef base = ModelRef.parse("base");
    ModelPublisher.Publication parent = publisher.publish(job, base, Optional.empty(), first, MADE);

    TensorInfo smaller = info("b", DType.BF16, 4L);
    ModelDraft draft = ModelDraft.from(parent.manifest());
    draft.keep(0).keep(2).keep(3);
    draft.add(store(draft, OutputBlock.whole(smaller)));
    Provenance made =
        new Provenance("convert", "{}", List.of(new Provenance.Parent("base", parent.version())));
    ModelPublisher.Publication child =
        publisher.publish(job, TARGET, Optional.empty(), draft, made);

    Map<String, byte[]> files = pull(TARGET);
    assertThat(files).containsKeys("tokenizer.json", "model-00003-of-00003.safetensors");
    assertThat(files.remove("tokenizer.json")).isEqualTo("{\"x\":1}".getBytes());
    assertHas(parse(files), a, smaller, split);
    assertThat(child.manifest().shards())
        .containsAll(
            List.of(
                parent.manifest().shards().get(0),
                parent.manifest().shards().get(2),
                parent.manifest().shards().get(3)));
    assertThat(child.manifest().provenance().orElseThrow().parents().getFirst().version())
        .isEqualTo(parent.version());
  }

  @Test
  void aDerivedVersionKeepsWhatTensorsAre() throws Exception {
    TensorInfo anonymous = info("onnx::MatMul_1", DType.F32, 6L, 2L);
    TensorInfo kept = info("onnx::MatMul_2", DType.F32, 4L);
    ModelDraft first = ModelDraft.fresh();
    first.add(store(first, OutputBlock.whole(anonymous)));
    first.add(store(first, OutputBlock.whole(kept)));
    ModelManifest plain =
        publisher.publish(job, ModelRef.parse("base"), Optional.empty(), first, MADE).manifest();
    // as an upload of an ONNX graph knows it
    ModelManifest parent =
        ModelManifest.of(
            plain.plan(),
            plain.files(),
            plain.tensors().stream()
                .map(
                    t ->
                        new ModelManifest.Tensor(
                            t.info(),
                            t.file(),
                            t.fileOffset(),
                            OptionalInt.of(3),
                            Optional.of("layer.3." + t.info().name().charAt(13) + ".weight"),
                            t.pieces()))
                .toList(),
            plain.shards());

    TensorInfo converted = info("onnx::MatMul_1", DType.I8, 6L, 2L);
    TensorInfo scale = info("onnx::MatMul_1.scale", DType.F32, 6L);
    TensorInfo other = info("layers.7.x", DType.F32, 1L);
    ModelDraft draft = ModelDraft.from(parent).beside("onnx::MatMul_1", ".scale");
    draft.keep(
        parent.tensors().stream()
            .filter(t -> t.info().equals(kept))
            .findFirst()
            .orElseThrow()
            .pieces()
            .getFirst()
            .shard());
    draft.add(store(draft, OutputBlock.whole(converted), OutputBlock.whole(scale)));
    draft.add(store(draft, OutputBlock.whole(other)));
    Digest version = publisher.publish(job, TARGET, Optional.empty(), draft, MADE).version();

    Map<String, String> meanings = new TreeMap<>();
    for (ModelManifest.Tensor t : manifests.load(TARGET.name(), version).tensors()) {
      meanings.put(t.info().name(), t.layer().orElse(-1) + " " + t.role().orElse("none"));
    }
    assertThat(meanings)
        .isEqualTo(
            Map.of(
                "onnx::MatMul_1", "3 layer.3.1.weight",
                "onnx::MatMul_1.scale", "3 layer.3.1.weight.scale",
                "onnx::MatMul_2", "3 layer.3.2.weight",
                "layers.7.x", "7 none"));
    assertThatThrownBy(() -> draft.beside("none", ".scale")).hasMessageContaining("'none'");
  }

  @Test
  void whatIsNotWholeIsNotPublished() throws Exception {
    TensorInfo split = info("w", DType.F32, 9L, 4L);
    ModelDraft draft = ModelDraft.fresh();
    draft.add(store(draft, new OutputBlock(split, 0, 6)));
    assertThatThrownBy(() -> publisher.publish(job, TARGET, Optional.empty(), draft, MADE))
        .isInstanceOfSatisfying(
            InvalidValueException.class, e -> assertThat(e.code()).isEqualTo("output-invalid"))
        .hasMessageContaining("'w' has 9 rows, 6 of them");
    assertThatThrownBy(() -> manifests.resolve(TARGET)).isInstanceOf(SluiceException.class);
  }

  @Test
  void aTagThatMovedIsAConflict() throws Exception {
    ModelDraft draft = ModelDraft.fresh();
    draft.add(store(draft, OutputBlock.whole(info("a", DType.F32, 1L))));
    publisher.publish(job, TARGET, Optional.empty(), draft, MADE);
    ModelDraft other = ModelDraft.fresh();
    other.add(store(other, OutputBlock.whole(info("b", DType.F32, 1L))));
    assertThatThrownBy(
            () ->
                publisher.publish(
                    job, TARGET, Optional.of(Digest.sha256(new byte[1])), other, MADE))
        .isInstanceOfSatisfying(
            SluiceException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CONFLICT));
  }

  @Test
  void shardsBeyondTheMemoryForOutputAreRefused() {
    TensorInfo large = info("large", DType.F32, 9L << 20);
    assertThatThrownBy(
            () -> publisher.store(job, 1 << 20, List.of(OutputBlock.whole(large)), targets -> {}))
        .isInstanceOfSatisfying(
            SluiceException.class, e -> assertThat(e.code()).isEqualTo("output-memory-too-small"));
  }

  @Test
  void rowsOfStoredTensorsAreReadByReference() throws Exception {
    TensorInfo split = info("w", DType.F32, 9L, 4L);
    ModelDraft draft = ModelDraft.fresh();
    draft.add(store(draft, new OutputBlock(split, 6, 3)));
    draft.add(store(draft, new OutputBlock(split, 0, 6)));
    publisher.publish(job, TARGET, Optional.empty(), draft, MADE);

    StoredTensors.Located located = tensors.locate(new TensorRef(TARGET, "w"));
    assertThat(located.info()).isEqualTo(split);
    for (int first = 0; first <= 9; first++) {
      for (int rows = 0; rows <= 9 - first; rows++) {
        byte[] target = new byte[rows * 16];
        tensors.read(located, first, rows, MemorySegment.ofArray(target), n -> {});
        assertThat(target)
            .isEqualTo(Arrays.copyOfRange(data(split), first * 16, (first + rows) * 16));
      }
    }
    assertThatThrownBy(() -> tensors.locate(new TensorRef(TARGET, "v")))
        .hasMessageContaining("'v'");
  }
}
