package io.sluice.compute.embed;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.compute.StoredTensors;
import io.sluice.json.JsonObject;
import io.sluice.manifest.ManifestRepository;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.DType;
import io.sluice.model.Digest;
import io.sluice.model.ModelRef;
import io.sluice.storage.ShardReader;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** Finds files of texts in stored models. */
public final class TextFiles {
  /** File names that an error tells. */
  private static final int TOLD = 8;

  private final ManifestRepository manifests;
  private final ModelFiles files;
  private final StoredTensors tensors;

  /**
   * @param store where small files lie whole
   * @param tensors the bytes of large files, which lie in shards
   */
  public TextFiles(ManifestRepository manifests, ShardReader store, StoredTensors tensors) {
    this.manifests = manifests;
    this.files = new ModelFiles(store);
    this.tensors = tensors;
  }

  /**
   * A file of a model, as an argument: {@code {"model": "name:tag", "file": "texts.txt"}}.
   *
   * @param model by tag or version
   * @param file path inside the model
   */
  record Ref(ModelRef model, String file) {
    static Ref read(JsonNode json) {
      JsonObject object = new JsonObject("'texts'", json);
      Ref ref = new Ref(ModelRef.parse(object.text("model")), object.text("file"));
      object.end();
      return ref;
    }
  }

  /** The version that a reference names now. */
  Digest version(Ref ref) {
    return manifests.resolve(ref.model()).version();
  }

  /**
   * Finds a file of a version.
   *
   * @throws EmbedException {@code texts-missing} if there is none of that path, {@code
   *     texts-invalid} if it is a model format
   */
  TextFile open(Ref ref, Digest version) {
    String name = "'" + ref.file() + "' of model '" + ref.model().name() + "'";
    ModelManifest manifest = manifests.load(ref.model().name(), version);
    List<String> paths = manifest.files().stream().map(ModelManifest.File::path).toList();
    int index = paths.indexOf(ref.file());
    if (index < 0) {
      throw EmbedException.noTexts(
          "there is no file "
              + name
              + "; its "
              + paths.size()
              + " files are "
              + paths.subList(0, Math.min(TOLD, paths.size()))
              + (paths.size() > TOLD ? " and others" : ""));
    }
    ModelManifest.File file = manifest.files().get(index);
    List<ModelManifest.Tensor> in =
        manifest.tensors().stream().filter(tensor -> tensor.file() == index).toList();
    if (!file.format().equals("OPAQUE") || in.size() > 1) {
      throw EmbedException.texts(
          "file " + name + " is " + file.format() + " with " + in.size() + " tensors, no text");
    }
    if (in.isEmpty()) {
      byte[] whole =
          file.size() == 0 ? new byte[0] : files.read(manifest, ref.file()).orElseThrow();
      return new TextFile(
          name,
          file.size(),
          (range, target) ->
              target.copyFrom(
                  MemorySegment.ofArray(whole).asSlice(range.offset(), range.length())));
    }
    StoredTensors.Located bytes =
        new StoredTensors.Located(ref.model().name(), version, in.getFirst(), manifest.shards());
    if (bytes.info().dtype() != DType.U8 || bytes.info().bytes() != file.size()) {
      throw EmbedException.texts("file " + name + " is not the bytes of one tensor");
    }
    return new TextFile(
        name,
        file.size(),
        (range, target) -> tensors.read(bytes, range.offset(), range.length(), target, n -> {}));
  }
}
