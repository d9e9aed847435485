package io.sluice.compute.embed;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.sluice.manifest.ManifestRepository;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.Digest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;

/**
 * A version of a model as an encoder.
 *
 * @param name of the model
 * @param version of it
 * @param manifest what it is made of
 * @param layout where its weights are
 */
record EncoderModel(String name, Digest version, ModelManifest manifest, EncoderLayout layout) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Widths whose models have another number of heads than one for 64 floats. */
  private static final int MINI = 384;

  private static final int TINY = 312;
  private static final int FEW = 12;

  static EncoderModel load(ManifestRepository manifests, String name, Digest version) {
    ModelManifest manifest = manifests.load(name, version);
    return new EncoderModel(name, version, manifest, EncoderLayout.of(manifest));
  }

  /** The dimensions, with what the tensors do not say. */
  EncoderShape shape(EncoderSettings settings) {
    return new EncoderShape(
        layout.layers(),
        layout.hidden(),
        settings.heads(),
        layout.intermediate(),
        layout.vocabulary(),
        layout.positions(),
        settings.epsilon());
  }

  /**
   * What the model's files say: {@code config.json} (Transformers), {@code 1_Pooling/config.json}
   * (Sentence Transformers). Without them: mean, ε = 1e-12, and the heads that published models of
   * that width have.
   */
  EncoderSettings settings(ModelFiles files) {
    JsonNode config = json(files, "config.json");
    String activation = config.path("hidden_act").asText("gelu");
    if (!activation.equals("gelu")) {
      throw EmbedException.model("the hidden_act of an encoder is gelu, got '" + activation + "'");
    }
    String position = config.path("position_embedding_type").asText("absolute");
    if (!position.equals("absolute")) {
      throw EmbedException.model(
          "the position_embedding_type of an encoder is absolute, got '" + position + "'");
    }
    JsonNode pooling = json(files, "1_Pooling/config.json");
    boolean cls = pooling.path("pooling_mode_cls_token").asBoolean(false);
    return new EncoderSettings(
        config.path("num_attention_heads").asInt(heads(layout.hidden())),
        (float) config.path("layer_norm_eps").asDouble(1e-12),
        cls ? Pooling.CLS : Pooling.MEAN,
        true);
  }

  private static int heads(int hidden) {
    return hidden == MINI || hidden == TINY ? FEW : Math.max(1, hidden / 64);
  }

  private JsonNode json(ModelFiles files, String path) {
    Optional<byte[]> bytes = files.read(manifest, path);
    if (bytes.isEmpty()) {
      return JsonNodeFactory.instance.objectNode();
    }
    try {
      return JSON.readTree(bytes.get());
    } catch (JsonProcessingException e) {
      throw EmbedException.model("file '" + path + "' is no JSON: " + e.getOriginalMessage());
    } catch (IOException e) {
      throw new UncheckedIOException("reading from memory does no I/O", e);
    }
  }
}
