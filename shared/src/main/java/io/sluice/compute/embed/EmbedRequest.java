package io.sluice.compute.embed;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.json.JsonObject;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What to embed and how.
 *
 * @param texts at least one; an empty text has an embedding too
 * @param pooling instead of what the model says
 * @param normalize whether vectors get length 1; what the model says, if absent: yes
 * @param maxTokens instead of the limit of the model's tokenizer, special tokens included
 * @param heads of attention, for a model without {@code config.json}
 * @param base64 whether vectors are answered as base64 of little-endian F32 instead of numbers
 */
public record EmbedRequest(
    List<String> texts,
    Optional<Pooling> pooling,
    Optional<Boolean> normalize,
    OptionalInt maxTokens,
    OptionalInt heads,
    boolean base64) {
  /** Most texts of a request. */
  public static final int MAX_TEXTS = 4096;

  /** Most characters of the texts of a request. */
  public static final int MAX_CHARACTERS = 4 << 20;

  public EmbedRequest {
    texts = List.copyOf(texts);
    if (texts.isEmpty() || texts.size() > MAX_TEXTS) {
      throw EmbedException.arguments(
          "'texts' are 1 to " + MAX_TEXTS + " texts, got " + texts.size());
    }
    long characters = texts.stream().mapToLong(String::length).sum();
    if (characters > MAX_CHARACTERS) {
      throw EmbedException.arguments(
          "'texts' have at most " + MAX_CHARACTERS + " characters, got " + characters);
    }
  }

  /** Reads the arguments; unknown fields are the caller's to refuse. */
  public static EmbedRequest read(JsonObject json) {
    JsonNode texts =
        json.any("texts")
            .orElseThrow(() -> EmbedException.arguments("'embed' needs the argument 'texts'"));
    if (!texts.isArray()) {
      throw EmbedException.arguments(
          "'texts' is a list of texts, got a "
              + texts.getNodeType()
              + "; texts in a file of a stored model need a job: operation 'embed' of /compute");
    }
    if (texts.size() > MAX_TEXTS) {
      throw EmbedException.arguments(
          "'texts' are 1 to "
              + MAX_TEXTS
              + " texts, got "
              + texts.size()
              + ": a job embeds more of them from a file of a stored model");
    }
    List<String> list = new java.util.ArrayList<>(texts.size());
    for (JsonNode text : texts) {
      if (!text.isTextual()) {
        throw EmbedException.arguments(
            "'texts' is a list of texts, element " + list.size() + " is a " + text.getNodeType());
      }
      list.add(text.textValue());
    }
    return read(json, list);
  }

  /** Reads all arguments but the texts. */
  static EmbedRequest read(JsonObject json, List<String> texts) {
    String encoding = json.optionalText("encoding").orElse("float");
    if (!encoding.equals("float") && !encoding.equals("base64")) {
      throw EmbedException.arguments("'encoding' is float or base64, got '" + encoding + "'");
    }
    Optional<Boolean> normalize =
        json.any("normalize").isPresent()
            ? Optional.of(json.flag("normalize", true))
            : Optional.empty();
    return new EmbedRequest(
        texts,
        json.optionalText("pooling").map(Pooling::parse),
        normalize,
        json.optionalInt("maxTokens", 1, 1 << 16),
        json.optionalInt("heads", 1, EncoderShape.MAX_WIDTH),
        encoding.equals("base64"));
  }

  /** The same request for some of its texts. */
  EmbedRequest with(List<String> some) {
    return new EmbedRequest(some, pooling, normalize, maxTokens, heads, base64);
  }

  EncoderSettings settings(EncoderSettings ofModel) {
    return new EncoderSettings(
        heads.orElse(ofModel.heads()),
        ofModel.epsilon(),
        pooling.orElse(ofModel.pooling()),
        normalize.orElse(ofModel.normalize()));
  }

  /** The arguments as JSON. */
  ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    texts.forEach(json.putArray("texts")::add);
    pooling.ifPresent(p -> json.put("pooling", p.text()));
    normalize.ifPresent(n -> json.put("normalize", n));
    maxTokens.ifPresent(n -> json.put("maxTokens", n));
    heads.ifPresent(n -> json.put("heads", n));
    return json.put("encoding", base64 ? "base64" : "float");
  }
}
