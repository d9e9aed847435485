package io.sluice.manifest;

import io.sluice.manifest.ModelManifest.File;
import io.sluice.manifest.ModelManifest.Tensor;
import io.sluice.model.ByteRange;
import io.sluice.model.ChunkChecksums;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.InvalidValueException;
import io.sluice.model.Keys;
import io.sluice.model.ShardDescriptor;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ShardReader;
import io.sluice.storage.StorageException;
import java.lang.foreign.MemorySegment;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;

/** Checks that what a version is made of lies in the store as the manifest says. */
public final class Verifier {
  private static final int BUFFER_BYTES = 8 << 20;

  /** What is wrong with an object. */
  public enum Fault {
    /** There is no such object. */
    MISSING,
    /** It has another size. */
    WRONG_SIZE,
    /** The CRC32C of a chunk is another. */
    WRONG_CHUNK,
    /** All chunks are right, the SHA-256 is another. */
    WRONG_DIGEST
  }

  /**
   * Something that is wrong.
   *
   * @param key the object
   * @param fault what is wrong with it
   * @param chunk index of the chunk, if one is wrong
   * @param detail what was found and what was expected
   * @param tensors names of the tensors with bytes in it, in order of the manifest
   * @param files paths of the files whose skeleton it is
   */
  public record Problem(
      String key,
      Fault fault,
      OptionalInt chunk,
      String detail,
      List<String> tensors,
      List<String> files) {
    public Problem {
      tensors = List.copyOf(tensors);
      files = List.copyOf(files);
    }
  }

  /**
   * What was checked.
   *
   * @param deep whether all bytes were read
   * @param objects number of shards and skeletons
   * @param bytes their bytes by the manifest
   * @param problems what is wrong, in order of key and chunk
   */
  public record Report(boolean deep, int objects, long bytes, List<Problem> problems) {
    public Report {
      problems = List.copyOf(problems);
    }

    /** Whether nothing is wrong. */
    public boolean sound() {
      return problems.isEmpty();
    }
  }

  private record Finding(String key, Fault fault, OptionalInt chunk, String detail) {}

  private final ShardReader reader;
  private final int parallelism;

  /**
   * @param parallelism number of objects that are checked together; each takes a buffer of 8 MiB
   */
  public Verifier(ShardReader reader, int parallelism) {
    this.reader = Objects.requireNonNull(reader, "reader");
    if (parallelism <= 0) {
      throw new InvalidValueException(
          "verify-options-invalid", "parallelism is positive, got " + parallelism);
    }
    this.parallelism = parallelism;
  }

  /**
   * Checks every object of a version.
   *
   * @param deep whether to read all bytes and check every CRC32C and SHA-256, or sizes only
   */
  public Report verify(ModelManifest manifest, boolean deep) {
    Map<String, ShardDescriptor> objects = manifest.objects();
    List<Finding> findings = Collections.synchronizedList(new ArrayList<>());
    Parallel.forEach(
        List.copyOf(objects.entrySet()),
        parallelism,
        object -> check(object.getKey(), object.getValue(), deep, findings));
    findings.sort(
        Comparator.comparing(Finding::key).thenComparingInt(found -> found.chunk().orElse(-1)));
    long bytes = objects.values().stream().mapToLong(ShardDescriptor::size).sum();
    return new Report(deep, objects.size(), bytes, explain(manifest, findings));
  }

  private void check(String key, ShardDescriptor object, boolean deep, List<Finding> findings) {
    ObjectInfo info;
    try {
      info = reader.head(key);
    } catch (StorageException e) {
      if (e.kind() != ErrorKind.MISSING) {
        throw e;
      }
      findings.add(new Finding(key, Fault.MISSING, OptionalInt.empty(), e.getMessage()));
      return;
    }
    if (info.size() != object.size()) {
      findings.add(
          new Finding(
              key,
              Fault.WRONG_SIZE,
              OptionalInt.empty(),
              "it has " + info.size() + " bytes, not " + object.size()));
    } else if (deep) {
      checkBytes(info, object, findings);
    }
  }

  private void checkBytes(ObjectInfo info, ShardDescriptor object, List<Finding> findings) {
    ChunkChecksums chunks = object.checksums();
    byte[] buffer = new byte[(int) Math.min(BUFFER_BYTES, Math.max(1, object.size()))];
    MessageDigest sha256 = Digest.hasher();
    boolean chunksRight = true;
    for (int chunk = 0; chunk < chunks.count(); chunk++) {
      ByteRange range = chunks.range(chunk);
      CRC32C crc = new CRC32C();
      for (long at = range.offset(); at < range.end(); at += buffer.length) {
        int length = (int) Math.min(buffer.length, range.end() - at);
        reader.read(
            info.key(),
            Optional.of(info.etag()),
            new ByteRange(at, length),
            MemorySegment.ofArray(buffer));
        crc.update(buffer, 0, length);
        sha256.update(buffer, 0, length);
      }
      if ((int) crc.getValue() != chunks.crc(chunk)) {
        chunksRight = false;
        findings.add(
            new Finding(
                info.key(),
                Fault.WRONG_CHUNK,
                OptionalInt.of(chunk),
                String.format(
                    "the CRC32C of bytes %s is %08x, not %08x",
                    range, (int) crc.getValue(), chunks.crc(chunk))));
      }
    }
    Digest actual = Digest.of(sha256.digest());
    if (chunksRight && !actual.equals(object.digest())) {
      findings.add(
          new Finding(
              info.key(),
              Fault.WRONG_DIGEST,
              OptionalInt.empty(),
              "its digest is " + actual + ", not " + object.digest()));
    }
  }

  /** Adds to each finding what it affects. */
  private static List<Problem> explain(ModelManifest manifest, List<Finding> findings) {
    Set<String> keys = findings.stream().map(Finding::key).collect(Collectors.toSet());
    Map<String, List<Tensor>> tensors = new HashMap<>();
    for (Tensor tensor : manifest.tensors()) {
      for (ModelManifest.Piece piece : tensor.pieces()) {
        String key = Keys.shard(manifest.shards().get(piece.shard()).digest());
        if (keys.contains(key)) {
          List<Tensor> known = tensors.computeIfAbsent(key, k -> new ArrayList<>());
          if (known.isEmpty() || known.getLast() != tensor) {
            known.add(tensor);
          }
        }
      }
    }
    Map<String, ShardDescriptor> objects = manifest.objects();
    return findings.stream()
        .map(
            found ->
                new Problem(
                    found.key(),
                    found.fault(),
                    found.chunk(),
                    found.detail(),
                    tensors.getOrDefault(found.key(), List.of()).stream()
                        .filter(t -> touches(manifest, objects.get(found.key()), found.chunk(), t))
                        .map(tensor -> tensor.info().name())
                        .toList(),
                    manifest.files().stream()
                        .filter(file -> isSkeleton(file, found.key()))
                        .map(File::path)
                        .toList()))
        .toList();
  }

  private static boolean isSkeleton(File file, String key) {
    return file.skeleton().filter(s -> Keys.skeleton(s.digest()).equals(key)).isPresent();
  }

  private static boolean touches(
      ModelManifest manifest, ShardDescriptor shard, OptionalInt chunk, Tensor tensor) {
    if (chunk.isEmpty()) {
      return true;
    }
    ByteRange range = shard.checksums().range(chunk.getAsInt());
    return tensor.pieces().stream()
        .filter(piece -> manifest.shards().get(piece.shard()).equals(shard))
        .anyMatch(piece -> range.overlaps(new ByteRange(piece.offset(), piece.length())));
  }
}
