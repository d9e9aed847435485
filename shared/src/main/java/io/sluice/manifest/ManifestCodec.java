package io.sluice.manifest;

import com.fasterxml.jackson.core.JsonGenerator;
import io.sluice.manifest.ModelManifest.File;
import io.sluice.manifest.ModelManifest.Piece;
import io.sluice.manifest.ModelManifest.Plan;
import io.sluice.manifest.ModelManifest.Provenance;
import io.sluice.manifest.ModelManifest.Tensor;
import io.sluice.model.ChunkChecksums;
import io.sluice.model.Crc32c;
import io.sluice.model.DType;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.ShardDescriptor;
import io.sluice.model.TensorInfo;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The manifest as a JSON document in UTF-8 without white space; equal manifests give equal bytes.
 *
 * <pre>{@code
 * {"sluice":"manifest","version":2,
 *  "plan":{"strategy":"size","shardBytes":…,"chunkBytes":…},
 *  "totalBytes":…,
 *  "shards":[{"digest":"sha256:…","size":…,"crc32c":"<base64>"},…],
 *  "files":[{"path":…,"size":…,"digest":…,"crc32c":…,"format":…,
 *            "skeleton":{"digest":…,"size":…,"crc32c":…}},…],
 *  "tensors":[{"name":…,"dtype":…,"shape":[…],"file":<index>,"offset":…,"layer":…,
 *              "role":…,"pieces":[[<shard index>,<offset>,<rows>],…]},…],
 *  "provenance":{"operation":…,"arguments":"<JSON>","parents":[{"model":…,"version":"sha256:…"},…]}}
 * }</pre>
 *
 * <p>{@code crc32c} holds the CRC32C of each chunk, or that of a file, as big-endian words. {@code
 * skeleton}, {@code layer}, {@code role}, {@code provenance} and the {@code digest} of a file are
 * left out if there is none; so is the {@code crc32c} of a file that has a {@code digest}. In
 * version 1 files have a {@code digest} and nothing else; a manifest of such files is written as
 * version 1, so that it keeps its bytes. What follows from other fields (first row and length of a
 * piece, number of chunks) is not written, so it cannot be wrong.
 *
 * <p>Reading keeps memory linear in the document and takes nothing from it as a size to allocate.
 */
public final class ManifestCodec {
  /** The newest version of the format; older ones are read too. */
  public static final int VERSION = 2;

  /** Largest document in bytes unless another bound is given. */
  public static final int DEFAULT_MAX_BYTES = 1 << 30;

  static final String FORMAT = "manifest";

  private final int maxBytes;

  public ManifestCodec() {
    this(DEFAULT_MAX_BYTES);
  }

  /**
   * @param maxBytes largest document that is written or read
   */
  public ManifestCodec(int maxBytes) {
    if (maxBytes <= 0) {
      throw new IllegalArgumentException("a document has at least one byte, got " + maxBytes);
    }
    this.maxBytes = maxBytes;
  }

  /** Largest document in bytes. */
  public int maxBytes() {
    return maxBytes;
  }

  /**
   * Writes a manifest.
   *
   * @throws ManifestException {@code manifest-too-large} if the document exceeds its bound
   */
  public byte[] encode(ModelManifest manifest) {
    Bounded out = new Bounded();
    try (JsonGenerator json = StrictJson.FACTORY.createGenerator(out)) {
      json.writeStartObject();
      json.writeStringField("sluice", FORMAT);
      json.writeNumberField("version", version(manifest.files()));
      json.writeObjectFieldStart("plan");
      json.writeStringField("strategy", manifest.plan().strategy());
      json.writeNumberField("shardBytes", manifest.plan().shardBytes());
      json.writeNumberField("chunkBytes", manifest.plan().chunkBytes());
      json.writeEndObject();
      json.writeNumberField("totalBytes", manifest.totalBytes());
      json.writeArrayFieldStart("shards");
      for (ShardDescriptor shard : manifest.shards()) {
        write(json, shard);
      }
      json.writeEndArray();
      json.writeArrayFieldStart("files");
      for (File file : manifest.files()) {
        write(json, file);
      }
      json.writeEndArray();
      json.writeArrayFieldStart("tensors");
      for (Tensor tensor : manifest.tensors()) {
        write(json, tensor);
      }
      json.writeEndArray();
      if (manifest.provenance().isPresent()) {
        write(json, manifest.provenance().get());
      }
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory does no I/O", e);
    }
    return out.toByteArray();
  }

