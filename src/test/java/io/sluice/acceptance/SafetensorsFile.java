package io.sluice.acceptance;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Writes and reads safetensors files, the plain way. */
final class SafetensorsFile {
  private SafetensorsFile() {}

  /** A file of these tensors in this order; its header is not padded, so data may be unaligned. */
  static byte[] write(List<Synthetic> tensors) {
    ObjectNode header = JsonNodeFactory.instance.objectNode();
    header.putObject("__metadata__").put("format", "pt");
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    for (Synthetic tensor : tensors) {
      ObjectNode entry = header.putObject(tensor.name());
      entry.put("dtype", tensor.dtype());
      ArrayNode shape = entry.putArray("shape");
      tensor.shape().forEach(shape::add);
      entry.putArray("data_offsets").add(data.size()).add(data.size() + tensor.data().length);
      data.writeBytes(tensor.data());
    }
    byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer file =
        ByteBuffer.allocate(8 + json.length + data.size()).order(ByteOrder.LITTLE_ENDIAN);
    return file.putLong(json.length).put(json).put(data.toByteArray()).array();
  }

  /**
   * A Hugging Face folder: tensors dealt out over some files, an index, a config and a tokenizer.
   */
  static Map<String, byte[]> folder(List<Synthetic> tensors, int files) {
    Map<String, byte[]> folder = new LinkedHashMap<>();
    ObjectNode map = JsonNodeFactory.instance.objectNode();
    long total = 0;
    for (int f = 0; f < files; f++) {
      String path = "model-%05d-of-%05d.safetensors".formatted(f + 1, files);
      List<Synthetic> mine = new ArrayList<>();
      for (int t = f; t < tensors.size(); t += files) {
        mine.add(tensors.get(t));
        map.put(tensors.get(t).name(), path);
        total += tensors.get(t).data().length;
      }
      folder.put(path, write(mine));
    }
    ObjectNode index = JsonNodeFactory.instance.objectNode();
    index.putObject("metadata").put("total_size", total);
    index.set("weight_map", map);
    folder.put("model.safetensors.index.json", utf8(index.toPrettyString()));
    folder.put("config.json", utf8("{\"architectures\": [\"Llama\"],\n \"hidden_size\": 64}\n"));
    folder.put(
        "tokenizer.json", utf8("{\"version\": \"1.0\", \"model\": {\"vocab\": {\"ü\": 0}}}"));
    return folder;
  }

  /**
   * Reads a file that has to be sound: tensors by name. Checks that they fill the data without hole
   * or overlap.
   */
  static Map<String, Synthetic> read(byte[] file) {
    int length = (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
    JsonNode header = header(file);
    Map<String, Synthetic> tensors = new LinkedHashMap<>();
    TreeMap<Integer, Integer> ranges = new TreeMap<>();
    header
        .properties()
        .forEach(
            entry -> {
              if (!entry.getKey().equals("__metadata__")) {
                int begin = entry.getValue().get("data_offsets").get(0).intValue();
                int end = entry.getValue().get("data_offsets").get(1).intValue();
                List<Long> shape = new ArrayList<>();
                entry.getValue().get("shape").forEach(dim -> shape.add(dim.longValue()));
                tensors.put(
                    entry.getKey(),
                    new Synthetic(
                        entry.getKey(),
                        entry.getValue().get("dtype").textValue(),
                        shape,
                        Arrays.copyOfRange(file, 8 + length + begin, 8 + length + end)));
                ranges.put(begin, end);
              }
            });
    int at = 0;
    for (Map.Entry<Integer, Integer> range : ranges.entrySet()) {
      if (range.getKey() != at) {
        throw new AssertionError("hole or overlap at " + at + ": " + header);
      }
      at = range.getValue();
    }
    if (8 + length + at != file.length) {
      throw new AssertionError("data ends at " + at + ", the file is longer: " + file.length);
    }
    return tensors;
  }

  /** The header as it is. */
  static JsonNode header(byte[] file) {
    int length = (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
    return Api.parse(new String(file, 8, length, StandardCharsets.UTF_8));
  }

  /** Where the data starts. */
  static int dataStart(byte[] file) {
    return 8 + (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
  }

  static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
