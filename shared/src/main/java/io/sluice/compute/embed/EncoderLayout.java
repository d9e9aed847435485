package io.sluice.compute.embed;

import io.sluice.compute.kernel.FloatReader;
import io.sluice.manifest.ModelManifest;
import io.sluice.manifest.ModelManifest.Tensor;
import io.sluice.model.ByteRange;
import io.sluice.placement.ShardSelection;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BinaryOperator;

/**
 * Where the weights of an encoder of the BERT family lie in a model: which tensor is what, by name
 * or role, in a safetensors checkpoint ({@code encoder.layer.3.attention.self.query.weight}, with
 * or without {@code bert.} before it) or an ONNX graph.
 *
 * <p>A checkpoint has its matrices as [out, in]; an ONNX graph that multiplies by one has it as
 * [in, out], which the role of the tensor tells.
 */
final class EncoderLayout {
  private static final String WORDS = "embeddings.word_embeddings.weight";
  private static final String SAFETENSORS = "SAFETENSORS";

  /** Of two tensors that are the same, one that is called so, and else the first. */
  private static final BinaryOperator<Tensor> NAMED_FIRST =
      (a, b) -> a.role().isPresent() && b.role().isEmpty() ? b : a;

  private final ModelManifest manifest;
  private final String prefix;
  private final Map<String, Tensor> tensors;
  private final int layers;
  private final List<Map<Integer, List<ByteRange>>> runs = new ArrayList<>();

  private EncoderLayout(ModelManifest manifest, String prefix, Map<String, Tensor> tensors) {
    this.manifest = manifest;
    this.prefix = prefix;
    this.tensors = tensors;
    int count = 0;
    while (count < EncoderShape.MAX_LAYERS
        && tensors.containsKey(prefix + layer(count) + "intermediate.dense.bias")) {
      count++;
    }
    this.layers = count;
    for (int part = 0; part <= layers; part++) {
      tensors(part);
    }
    checkShapes();
    for (int part = 0; part <= layers; part++) {
      runs.add(findRuns(part));
    }
  }

  /**
   * Finds the encoder of a model. If it is stored in several formats, safetensors files come first,
   * then each ONNX file.
   *
   * @throws EmbedException if there is none
   */
  static EncoderLayout of(ModelManifest manifest) {
    EmbedException first = null;
    for (Map<String, Tensor> candidate : candidates(manifest)) {
      Optional<String> words =
          candidate.keySet().stream().filter(name -> name.endsWith(WORDS)).findFirst();
      if (words.isPresent()) {
        String name = words.get();
        try {
          return new EncoderLayout(
              manifest, name.substring(0, name.length() - WORDS.length()), candidate);
        } catch (EmbedException e) {
          first = first == null ? e : first;
        }
      }
    }
    throw first != null
        ? first
        : EmbedException.model(
            "the model is no encoder of the BERT family: none of its "
                + manifest.tensors().size()
                + " tensors is '"
                + WORDS
                + "'");
  }

  /**
   * Tensors that belong together, by what they are: all safetensors files, each ONNX file, all. A
   * name that tensors of several files have in common is stored as {@code <file>#<name>}, and stays
   * so in versions that are derived and have other files.
   */
  private static List<Map<String, Tensor>> candidates(ModelManifest manifest) {
    Map<String, Map<String, Tensor>> groups = new LinkedHashMap<>();
    groups.put(SAFETENSORS, new HashMap<>());
    Map<String, Tensor> all = new HashMap<>();
    for (Tensor tensor : manifest.tensors()) {
      String name = tensor.info().name();
      int mark = name.indexOf('#');
      String meaning = tensor.role().orElse(name.substring(mark + 1));
      ModelManifest.File file = manifest.files().get(tensor.file());
      String group = group(file, mark < 0 ? file.path() : name.substring(0, mark));
      groups.computeIfAbsent(group, g -> new HashMap<>()).merge(meaning, tensor, NAMED_FIRST);
      all.merge(meaning, tensor, NAMED_FIRST);
    }
    List<Map<String, Tensor>> candidates = new ArrayList<>(groups.values());
    candidates.add(all);
    return candidates;
  }

  private static String group(ModelManifest.File file, String uploaded) {
    boolean same = uploaded.equals(file.path());
    boolean checkpoint =
        same ? file.format().equals(SAFETENSORS) : uploaded.endsWith(".safetensors");
    return checkpoint ? SAFETENSORS : uploaded;
  }

  /** Number of layers. */
  int layers() {
    return layers;
  }

  int vocabulary() {
    return dimension(WORDS, 0);
  }

  int hidden() {
    return dimension(WORDS, 1);
  }

  int positions() {
    return dimension("embeddings.position_embeddings.weight", 0);
  }

  int intermediate() {
    return dimension(layer(0) + "intermediate.dense.bias", 0);
  }