  /**
   * Reads a manifest.
   *
   * @throws ManifestException {@code manifest-malformed}, {@code manifest-version-unsupported} or
   *     {@code manifest-too-large}
   * @throws io.sluice.model.InvalidValueException if the document is well-formed but what it says
   *     is impossible
   */
  public ModelManifest decode(byte[] document) {
    checkSize(document.length);
    try (StrictJson json = new StrictJson(FORMAT, VERSION, document)) {
      json.field("plan");
      json.beginObject();
      Plan plan =
          new Plan(
              json.string("strategy"),
              json.number("shardBytes", Long.MAX_VALUE),
              json.number("chunkBytes", ModelManifest.MAX_CHUNK_BYTES));
      json.endObject();
      long totalBytes = json.number("totalBytes", Long.MAX_VALUE);
      List<ShardDescriptor> shards = new ArrayList<>();
      json.field("shards");
      for (json.beginArray(); json.hasElement(); ) {
        checkCount(json, "shards", shards.size(), ModelManifest.MAX_SHARDS);
        shards.add(readObject(json, plan.chunkBytes()));
      }
      List<File> files = new ArrayList<>();
      json.field("files");
      for (json.beginArray(); json.hasElement(); ) {
        checkCount(json, "files", files.size(), ModelManifest.MAX_FILES);
        files.add(readFile(json, json.version(), plan.chunkBytes()));
      }
      if (json.version() != version(files)) {
        throw json.malformed(
            "files that have a digest and no checksum are those of version 1", null);
      }
      List<Tensor> tensors = new ArrayList<>();
      json.field("tensors");
      for (json.beginArray(); json.hasElement(); ) {
        checkCount(json, "tensors", tensors.size(), ModelManifest.MAX_TENSORS);
        tensors.add(readTensor(json));
      }
      Optional<Provenance> provenance =
          json.optionalField("provenance") ? Optional.of(readProvenance(json)) : Optional.empty();
      json.end();
      return new ModelManifest(plan, files, tensors, shards, totalBytes, provenance);
    }
  }

  /** Checks the size of a document before it is read into memory. */
  void checkSize(long bytes) {
    if (bytes > maxBytes) {
      throw new ManifestException(
          ErrorKind.CAPACITY,
          "manifest-too-large",
          "a manifest has at most " + maxBytes + " bytes, got " + bytes);
    }
  }

  private static int version(List<File> files) {
    return files.stream().allMatch(file -> file.crc32c().isEmpty()) ? 1 : VERSION;
  }

  private static void write(JsonGenerator json, ShardDescriptor object) throws IOException {
    json.writeStartObject();
    json.writeStringField("digest", object.digest().toString());
    json.writeNumberField("size", object.size());
    json.writeStringField("crc32c", object.checksums().toBase64());
    json.writeEndObject();
  }

  private static void write(JsonGenerator json, File file) throws IOException {
    json.writeStartObject();
    json.writeStringField("path", file.path());
    json.writeNumberField("size", file.size());
    if (file.digest().isPresent()) {
      json.writeStringField("digest", file.digest().get().toString());
    }
    if (file.crc32c().isPresent()) {
      json.writeStringField("crc32c", Crc32c.toBase64(file.crc32c().getAsInt()));
    }
    json.writeStringField("format", file.format());
    if (file.skeleton().isPresent()) {
      json.writeFieldName("skeleton");
      write(json, file.skeleton().get());
    }
    json.writeEndObject();
  }

