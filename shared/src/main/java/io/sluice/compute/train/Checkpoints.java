package io.sluice.compute.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.compute.StoredTensors;
import io.sluice.compute.kernel.LittleEndian;
import io.sluice.compute.publish.ModelDraft;
import io.sluice.compute.publish.ModelPublisher;
import io.sluice.compute.publish.OutputBlock;
import io.sluice.manifest.ManifestRepository;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.ByteRange;
import io.sluice.model.DType;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.InvalidValueException;
import io.sluice.model.Keys;
import io.sluice.model.ModelRef;
import io.sluice.model.SluiceException;
import io.sluice.model.TensorInfo;
import io.sluice.storage.ShardReader;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Trained models in the store. A version has the tensors {@code weight} [outputs, features] and
 * {@code bias} [outputs], as PyTorch's linear layer calls them, of F32; {@code feature.mean} and
 * {@code feature.scale} [features] if features were standardised; {@code velocity.weight} and
 * {@code velocity.bias} if there was momentum; and the file {@value Checkpoint#FILE}.
 */
final class Checkpoints {
  private static final int MAX_FILE = 16 << 20;

  private final ManifestRepository manifests;
  private final StoredTensors tensors;
  private final ModelPublisher publisher;
  private final ShardReader store;
  private final ObjectMapper json = new ObjectMapper();

  Checkpoints(
      ManifestRepository manifests,
      StoredTensors tensors,
      ModelPublisher publisher,
      ShardReader store) {
    this.manifests = manifests;
    this.tensors = tensors;
    this.publisher = publisher;
    this.store = store;
  }

  /** A part of the parameters as a tensor. */
  private record Part(TensorInfo info, float[] values, int from, int stride) {}

  /**
   * Publishes a checkpoint under tags.
   *
   * @return its version
   */
  Digest publish(String job, ModelRef output, List<String> tags, Checkpoint checkpoint)
      throws InterruptedException {
    List<Part> parts = parts(checkpoint);
    ModelDraft draft = ModelDraft.fresh();
    draft.add(
        publisher.store(
            job,
            draft.chunkBytes(),
            parts.stream().map(p -> OutputBlock.whole(p.info())).toList(),
            targets -> {
              for (int i = 0; i < parts.size(); i++) {
                fill(parts.get(i), targets.get(i));
              }
            }));
    draft.file(Checkpoint.FILE, checkpoint.toJson().toPrettyString() + "\n");
    ObjectNode arguments = checkpoint.hyperparameters().deepCopy();
    arguments.put("task", checkpoint.objective().text());
    checkpoint.metrics(arguments, checkpoint.state().epochs() - 1);
    ModelManifest.Provenance provenance =
        new ModelManifest.Provenance(
            "train",
            arguments.toString(),
            List.of(
                new ModelManifest.Provenance.Parent(checkpoint.dataset(), checkpoint.version())));
    Digest version = null;
    for (String tag : tags) {
      ModelRef target = ModelRef.parse(output.name() + ":" + tag);
      version = publisher.publish(job, target, Optional.empty(), draft, provenance).version();
    }
    return version;
  }

  private static List<Part> parts(Checkpoint checkpoint) {
    LinearState state = checkpoint.state();
    List<Part> parts = new ArrayList<>();
    add(parts, "", state.layout(), state.parameters());
    if (!checkpoint.scaling().isNone()) {
      long features = state.layout().features();
      parts.add(part("feature.mean", checkpoint.scaling().mean(), features));
      parts.add(part("feature.scale", checkpoint.scaling().scale(), features));
    }
    if (state.velocity().length > 0) {
      add(parts, "velocity.", state.layout(), state.velocity());
    }
    return parts;
  }

  private static void add(List<Part> parts, String prefix, Layout layout, float[] values) {
    long outputs = layout.outputs();
    long features = layout.features();
    parts.add(
        new Part(
            new TensorInfo(prefix + "weight", DType.F32, List.of(outputs, features)),
            values,
            0,
            layout.stride()));
    parts.add(
        new Part(
            new TensorInfo(prefix + "bias", DType.F32, List.of(outputs)),
            values,
            layout.weights(),
            1));
  }

  private static Part part(String name, float[] values, long size) {
    return new Part(new TensorInfo(name, DType.F32, List.of(size)), values, 0, 1);
  }

  /** Writes rows without their padding. */
  private static void fill(Part part, MemorySegment target) {
    int rows = Math.toIntExact(part.info().rows());
    int columns = Math.toIntExact(part.info().elements() / rows);
    for (int r = 0; r < rows; r++) {
      MemorySegment.copy(
          part.values(),
          part.from() + r * part.stride(),
          target,
          LittleEndian.FLOATS,
          4L * r * columns,
          columns);
    }
  }

  /**
   * Reads a version that {@link #publish} has made, wherever it has been in between.
   *
   * @throws SluiceException MISSING if there is none, INVALID if {@code train} did not make it
   */
  Checkpoint read(String model, Digest version) throws InterruptedException {
    ModelManifest manifest = manifests.load(model, version);
    Checkpoint file = Checkpoint.read(file(model, version, manifest));
    Layout layout = file.state().layout();
    Set<String> names =
        manifest.tensors().stream().map(t -> t.info().name()).collect(Collectors.toSet());
    float[] parameters = parameters(model, version, "", layout);
    boolean momentum = names.contains("velocity.weight");
    float[] velocity = momentum ? parameters(model, version, "velocity.", layout) : new float[0];
    Scaling scaling =
        names.contains("feature.mean")
            ? new Scaling(
                vector(model, version, "feature.mean", layout.features()),
                vector(model, version, "feature.scale", layout.features()))
            : Scaling.NONE;
    LinearState state =
        new LinearState(layout, parameters, velocity, new double[3], file.state().history());
    return new Checkpoint(
        file.objective(),
        file.dataset(),
        file.version(),
        file.data(),
        file.hyperparameters(),
        scaling,
        state);
  }

  private float[] parameters(String model, Digest version, String prefix, Layout layout)
      throws InterruptedException {
    float[] all = new float[layout.parameters()];
    float[] weights =
        floats(
            model,
            version,
            prefix + "weight",
            List.of((long) layout.outputs(), (long) layout.features()));
    for (int j = 0; j < layout.outputs(); j++) {
      System.arraycopy(weights, j * layout.features(), all, j * layout.stride(), layout.features());
    }
    float[] bias = vector(model, version, prefix + "bias", layout.outputs());
    System.arraycopy(bias, 0, all, layout.weights(), bias.length);
    return all;
  }

  private float[] vector(String model, Digest version, String name, long size)
      throws InterruptedException {
    return floats(model, version, name, List.of(size));
  }

  private float[] floats(String model, Digest version, String name, List<Long> shape)
      throws InterruptedException {
    StoredTensors.Located found = tensors.locate(model, version, name);
    TensorInfo wanted = new TensorInfo(name, DType.F32, shape);
    if (!found.info().equals(wanted)) {
      throw new InvalidValueException(
          "training-invalid",
          "tensor '"
              + name
              + "' of a trained model is F32 "
              + shape
              + ", got "
              + found.info().dtype()
              + " "
              + found.info().shape());
    }
    MemorySegment raw = MemorySegment.ofArray(new byte[Math.toIntExact(wanted.bytes())]);
    tensors.read(found, 0, wanted.rows(), raw, n -> {});
    float[] values = new float[Math.toIntExact(wanted.elements())];
    MemorySegment.copy(raw, LittleEndian.FLOATS, 0, values, 0, values.length);
    return values;
  }

  private ObjectNode file(String model, Digest version, ModelManifest manifest) {
    for (ModelManifest.File file : manifest.files()) {
      if (file.path().equals(Checkpoint.FILE)
          && file.size() <= MAX_FILE
          && file.skeleton().map(s -> s.size() == file.size()).orElse(false)) {
        // a file without tensors is its skeleton
        Digest digest = file.skeleton().get().digest();
        byte[] bytes = new byte[(int) file.size()];
        store.read(
            Keys.skeleton(digest),
            Optional.empty(),
            new ByteRange(0, bytes.length),
            MemorySegment.ofArray(bytes));
        if (!Digest.sha256(bytes).equals(digest)) {
          throw new SluiceException(
              ErrorKind.CORRUPT,
              "object-corrupt",
              "file '" + file.path() + "' of " + model + "@" + version + " is not what was stored");
        }
        try {
          if (json.readTree(new String(bytes, StandardCharsets.UTF_8)) instanceof ObjectNode node) {
            return node;
          }
        } catch (JsonProcessingException e) {
          throw new InvalidValueException(
              "training-invalid", "'" + Checkpoint.FILE + "' is no JSON: " + e.getMessage());
        }
      }
    }
    throw new InvalidValueException(
        "training-invalid",
        model
            + "@"
            + version
            + " was not made by 'train': it has no file '"
            + Checkpoint.FILE
            + "'");
  }
}
