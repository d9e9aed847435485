package io.sluice.compute.embed;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The tokenizer of the BERT family as a {@code tokenizer.json} describes it: BertNormalizer,
 * BertPreTokenizer, WordPiece by greedy longest match (Wu et al., 2016, arXiv:1609.08144), special
 * tokens around the text. Source of the details: Hugging Face's tokenizers.
 *
 * <p>Immutable. Codes: {@code tokenizer-unsupported}.
 */
public final class BertTokenizer {
  private static final ObjectMapper JSON =
      new ObjectMapper(
          JsonFactory.builder()
              .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(32).build())
              .build());

  private static final int MAX_TOKENS = 1 << 24;

  private final Map<String, Integer> vocabulary = new HashMap<>();
  private final Map<String, Integer> added = new HashMap<>();
  private final BertNormalizer normalizer;
  private final int unknown;
  private final String prefix;
  private final int longestWord;
  private final int maxLength;
  private final int[] before;
  private final int[] after;

  private BertTokenizer(JsonNode json) {
    JsonNode model = json.path("model");
    require(model, "model", "type", "WordPiece", true);
    require(json.path("pre_tokenizer"), "pre_tokenizer", "type", "BertPreTokenizer", false);
    require(json.path("normalizer"), "normalizer", "type", "BertNormalizer", false);
    for (Map.Entry<String, JsonNode> entry : model.path("vocab").properties()) {
      vocabulary.put(entry.getKey(), id(entry.getKey(), entry.getValue()));
    }
    for (JsonNode token : json.path("added_tokens")) {
      String content = token.path("content").asText("");
      for (String flag : List.of("single_word", "lstrip", "rstrip", "normalized")) {
        if (token.path(flag).asBoolean(false)) {
          throw EmbedException.tokenizer("token '" + content + "' is added with " + flag);
        }
      }
      if (!content.isEmpty()) {
        added.put(content, id(content, token.path("id")));
      }
    }
    JsonNode n = json.path("normalizer");
    boolean lowercase = n.path("lowercase").asBoolean(true);
    normalizer =
        new BertNormalizer(
            n.path("clean_text").asBoolean(true),
            n.path("handle_chinese_chars").asBoolean(true),
            n.path("strip_accents").isBoolean()
                ? n.path("strip_accents").booleanValue()
                : lowercase,
            lowercase);
    String unknownToken = model.path("unk_token").asText("[UNK]");
    unknown = known(unknownToken);
    prefix = model.path("continuing_subword_prefix").asText("##");
    longestWord = model.path("max_input_chars_per_word").asInt(100);
    maxLength = json.path("truncation").path("max_length").asInt(0);
    List<Integer> head = new ArrayList<>();
    List<Integer> tail = new ArrayList<>();
    readTemplate(json.path("post_processor"), head, tail);
    before = head.stream().mapToInt(Integer::intValue).toArray();
    after = tail.stream().mapToInt(Integer::intValue).toArray();
  }

  /**
   * Reads a {@code tokenizer.json}.
   *
   * @throws EmbedException if it is none or describes another kind of tokenizer
   */
  public static BertTokenizer parse(byte[] document) {
    try {
      return new BertTokenizer(JSON.readTree(document));
    } catch (JsonProcessingException e) {
      throw EmbedException.tokenizer("tokenizer.json is no JSON: " + e.getOriginalMessage());
    } catch (IOException e) {
      throw new UncheckedIOException("reading from memory does no I/O", e);
    }
  }

  /** What it cuts texts to, special tokens included; 0 if it does not say. */
  public int maxLength() {
    return maxLength;
  }

  /** One more than the largest id of a token. */
  public int size() {
    int largest = -1;
    for (int id : vocabulary.values()) {
      largest = Math.max(largest, id);
    }
    for (int id : added.values()) {
      largest = Math.max(largest, id);
    }
    return largest + 1;
  }

  /** Tokens that are put around every text. */
  public int specialTokens() {
    return before.length + after.length;
  }

  /**
   * The ids of the tokens of a text.
   *
   * @param limit most tokens, special ones included; the end of a longer text is cut off
   */
  public int[] encode(String text, int limit) {
    int room = limit - specialTokens();
    if (room < 0) {
      throw EmbedException.arguments(
          "a text takes at least " + specialTokens() + " tokens, the limit is " + limit);
    }
    Ids ids = new Ids(room);
    int from = 0;
    int at = 0;
    while (at < text.length() && !ids.full()) {
      String special = specialAt(text, at);
      if (special == null) {
        at++;
        continue;
      }
      words(text.substring(from, at), ids);
      ids.add(added.get(special));
      at += special.length();
      from = at;
    }
    words(text.substring(from), ids);
    int[] all = Arrays.copyOf(before, before.length + ids.count + after.length);
    System.arraycopy(ids.values, 0, all, before.length, ids.count);
    System.arraycopy(after, 0, all, before.length + ids.count, after.length);
    return all;
  }

  /** The longest added token that the text has at a place, or null. */
  private String specialAt(String text, int at) {
    String best = null;
    for (String token : added.keySet()) {
      if (text.startsWith(token, at) && (best == null || token.length() > best.length())) {
        best = token;
      }
    }
    return best;
  }

  private void words(String text, Ids ids) {
    if (text.isEmpty()) {
      return;
    }
    int[] points = normalizer.apply(text).codePoints().toArray();
    int from = 0;
    for (int i = 0; i <= points.length && !ids.full(); i++) {
      boolean end = i == points.length;
      if (end
          || BertNormalizer.isWhitespace(points[i])
          || BertNormalizer.isPunctuation(points[i])) {
        if (i > from) {
          word(points, from, i, ids);
        }
        if (!end && !BertNormalizer.isWhitespace(points[i])) {
          word(points, i, i + 1, ids);
        }
        from = i + 1;
      }
    }
  }

  private void word(int[] points, int from, int to, Ids ids) {
    if (to - from > longestWord) {
      ids.add(unknown);
      return;
    }
    int[] pieces = new int[to - from];
    int count = 0;
    int start = from;
    while (start < to) {
      int end = to;
      Integer id = null;
      while (end > start) {
        String piece = new String(points, start, end - start);
        id = vocabulary.get(start == from ? piece : prefix + piece);
        if (id != null) {
          break;
        }
        end--;
      }
      if (id == null) {
        ids.add(unknown);
        return;
      }
      pieces[count++] = id;
      start = end;
    }
    for (int i = 0; i < count; i++) {
      ids.add(pieces[i]);
    }
  }

  /** Ids up to a limit. */
  private static final class Ids {
    private final int limit;
    private int[] values = new int[16];
    private int count;

    Ids(int limit) {
      this.limit = limit;
    }

    boolean full() {
      return count >= limit;
    }

    void add(int id) {
      if (full()) {
        return;
      }
      if (count == values.length) {
        values = Arrays.copyOf(values, 2 * count);
      }
      values[count++] = id;
    }
  }

  private void readTemplate(JsonNode processor, List<Integer> head, List<Integer> tail) {
    switch (processor.path("type").asText("")) {
      case "TemplateProcessing" -> {
        boolean text = false;
        for (JsonNode item : processor.path("single")) {
          if (item.has("Sequence")) {
            text = true;
          } else {
            String token = item.path("SpecialToken").path("id").asText("");
            JsonNode ids = processor.path("special_tokens").path(token).path("ids");
            for (JsonNode id : ids) {
              (text ? tail : head).add(id(token, id));
            }
          }
        }
      }
      case "BertProcessing" -> {
        head.add(id("cls", processor.path("cls").path(1)));
        tail.add(id("sep", processor.path("sep").path(1)));
      }
      default ->
          throw EmbedException.tokenizer(
              "the post_processor of tokenizer.json is TemplateProcessing or BertProcessing, got '"
                  + processor.path("type").asText("none")
                  + "'");
    }
  }

  private int known(String token) {
    Integer id = vocabulary.get(token);
    if (id == null) {
      throw EmbedException.tokenizer("the vocabulary has no token '" + token + "'");
    }
    return id;
  }

  private static int id(String token, JsonNode id) {
    if (!id.isIntegralNumber()
        || !id.canConvertToInt()
        || id.intValue() < 0
        || id.intValue() >= MAX_TOKENS) {
      throw EmbedException.tokenizer(
          "the id of token '" + token + "' is from 0 to " + (MAX_TOKENS - 1) + ", got " + id);
    }
    return id.intValue();
  }

  private static void require(
      JsonNode node, String name, String field, String value, boolean mayBeAbsent) {
    String actual = node.path(field).asText("");
    boolean absent = mayBeAbsent && actual.isEmpty() && node.has("vocab");
    if (!actual.equals(value) && !absent) {
      throw EmbedException.tokenizer(
          "the " + name + " of tokenizer.json is " + value + ", got '" + actual + "'");
    }
  }
}