  private static void write(JsonGenerator json, Tensor tensor) throws IOException {
    json.writeStartObject();
    json.writeStringField("name", tensor.info().name());
    json.writeStringField("dtype", tensor.info().dtype().name());
    json.writeArrayFieldStart("shape");
    for (long dimension : tensor.info().shape()) {
      json.writeNumber(dimension);
    }
    json.writeEndArray();
    json.writeNumberField("file", tensor.file());
    json.writeNumberField("offset", tensor.fileOffset());
    if (tensor.layer().isPresent()) {
      json.writeNumberField("layer", tensor.layer().getAsInt());
    }
    if (tensor.role().isPresent()) {
      json.writeStringField("role", tensor.role().get());
    }
    json.writeArrayFieldStart("pieces");
    for (Piece piece : tensor.pieces()) {
      json.writeStartArray();
      json.writeNumber(piece.shard());
      json.writeNumber(piece.offset());
      json.writeNumber(piece.rows());
      json.writeEndArray();
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private static void write(JsonGenerator json, Provenance provenance) throws IOException {
    json.writeObjectFieldStart("provenance");
    json.writeStringField("operation", provenance.operation());
    json.writeStringField("arguments", provenance.arguments());
    json.writeArrayFieldStart("parents");
    for (Provenance.Parent parent : provenance.parents()) {
      json.writeStartObject();
      json.writeStringField("model", parent.model());
      json.writeStringField("version", parent.version().toString());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private static Provenance readProvenance(StrictJson json) {
    json.beginObject();
    String operation = json.string("operation");
    String arguments = json.string("arguments");
    List<Provenance.Parent> parents = new ArrayList<>();
    json.field("parents");
    for (json.beginArray(); json.hasElement(); ) {
      checkCount(json, "parents", parents.size(), Provenance.MAX_PARENTS);
      json.beginObject();
      parents.add(
          new Provenance.Parent(json.string("model"), Digest.parse(json.string("version"))));
      json.endObject();
    }
    json.endObject();
    return new Provenance(operation, arguments, parents);
  }

  private static ShardDescriptor readObject(StrictJson json, int chunkBytes) {
    json.beginObject();
    Digest digest = Digest.parse(json.string("digest"));
    long size = json.number("size", Long.MAX_VALUE);
    String crcs = json.string("crc32c");
    json.endObject();
    long chunks = Math.ceilDiv(size, (long) chunkBytes);
    long characters = chunks > Integer.MAX_VALUE ? Long.MAX_VALUE : (4 * chunks + 2) / 3 * 4;
    if (crcs.length() != characters) {
      throw json.malformed(
          "the 'crc32c' of an object of "
              + size
              + " bytes in chunks of "
              + chunkBytes
              + " takes "
              + characters
              + " characters, got "
              + crcs.length(),
          null);
    }
    return new ShardDescriptor(digest, ChunkChecksums.fromBase64(size, chunkBytes, crcs));
  }

  private static File readFile(StrictJson json, long version, int chunkBytes) {
    json.beginObject();
    String path = json.string("path");
    long size = json.number("size", Long.MAX_VALUE);
    Optional<Digest> digest = Optional.empty();
    OptionalInt crc32c = OptionalInt.empty();
    if (version == 1) {
      digest = Optional.of(Digest.parse(json.string("digest")));
    } else {
      if (json.optionalField("digest")) {
        digest = Optional.of(Digest.parse(json.text("digest")));
      }
      if (json.optionalField("crc32c")) {
        crc32c = OptionalInt.of(Crc32c.fromBase64(json.text("crc32c")));
      }
    }
    String format = json.string("format");
    Optional<ShardDescriptor> skeleton =
        json.optionalField("skeleton")
            ? Optional.of(readObject(json, chunkBytes))
            : Optional.empty();
    json.endObject();
    return new File(path, size, digest, crc32c, format, skeleton);
  }

  private static Tensor readTensor(StrictJson json) {
    json.beginObject();
    String name = json.string("name");
    String typeName = json.string("dtype");
    DType dtype =
        DType.byName(typeName)
            .orElseThrow(
                () ->
                    json.malformed(
                        "tensor '" + name + "' has an unknown dtype '" + typeName + "'", null));
    List<Long> shape = new ArrayList<>();
    json.field("shape");
    for (json.beginArray(); json.hasElement(); ) {
      checkCount(json, "dimensions", shape.size(), TensorInfo.MAX_RANK);
      shape.add(json.element("dimension", Long.MAX_VALUE));
    }
    TensorInfo info = new TensorInfo(name, dtype, shape);
    int file = json.number("file", Integer.MAX_VALUE);
    long offset = json.number("offset", Long.MAX_VALUE);
    OptionalInt layer =
        json.optionalField("layer")
            ? OptionalInt.of((int) json.element("layer", Integer.MAX_VALUE))
            : OptionalInt.empty();
    Optional<String> role =
        json.optionalField("role") ? Optional.of(json.text("role")) : Optional.empty();
    List<Piece> pieces = new ArrayList<>(1);
    json.field("pieces");
    long row = 0;
    for (json.beginArray(); json.hasElement(); ) {
      json.beginArray();
      int shard = (int) json.element("shard", Integer.MAX_VALUE);
      long at = json.element("offset", Long.MAX_VALUE);
      long rows = json.element("rows", info.rows() - row);
      json.endArray();
      pieces.add(new Piece(shard, at, row, rows, Tensor.bytesOfRows(info, rows)));
      row += rows;
    }
    json.endObject();
    return new Tensor(info, file, offset, layer, role, pieces);
  }

  private static void checkCount(StrictJson json, String what, int count, int max) {
    if (count >= max) {
      throw json.malformed("it has more than " + max + " " + what, null);
    }
  }

  /** Grows like its parent, up to the bound. */
  private final class Bounded extends ByteArrayOutputStream {
    @Override
    public synchronized void write(byte[] bytes, int offset, int length) {
      checkSize((long) count + length);
      super.write(bytes, offset, length);
    }
  }
}
