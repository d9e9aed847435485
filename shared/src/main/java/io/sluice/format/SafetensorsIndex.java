package io.sluice.format;

import com.fasterxml.jackson.core.JsonToken;
import io.sluice.model.ByteRange;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Reads a {@code *.safetensors.index.json}, by which Hugging Face says in which of several files
 * each tensor lies.
 *
 * <p>Codes: {@code safetensors-index-size}, {@code -json}, {@code -utf8}, {@code -duplicate-key},
 * {@code -location}.
 */
final class SafetensorsIndex {
  static final String SUFFIX = ".safetensors.index.json";

  /** Largest index: room for several hundred thousand tensors. */
  static final int MAX_BYTES = 64 << 20;

  private static final String PREFIX = "safetensors-index";

  private final String path;
  private final Map<String, String> files = new LinkedHashMap<>();
  private boolean hasMap;

  private SafetensorsIndex(String path) {
    this.path = path;
  }

  /** Tensor name to path inside the model. */
  static Map<String, String> read(ByteSource source) {
    if (source.size() > MAX_BYTES) {
      throw FormatException.malformed(
          PREFIX + "-size",
          source.path(),
          "an index has at most " + MAX_BYTES + " bytes, this one has " + source.size());
    }
    SafetensorsIndex index = new SafetensorsIndex(source.path());
    index.parse(SourceCursor.readAll(source, new ByteRange(0, source.size())));
    return index.files;
  }

  private void parse(byte[] document) {
    try (StrictJson json = new StrictJson(path, PREFIX, document)) {
      json.members(key -> member(json, key));
      json.end();
    }
    if (!hasMap) {
      throw FormatException.malformed(PREFIX + "-json", path, "the index has no weight_map object");
    }
  }

  private void member(StrictJson json, String key) {
    if (key.equals("weight_map") && json.token() == JsonToken.START_OBJECT) {
      hasMap = true;
      json.members(tensor -> files.put(tensor, location(json, tensor)));
    } else {
      json.skip();
    }
  }

  private String location(StrictJson json, String tensor) {
    Names.checkTensor(path, tensor);
    return Names.resolve(
        path, json.string("the file of tensor '" + tensor + "'"), PREFIX + "-location");
  }
}
