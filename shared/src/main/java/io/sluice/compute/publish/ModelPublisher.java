package io.sluice.compute.publish;

import io.sluice.format.ShardHeader;
import io.sluice.job.ShardPins;
import io.sluice.manifest.ManifestRepository;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.ContentHasher;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.InvalidValueException;
import io.sluice.model.Keys;
import io.sluice.model.ModelRef;
import io.sluice.model.ShardDescriptor;
import io.sluice.model.SluiceException;
import io.sluice.storage.ShardStore;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Makes new versions of models out of what computations give.
 *
 * <p>A task {@link #store stores} the shards that it has built and returns their descriptors as its
 * result; a commit, or whoever else has gathered them, puts them into a {@link ModelDraft} and
 * {@link #publish publishes} it. Objects are named by their content and pinned under the id of the
 * job before they are looked up, so a task that is done twice stores one object, and a commit that
 * is done twice publishes one version.
 */
public final class ModelPublisher {
  private final ShardStore store;
  private final ManifestRepository manifests;
  private final ShardPins pins;
  private final OutputMemory memory;
  private final ContentObjects objects;

  /**
   * @param store where shards go
   * @param manifests where the manifest goes
   * @param pins keeps what a job has stored from being collected as garbage
   * @param memory bounds the shards in flight
   */
  public ModelPublisher(
      ShardStore store, ManifestRepository manifests, ShardPins pins, OutputMemory memory) {
    this.store = store;
    this.manifests = manifests;
    this.pins = pins;
    this.memory = memory;
    this.objects = new ContentObjects(store, pins);
  }

  /** Writes the bytes of the blocks of a shard. */
  @FunctionalInterface
  public interface Filler {
    /**
     * Fills the blocks.
     *
     * @param targets memory for each block, in the order in which they were given, little-endian
     *     and row-major; every byte has to be written
     */
    void fill(List<MemorySegment> targets) throws InterruptedException;
  }

  /**
   * Checks that a shard of these blocks can be built.
   *
   * @throws SluiceException of kind CAPACITY if it does not fit the memory for output
   */
  public void requireFits(List<OutputBlock> blocks) {
    long bytes = header(arranged(blocks)).length + dataBytes(blocks);
    if (bytes > memory.bytes()) {
      throw new SluiceException(
          ErrorKind.CAPACITY,
          "output-memory-too-small",
          "a shard with tensor '"
              + blocks.getFirst().tensor().name()
              + "' would have "
              + bytes
              + " bytes, the memory for output is "
              + memory.bytes()
              + " bytes; make shards smaller or that memory larger");
    }
  }

  /**
   * Builds a shard and stores it unless it is there. Waits for memory first; the result depends on
   * nothing but the blocks and their bytes.
   *
   * @param job under whose id the shard is pinned until the job is over
   * @param chunkBytes bytes of a chunk, see {@link ModelDraft#chunkBytes}
   * @param blocks at least one, each of another tensor
   */
  public StoredShard store(String job, int chunkBytes, List<OutputBlock> blocks, Filler filler)
      throws InterruptedException {
    requireFits(blocks);
    List<OutputBlock> arranged = arranged(blocks);
    byte[] header = header(arranged);
    long size = header.length + dataBytes(blocks);
    try (OutputMemory.Loan loan = memory.acquire(size)) {
      MemorySegment target = loan.segment().asSlice(0, size);
      MemorySegment.copy(header, 0, target, ValueLayout.JAVA_BYTE, 0, header.length);
      MemorySegment[] parts = new MemorySegment[blocks.size()];
      List<StoredShard.Placed> placed = new ArrayList<>();
      long at = header.length;
      for (OutputBlock block : arranged) {
        parts[indexOf(blocks, block)] = target.asSlice(at, block.bytes());
        placed.add(new StoredShard.Placed(block, at));
        at += block.bytes();
      }
      filler.fill(List.of(parts));
      ShardDescriptor shard = hash(target, chunkBytes);
      ShardDescriptor skeleton = hash(target.asSlice(0, header.length), chunkBytes);
      requireGoingOn();
      objects.put(job, Keys.skeleton(skeleton.digest()), target.asSlice(0, header.length));
      boolean sent = objects.put(job, Keys.shard(shard.digest()), target);
      return new StoredShard(shard, skeleton, placed, sent);
    }
  }

  /**
   * A step whose job is over is interrupted: it stores and publishes nothing any more. What it has
   * sent before is pinned until the pins of its job end, then garbage.
   */
  private static void requireGoingOn() throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException("the job is over: nothing is stored");
    }
  }

  private static int indexOf(List<OutputBlock> blocks, OutputBlock block) {
    for (int i = 0; i < blocks.size(); i++) {
      if (blocks.get(i) == block) {
        return i;
      }
    }
    throw new IllegalStateException("a block got lost: " + block);
  }

  /** The widest elements first, so that all of them lie aligned. */
  private static List<OutputBlock> arranged(List<OutputBlock> blocks) {
    return blocks.stream()
        .sorted(Comparator.comparingInt((OutputBlock b) -> -b.tensor().dtype().alignment()))
        .toList();
  }

  private static byte[] header(List<OutputBlock> blocks) {
    return ShardHeader.of(blocks.stream().map(OutputBlock::header).toList()).toBytes();
  }

  private static long dataBytes(List<OutputBlock> blocks) {
    long sum = 0;
    for (OutputBlock block : blocks) {
      sum = Math.addExact(sum, block.bytes());
    }
    return sum;
  }

  static ShardDescriptor hash(MemorySegment bytes, int chunkBytes) {
    ContentHasher hasher = new ContentHasher(bytes.byteSize(), chunkBytes);
    hasher.update(bytes);
    return hasher.finish();
  }

  /**
   * Publishes a version and moves the tag to it; does the same when repeated.
   *
   * <p>Its files: those of the parent that are no model format, those added to the draft, and the
   * tensors as {@code model-0000i-of-0000n.safetensors} with an index ({@code model.safetensors} if
   * one file holds them all). A shard of whole tensors is such a file as it lies in the store. The
   * other tensors (split over shards, or without bytes) are put together to files, which are read
   * once for their SHA-256.
   *
   * @param job under whose id headers are pinned
   * @param target name and tag to publish under; names no version
   * @param expected if present, the version that the tag must have before it is moved
   * @param provenance what made it
   * @throws InvalidValueException {@code output-invalid} or {@code manifest-invalid} if the draft
   *     is not whole
   */
  public Publication publish(
      String job,
      ModelRef target,
      Optional<Digest> expected,
      ModelDraft draft,
      ModelManifest.Provenance provenance)
      throws InterruptedException {
    requireTarget(target);
    ModelManifest manifest =
        new DraftFiles(draft, store, objects, memory, job).manifest().with(provenance);
    requireGoingOn();
    ManifestRepository.Published published =
        manifests.publish(target.name(), manifest, Optional.of(target.tagOrDefault()), expected);
    return new Publication(published.version(), manifest);
  }

  /**
   * What was published.
   *
   * @param version digest of the manifest
   * @param manifest the version itself
   */
  public record Publication(Digest version, ModelManifest manifest) {}

  /** Lets go of what a job has pinned: after the last version that it publishes. */
  public void release(String job) {
    pins.unpin(job);
  }

  /**
   * Checks that something can be published under a reference.
   *
   * @throws InvalidValueException {@code model-ref-invalid} if it names a version
   */
  public static void requireTarget(ModelRef target) {
    if (target.version().isPresent()) {
      throw new InvalidValueException(
          "model-ref-invalid",
          "a computation makes a version and cannot be given one: '" + target + "'");
    }
  }
}
