package io.sluice.format;

import java.util.OptionalInt;
import java.util.Set;

/**
 * Finds the layer number in a tensor's or an ONNX node's name.
 *
 * <p>A name is cut at dots and slashes. The first part that is a number and follows one of the
 * words that model families use for their stack of layers is the layer:
 *
 * <ul>
 *   <li>{@code model.layers.12.self_attn.q_proj.weight}, {@code layers.1.w}: Llama, Mistral, Qwen,
 *       Gemma, Mamba, GPT-NeoX and others
 *   <li>{@code encoder.layer.3.output.dense.bias}, {@code /encoder/layer.3/attention/MatMul}: BERT
 *       and its ONNX exports
 *   <li>{@code transformer.h.5.attn.c_attn.weight}, {@code h.5.ln_1.bias}: GPT-2, Falcon, BLOOM
 *   <li>{@code blk.7.ffn_up.weight}: GGUF
 *   <li>{@code block.2.…}, {@code blocks.2.…}, {@code resblocks.2.…}: T5, MPT, Whisper, CLIP
 * </ul>
 *
 * <p>A T5 name such as {@code encoder.block.3.layer.1.…} has the number that comes first, 3. The
 * encoder and the decoder of one model number their layers alike, so equal numbers share a group.
 */
public final class LayerNames {
  private static final Set<String> WORDS =
      Set.of("layers", "layer", "h", "blk", "block", "blocks", "resblocks");

  private static final int MAX_DIGITS = 6;

  private LayerNames() {}

  /** The layer number in a name, if it has one. */
  public static OptionalInt layer(String name) {
    int wordStart = 0;
    int wordEnd = partEnd(name, 0);
    while (wordEnd < name.length()) {
      int start = wordEnd + 1;
      int end = partEnd(name, start);
      if (isNumber(name, start, end) && WORDS.contains(name.substring(wordStart, wordEnd))) {
        return OptionalInt.of(Integer.parseInt(name, start, end, 10));
      }
      wordStart = start;
      wordEnd = end;
    }
    return OptionalInt.empty();
  }

  private static int partEnd(String name, int start) {
    int end = start;
    while (end < name.length() && name.charAt(end) != '.' && name.charAt(end) != '/') {
      end++;
    }
    return end;
  }

  private static boolean isNumber(String name, int start, int end) {
    if (start == end || end - start > MAX_DIGITS) {
      return false;
    }
    for (int i = start; i < end; i++) {
      if (name.charAt(i) < '0' || name.charAt(i) > '9') {
        return false;
      }
    }
    return true;
  }
}
