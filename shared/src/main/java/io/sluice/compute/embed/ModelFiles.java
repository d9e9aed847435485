package io.sluice.compute.embed;

import io.sluice.manifest.ModelManifest;
import io.sluice.model.ByteRange;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.Keys;
import io.sluice.model.ShardDescriptor;
import io.sluice.model.SluiceException;
import io.sluice.storage.ShardReader;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** The small files of a model, which lie in the store whole, as skeletons. */
final class ModelFiles {
  /** Largest file that is read. */
  static final int MAX_BYTES = 16 << 20;

  private final ShardReader store;

  ModelFiles(ShardReader store) {
    this.store = store;
  }

  /**
   * Reads a file and checks its SHA-256.
   *
   * @return its bytes; empty if the model has no such file
   */
  Optional<byte[]> read(ModelManifest manifest, String path) {
    for (ModelManifest.File file : manifest.files()) {
      if (file.path().equals(path)) {
        return Optional.of(read(file));
      }
    }
    return Optional.empty();
  }

  private byte[] read(ModelManifest.File file) {
    ShardDescriptor skeleton = file.skeleton().orElse(null);
    if (skeleton == null || skeleton.size() != file.size() || file.size() > MAX_BYTES) {
      throw EmbedException.model(
          "file '"
              + file.path()
              + "' has 1 to "
              + MAX_BYTES
              + " bytes and no tensor, this one has "
              + file.size());
    }
    byte[] bytes = new byte[(int) file.size()];
    String key = Keys.skeleton(skeleton.digest());
    store.read(key, Optional.empty(), new ByteRange(0, bytes.length), MemorySegment.ofArray(bytes));
    if (!Digest.sha256(bytes).equals(skeleton.digest())) {
      throw new SluiceException(
          ErrorKind.CORRUPT,
          "file-corrupt",
          "file '" + file.path() + "' is not what its digest " + skeleton.digest() + " says");
    }
    return bytes;
  }
}
