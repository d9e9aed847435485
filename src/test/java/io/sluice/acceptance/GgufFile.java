package io.sluice.acceptance;

import java.util.List;
import java.util.Map;

/** Writes GGUF files of version 3. */
final class GgufFile {
  private static final Map<String, Integer> TYPES =
      Map.of(
          "F32", 0, "F16", 1, "Q4_0", 2, "Q8_0", 8, "Q6_K", 14, "I8", 24, "I32", 26, "F64", 28,
          "BF16", 30);
  private static final int ALIGNMENT = 32;

  private GgufFile() {}

  static byte[] write(List<Synthetic> tensors) {
    Bytes file = new Bytes().text("GGUF").u32(3).u64(tensors.size()).u64(4);
    file.ggufString("general.architecture").u32(8).ggufString("llama");
    file.ggufString("general.alignment").u32(4).u32(ALIGNMENT);
    file.ggufString("llama.rope.freq_base").u32(6).u32(Float.floatToIntBits(10_000f));
    file.ggufString("tokenizer.ggml.tokens").u32(9).u32(8).u64(3);
    file.ggufString("<s>").ggufString("</s>").ggufString("ü");
    long offset = 0;
    for (Synthetic tensor : tensors) {
      file.ggufString(tensor.name()).u32(tensor.shape().size());
      tensor.shape().reversed().forEach(file::u64);
      file.u32(TYPES.get(tensor.dtype())).u64(offset);
      offset = Math.ceilDiv(offset + tensor.data().length, ALIGNMENT) * ALIGNMENT;
    }
    file.align(ALIGNMENT);
    for (Synthetic tensor : tensors) {
      file.raw(tensor.data()).align(ALIGNMENT);
    }
    return file.get();
  }
}
