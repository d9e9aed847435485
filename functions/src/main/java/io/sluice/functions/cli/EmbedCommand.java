package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.model.ErrorKind;
import io.sluice.model.ModelRef;
import io.sluice.model.SluiceException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code embed}: vectors of texts, and how like each other they are. */
@Command(
    name = "embed",
    description = "Embeds texts by an encoder, on the workers that hold its layers.")
final class EmbedCommand extends JobCommand {
  /** Texts of one call of the server. */
  private static final int TEXTS = 512;

  /** Characters of one call, so that the request stays below the limit of the server. */
  private static final int CHARACTERS = 128 << 10;

  private static final int MOST_COMPARED = 12;

  @Parameters(paramLabel = "MODEL", description = "name, name:tag or name@sha256:...")
  ModelRef model;

  @Option(names = "--text", paramLabel = "TEXT", description = "A text; may be repeated.")
  List<String> texts = new ArrayList<>();

  @Option(
      names = "--file",
      paramLabel = "FILE",
      description = "A file in UTF-8, each line of it a text.")
  Path file;

  @Option(
      names = "--corpus",
      paramLabel = "MODEL",
      description = "A stored model with a file of texts, instead of --text and --file; as a job.")
  ModelRef corpus;

  @Option(
      names = "--corpus-file",
      paramLabel = "PATH",
      description = "That file, in UTF-8, each line of it a text.")
  String corpusFile;

  @Option(
      names = "--output",
      paramLabel = "MODEL",
      description = "Store the vectors as tensor 'embeddings' of a model; as a job.")
  ModelRef output;

  @Option(
      names = "--pooling",
      paramLabel = "HOW",
      description = "mean or cls (default: what the model says, else mean).")
  String pooling;

  @Option(names = "--no-normalize", description = "Leave vectors as long as they are.")
  boolean raw;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      description = "Cut texts off after N tokens (default: what the tokenizer says).")
  Integer maxTokens;

  @Option(
      names = "--heads",
      paramLabel = "N",
      description = "Heads of attention, for a model without config.json.")
  Integer heads;

  @Override
  public Integer call() throws InterruptedException {
    if ((corpus == null) != (corpusFile == null)) {
      throw usage("--corpus and --corpus-file belong together");
    }
    if (corpus != null || output != null) {
      return submit("compute", job());
    }
    if (noWait) {
      throw usage("--no-wait is for --corpus and --output: without them there is no job");
    }
    List<String> all = texts();
    ObjectNode result = null;
    double seconds = 0;
    for (int from = 0; from < all.size(); ) {
      int to = end(all, from);
      JsonNode part = endpoint().post("embed", request(all.subList(from, to)));
      seconds += part.path("seconds").asDouble();
      if (result == null) {
        result = (ObjectNode) part;
      } else {
        ((ArrayNode) result.get("embeddings")).addAll((ArrayNode) part.get("embeddings"));
        for (String sum : List.of("tokens", "truncated")) {
          result.put(sum, result.get(sum).asLong() + part.get(sum).asLong());
        }
      }
      from = to;
    }
    ObjectNode whole = result.put("seconds", seconds);
    print(whole, out -> text(whole, all, out));
    return 0;
  }

  private ObjectNode job() {
    ObjectNode arguments = options();
    if (corpus == null) {
      texts().forEach(arguments.putArray("texts")::add);
    } else if (!texts.isEmpty() || file != null) {
      throw usage("give texts by --corpus, or by --text and --file");
    } else {
      arguments.putObject("texts").put("model", corpus.toString()).put("file", corpusFile);
    }
    if (output != null) {
      arguments.put("output", output.toString());
    }
    ObjectNode request =
        JsonNodeFactory.instance
            .objectNode()
            .put("model", model.toString())
            .put("operation", "embed");
    request.set("arguments", arguments);
    return request;
  }

  @Override
  void text(JsonNode answer, PrintWriter out) {
    JsonNode result = answer.path("result");
    boolean stored = result.has("tensor");
    out.printf("%s  %s%n", answer.path("model").asText(), answer.path("version").asText());
    out.printf(
        "%d texts, %d tokens, %d dimensions, in %d tasks%n",
        stored ? result.path("shape").path(0).asLong() : result.path("embeddings").size(),
        result.path("tokens").asLong(),
        result.path("dimensions").asInt(),
        answer.path("N").asInt());
    out.println(Similarity.way(answer.path("workers")));
    if (stored) {
      out.printf(
          "stored as tensor '%s' of %s  %s%n",
          result.path("tensor").asText(),
          result.path("model").asText(),
          result.path("version").asText());
    }
  }

  private List<String> texts() {
    List<String> all = new ArrayList<>(texts);
    if (file != null) {
      try {
        all.addAll(Files.readAllLines(file, StandardCharsets.UTF_8));
      } catch (NoSuchFileException e) {
        throw new SluiceException(
            ErrorKind.MISSING, "source-missing", "there is no file '" + file + "'");
      } catch (CharacterCodingException e) {
        throw new SluiceException(
            ErrorKind.INVALID, "source-invalid", "file '" + file + "' is not UTF-8");
      } catch (IOException e) {
        throw new SluiceException(
            ErrorKind.FATAL, "source-unreadable", "file '" + file + "': " + e.getMessage(), e);
      }
    }
    if (all.isEmpty()) {
      throw usage("give texts with --text or --file, or with --corpus");
    }
    return all;
  }

  private static int end(List<String> all, int from) {
    int to = from;
    long characters = 0;
    while (to < all.size() && to - from < TEXTS) {
      characters += all.get(to).length();
      if (to > from && characters > CHARACTERS) {
        break;
      }
      to++;
    }
    return to;
  }

  private ObjectNode request(List<String> some) {
    ObjectNode request = options().put("model", model.toString());
    some.forEach(request.putArray("texts")::add);
    return request;
  }

  private ObjectNode options() {
    ObjectNode request = JsonNodeFactory.instance.objectNode();
    if (pooling != null) {
      request.put("pooling", pooling);
    }
    if (raw) {
      request.put("normalize", false);
    }
    if (maxTokens != null) {
      request.put("maxTokens", maxTokens);
    }
    if (heads != null) {
      request.put("heads", heads);
    }
    return request;
  }

  private static void text(JsonNode result, List<String> texts, PrintWriter out) {
    out.printf("%s  %s%n", result.path("model").asText(), result.path("version").asText());
    out.printf(
        java.util.Locale.ROOT,
        "%d texts, %d tokens, %d dimensions, in %.3f s%n",
        texts.size(),
        result.path("tokens").asLong(),
        result.path("dimensions").asInt(),
        result.path("seconds").asDouble());
    out.println(Similarity.way(result.path("workers")));
    if (texts.size() <= MOST_COMPARED) {
      out.println();
      Similarity.print(texts, result.path("embeddings"), out);
    }
  }
}