  private int dimension(String role, int index) {
    return Math.toIntExact(tensor(role).info().shape().get(index));
  }

  /** The tensor of a role. */
  Tensor tensor(String role) {
    Tensor tensor = tensors.get(prefix + role);
    if (tensor == null && role.contains("LayerNorm.")) {
      // names of checkpoints that come from TensorFlow
      String old = role.replace("LayerNorm.weight", "LayerNorm.gamma");
      tensor = tensors.get(prefix + old.replace("LayerNorm.bias", "LayerNorm.beta"));
    }
    if (tensor == null) {
      throw EmbedException.model("the encoder has no tensor '" + prefix + role + "'");
    }
    return tensor;
  }

  /** Whether a matrix lies as [in, out]. */
  boolean inByOut(Tensor matrix) {
    return matrix.role().isPresent();
  }

  /** What the names of a layer start with. */
  static String layer(int index) {
    return "encoder.layer." + index + ".";
  }

  /** The tensors of a part: 0 for the embeddings, i + 1 for layer i. */
  List<Tensor> tensors(int part) {
    List<Tensor> list = new ArrayList<>();
    if (part == 0) {
      for (String table : List.of("word", "position", "token_type")) {
        list.add(tensor("embeddings." + table + "_embeddings.weight"));
      }
      list.add(tensor("embeddings.LayerNorm.weight"));
      list.add(tensor("embeddings.LayerNorm.bias"));
      return list;
    }
    for (String module :
        List.of(
            "attention.self.query",
            "attention.self.key",
            "attention.self.value",
            "attention.output.dense",
            "attention.output.LayerNorm",
            "intermediate.dense",
            "output.dense",
            "output.LayerNorm")) {
      list.add(tensor(layer(part - 1) + module + ".weight"));
      list.add(tensor(layer(part - 1) + module + ".bias"));
    }
    return list;
  }

  /** What a part needs of which shards: runs of whole chunks. */
  Map<Integer, List<ByteRange>> runs(int part) {
    return runs.get(part);
  }

  private Map<Integer, List<ByteRange>> findRuns(int part) {
    Set<String> names = new HashSet<>();
    tensors(part).forEach(tensor -> names.add(tensor.info().name()));
    return ShardSelection.runs(manifest, tensor -> names.contains(tensor.info().name()));
  }

  private void checkShapes() {
    if (layers == 0) {
      throw EmbedException.model("the encoder has no layer 0: '" + prefix + layer(0) + "…'");
    }
    long h = shape2(WORDS).get(1);
    long i = tensor(layer(0) + "intermediate.dense.bias").info().elements();
    expect(
        "embeddings.position_embeddings.weight",
        shape2("embeddings.position_embeddings.weight").get(0),
        h);
    expect(
        "embeddings.token_type_embeddings.weight",
        shape2("embeddings.token_type_embeddings.weight").get(0),
        h);
    expect("embeddings.LayerNorm.weight", h);
    expect("embeddings.LayerNorm.bias", h);
    for (int n = 0; n < layers; n++) {
      for (String square : List.of("self.query", "self.key", "self.value", "output.dense")) {
        linear(layer(n) + "attention." + square, h, h);
      }
      linear(layer(n) + "intermediate.dense", i, h);
      linear(layer(n) + "output.dense", h, i);
      for (String norm : List.of("attention.output.LayerNorm", "output.LayerNorm")) {
        expect(layer(n) + norm + ".weight", h);
        expect(layer(n) + norm + ".bias", h);
      }
    }
    for (int part = 0; part <= layers; part++) {
      for (Tensor tensor : tensors(part)) {
        if (!FloatReader.supports(tensor.info().dtype())) {
          throw EmbedException.model(
              "tensor '"
                  + tensor.info().name()
                  + "'"
                  + tensor.role().map(role -> " (" + role + ")").orElse("")
                  + " is "
                  + tensor.info().dtype()
                  + ", an encoder's are F32, F16 or BF16");
        }
      }
    }
  }

  private List<Long> shape2(String role) {
    List<Long> shape = tensor(role).info().shape();
    if (shape.size() != 2 || shape.contains(0L)) {
      throw EmbedException.model("'" + prefix + role + "' is a matrix, got the shape " + shape);
    }
    return shape;
  }

  private void linear(String module, long out, long in) {
    boolean turned = inByOut(tensor(module + ".weight"));
    expect(module + ".weight", turned ? in : out, turned ? out : in);
    expect(module + ".bias", out);
  }

  private void expect(String role, Long... shape) {
    List<Long> actual = tensor(role).info().shape();
    if (!actual.equals(List.of(shape))) {
      throw EmbedException.model(
          "'" + prefix + role + "' has the shape " + List.of(shape) + ", got " + actual);
    }
  }
}
