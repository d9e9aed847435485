package io.sluice.source;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.model.ByteRange;
import io.sluice.model.ErrorKind;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ShardReader;
import io.sluice.storage.StorageException;
import io.sluice.upload.ModelSource;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * A model on a web server. A server lists no folders, so either one file is named, or a folder of
 * the layout that Hugging Face uses: the weights are in the files of {@code
 * model.safetensors.index.json} or in {@code model.safetensors}, and the files that usually lie
 * beside them are taken if they are there.
 */
public final class WebSource implements ModelSource {
  private static final String INDEX = "model.safetensors.index.json";
  private static final String SINGLE = "model.safetensors";
  private static final int MAX_INDEX = 64 << 20;

  private static final List<String> BESIDE =
      List.of(
          "config.json",
          "generation_config.json",
          "merges.txt",
          "special_tokens_map.json",
          "tokenizer.json",
          "tokenizer.model",
          "tokenizer_config.json",
          "vocab.json",
          "vocab.txt");

  private final ShardReader reader;
  private final String only;

  /**
   * @param reader its keys are relative to the folder
   * @param only if not empty, the single file that is wanted
   */
  public WebSource(ShardReader reader, String only) {
    this.reader = reader;
    this.only = only;
  }

  /**
   * {@inheritDoc}
   *
   * @throws StorageException MISSING if there are no weights
   */
  @Override
  public List<ObjectInfo> files() {
    return only.isEmpty() || only.equals(INDEX) ? folder(reader) : List.of(reader.head(only));
  }

  @Override
  public ShardReader reader() {
    return reader;
  }

  @Override
  public void close() {}

  private static List<ObjectInfo> folder(ShardReader reader) {
    List<ObjectInfo> files = new ArrayList<>();
    Optional<ObjectInfo> index = find(reader, INDEX);
    if (index.isPresent()) {
      files.add(index.get());
      for (String name : names(reader, index.get())) {
        files.add(reader.head(name));
      }
    } else {
      files.add(reader.head(SINGLE));
    }
    for (String name : BESIDE) {
      find(reader, name).ifPresent(files::add);
    }
    files.sort(Comparator.comparing(ObjectInfo::key));
    return List.copyOf(files);
  }

  private static Optional<ObjectInfo> find(ShardReader reader, String key) {
    try {
      return Optional.of(reader.head(key));
    } catch (StorageException e) {
      if (e.kind() == ErrorKind.MISSING) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /** The files that the index names; whether it is right is for the format reader to say. */
  private static SortedSet<String> names(ShardReader reader, ObjectInfo index) {
    if (index.size() > MAX_INDEX) {
      throw invalid(index, "has " + index.size() + " bytes, at most " + MAX_INDEX + " are read");
    }
    byte[] bytes = new byte[(int) index.size()];
    reader.read(
        index.key(),
        Optional.of(index.etag()),
        new ByteRange(0, bytes.length),
        MemorySegment.ofArray(bytes));
    SortedSet<String> names = new TreeSet<>();
    try {
      JsonNode map =
          new ObjectMapper().readTree(new String(bytes, StandardCharsets.UTF_8)).path("weight_map");
      for (JsonNode file : map) {
        String name = file.asText();
        if (!file.isTextual()
            || name.contains("..")
            || name.startsWith("/")
            || name.contains(":")) {
          throw invalid(index, "names the file '" + name + "'");
        }
        names.add(name);
      }
    } catch (JsonProcessingException e) {
      throw invalid(index, "is no JSON document");
    }
    if (names.isEmpty()) {
      throw invalid(index, "has no weight_map");
    }
    return names;
  }

  private static StorageException invalid(ObjectInfo index, String what) {
    return new StorageException(
        ErrorKind.INVALID, "index-invalid", index.key(), index.key() + " " + what, null);
  }
}
