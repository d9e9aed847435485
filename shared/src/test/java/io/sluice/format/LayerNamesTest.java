package io.sluice.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.OptionalInt;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LayerNamesTest {
  @ParameterizedTest
  @CsvSource({
    "model.layers.12.self_attn.q_proj.weight, 12",
    "layers.1.w, 1",
    "blk.7.ffn_up.weight, 7",
    "encoder.layer.3.output.dense.bias, 3",
    "transformer.h.5.attn.c_attn.weight, 5",
    "h.5.ln_1.bias, 5",
    "block.2.w, 2",
    "transformer.blocks.2.norm.weight, 2",
    "visual.transformer.resblocks.23.attn.in_proj_bias, 23",
    "encoder.block.3.layer.1.DenseReluDense.wi.weight, 3",
    "/encoder/layer.4/attention/self/query/MatMul, 4",
    "/model/layers.0/Add_output_0, 0",
    "backbone.layers.999999.x, 999999",
    "model.layers.007.x, 7"
  })
  void findsTheLayer(String name, int layer) {
    assertThat(LayerNames.layer(name)).isEqualTo(OptionalInt.of(layer));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "model.embed_tokens.weight",
        "lm_head.weight",
        "layers",
        "layers.",
        "layers..1",
        "layers.x",
        "layers.-1.w",
        "layers.1000000.w",
        "layers.99999999999999999999.w",
        "layers.1a.w",
        "layer1.0.conv1.weight",
        "players.1.w",
        "layers.٣.w",
        "onnx::MatMul_885"
      })
  void findsNone(String name) {
    assertThat(LayerNames.layer(name)).isEmpty();
  }
}
