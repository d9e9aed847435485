package io.sluice.compute.embed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.model.DType;
import io.sluice.model.ModelRef;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A small random encoder in every way to store it, against a naive one in double precision. */
class TinyEncoderTest {
  private static final int LAYERS = 2;
  private static final int H = 20;
  private static final int HEADS = 5;
  private static final int I = 36;
  private static final int POSITIONS = 12;
  private static final double EPSILON = 1e-5;
  private static final ModelRef REF = ModelRef.parse(StoredEncoder.NAME);

  private static final String TOKENIZER =
      """
      {"added_tokens": [{"id": 1, "content": "[CLS]"}, {"id": 2, "content": "[SEP]"}],
       "normalizer": {"type": "BertNormalizer", "lowercase": true},
       "pre_tokenizer": {"type": "BertPreTokenizer"},
       "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]},
       "model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab":
        {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "a": 3, "b": 4, "##b": 5, "c": 6, ".": 7}}}
      """;
  private static final String CONFIG =
      "{\"num_attention_heads\": 5, \"layer_norm_eps\": 1e-5, \"hidden_act\": \"gelu\"}";

  /** Weights by name, matrices as [out, in]. */
  private final Map<String, float[]> weights = new LinkedHashMap<>();

  private final Map<String, long[]> shapes = new LinkedHashMap<>();
  private final Random random = new Random(8);

  TinyEncoderTest() {
    add("embeddings.word_embeddings.weight", 8, H);
    add("embeddings.position_embeddings.weight", POSITIONS, H);
    add("embeddings.token_type_embeddings.weight", 2, H);
    norm("embeddings.LayerNorm");
    for (int n = 0; n < LAYERS; n++) {
      String layer = "encoder.layer." + n + ".";
      for (String square : List.of("self.query", "self.key", "self.value", "output.dense")) {
        linear(layer + "attention." + square, H, H);
      }
      norm(layer + "attention.output.LayerNorm");
      linear(layer + "intermediate.dense", I, H);
      linear(layer + "output.dense", H, I);
      norm(layer + "output.LayerNorm");
    }
  }

  private void add(String name, long... shape) {
    long size = 1;
    for (long dimension : shape) {
      size *= dimension;
    }
    float[] values = new float[(int) size];
    for (int i = 0; i < values.length; i++) {
      // exact in BF16 and in F16
      values[i] = (random.nextInt(255) - 127) / 128f;
    }
    weights.put(name, values);
    shapes.put(name, shape);
  }

  private void norm(String name) {
    add(name + ".weight", H);
    add(name + ".bias", H);
  }

  private void linear(String name, long out, long in) {
    add(name + ".weight", out, in);
    add(name + ".bias", out);
  }

  private StoredEncoder checkpoint(String prefix, DType dtype, Map<String, String> files) {
    List<StoredEncoder.Weight> list = new ArrayList<>();
    weights.forEach(
        (name, values) ->
            list.add(StoredEncoder.weight(prefix + name, null, dtype, values, shapes.get(name))));
    return new StoredEncoder("SAFETENSORS", list, bytes(files));
  }

  /** As an ONNX graph has it: matrices of products have no names and lie as [in, out]. */
  private StoredEncoder graph() {
    List<StoredEncoder.Weight> list = new ArrayList<>();
    weights.forEach(
        (name, values) -> {
          long[] shape = shapes.get(name);
          if (shape.length == 2 && name.startsWith("encoder")) {
            int out = (int) shape[0];
            int in = (int) shape[1];
            float[] turned = new float[values.length];
            for (int o = 0; o < out; o++) {
              for (int i = 0; i < in; i++) {
                turned[i * out + o] = values[o * in + i];
              }
            }
            list.add(
                StoredEncoder.weight(
                    "onnx::MatMul_" + list.size(), name, DType.F32, turned, in, out));
          } else {
            list.add(StoredEncoder.weight(name, null, DType.F32, values, shape));
          }
        });
    return new StoredEncoder(
        "ONNX", list, bytes(Map.of("tokenizer.json", TOKENIZER, "config.json", CONFIG)));
  }

  private static Map<String, byte[]> bytes(Map<String, String> files) {
    Map<String, byte[]> bytes = new LinkedHashMap<>();
    files.forEach((path, text) -> bytes.put(path, text.getBytes(StandardCharsets.UTF_8)));
    return bytes;
  }

  private static EmbedRequest request(Pooling pooling, boolean normalize) {
    return new EmbedRequest(
        List.of("A ab. c", "", "x bb"),
        Optional.of(pooling),
        Optional.of(normalize),
        OptionalInt.empty(),
        OptionalInt.empty(),
        false);
  }

  private static final int[][] IDS = {{1, 3, 3, 5, 7, 6, 2}, {1, 2}, {1, 0, 4, 5, 2}};

  @Test
  void everyWayToStoreItGivesTheSameAsTheNaiveOne() throws InterruptedException {
    Map<String, String> files = Map.of("tokenizer.json", TOKENIZER, "config.json", CONFIG);
    for (StoredEncoder stored :
        List.of(
            graph(),
            checkpoint("", DType.F32, files),
            checkpoint("bert.", DType.F16, files),
            checkpoint("0.auto_model.", DType.BF16, files))) {
      try (LocalWorkers workers = new LocalWorkers(stored, 2, 1 << 20, 1).spread()) {
        for (Pooling pooling : Pooling.values()) {
          for (boolean normalize : new boolean[] {true, false}) {
            Embeddings answer = workers.first().embed(REF, request(pooling, normalize));
            for (int i = 0; i < IDS.length; i++) {
              double[] expected = naive(IDS[i], pooling, normalize);
              for (int j = 0; j < H; j++) {
                assertThat((double) answer.vectors().get(i)[j])
                    .isCloseTo(expected[j], within(2e-4));
              }
            }
          }
        }
      }
    }
  }

  @Test
  void poolingIsWhatTheModelSays() throws InterruptedException {
    StoredEncoder stored =
        checkpoint(
            "",
            DType.F32,
            Map.of(
                "tokenizer.json",
                TOKENIZER,
                "config.json",
                CONFIG,
                "1_Pooling/config.json",
                "{\"pooling_mode_cls_token\": true}"));
    EmbedRequest plain =
        new EmbedRequest(
            List.of("a"),
            Optional.empty(),
            Optional.empty(),
            OptionalInt.empty(),
            OptionalInt.empty(),
            false);
    try (LocalWorkers workers = new LocalWorkers(stored, 1, 1 << 20, 1)) {
      assertThat(workers.first().embed(REF, plain).settings())
          .isEqualTo(new EncoderSettings(HEADS, (float) EPSILON, Pooling.CLS, true));
    }
  }

  @Test
  void modelsThatAreNoneAreRefusedWithTheReason() {
    refused(checkpoint("", DType.F32, Map.of("config.json", CONFIG)), "no file 'tokenizer.json'");
    refused(
        checkpoint("", DType.F32, Map.of("tokenizer.json", "{}", "config.json", CONFIG)),
        "the model of tokenizer.json is WordPiece, got ''");
    refused(
        checkpoint(
            "",
            DType.F32,
            Map.of("tokenizer.json", TOKENIZER, "config.json", "{\"hidden_act\": \"relu\"}")),
        "hidden_act of an encoder is gelu, got 'relu'");
    weights.remove("encoder.layer.1.output.dense.bias");
    refused(checkpoint("", DType.F32, Map.of()), "no tensor 'encoder.layer.1.output.dense.bias'");
    add("encoder.layer.1.output.dense.bias", H + 1);
    refused(checkpoint("x.", DType.F32, Map.of()), "'x.encoder.layer.1.output.dense.bias' has the");
    weights.remove("embeddings.word_embeddings.weight");
    refused(checkpoint("", DType.F32, Map.of()), "no encoder of the BERT family");
  }

  private static void refused(StoredEncoder stored, String reason) {
    try (LocalWorkers workers = new LocalWorkers(stored, 1, 1 << 20, 1)) {
      assertThatThrownBy(() -> workers.first().embed(REF, request(Pooling.MEAN, true)))
          .isInstanceOf(EmbedException.class)
          .hasMessageContaining(reason);
    }
  }

  @Test
  void partThatDoesNotFitTheBudgetIsRefused() {
    try (LocalWorkers workers = new LocalWorkers(graph(), 1, 4096, 1)) {
      assertThatThrownBy(() -> workers.first().embed(REF, request(Pooling.MEAN, true)))
          .hasMessageContaining("sluice.embed.memory")
          .hasMessageContaining("4096");
    }
  }

  // ---- the naive one

  private double[] naive(int[] ids, Pooling pooling, boolean normalize) {
    double[][] x = new double[ids.length][H];
    for (int t = 0; t < ids.length; t++) {
      for (int j = 0; j < H; j++) {
        x[t][j] =
            weights.get("embeddings.word_embeddings.weight")[ids[t] * H + j]
                + weights.get("embeddings.position_embeddings.weight")[t * H + j]
                + weights.get("embeddings.token_type_embeddings.weight")[j];
      }
      x[t] = norm(x[t], "embeddings.LayerNorm");
    }
    for (int n = 0; n < LAYERS; n++) {
      x = layer(x, "encoder.layer." + n + ".");
    }
    double[] sum = new double[H];
    int used = pooling == Pooling.CLS ? 1 : ids.length;
    for (int t = 0; t < used; t++) {
      for (int j = 0; j < H; j++) {
        sum[j] += x[t][j] / used;
      }
    }
    double length = 0;
    for (double value : sum) {
      length += value * value;
    }
    for (int j = 0; j < H && normalize; j++) {
      sum[j] /= Math.sqrt(length);
    }
    return sum;
  }

  private double[][] layer(double[][] x, String layer) {
    int n = x.length;
    int d = H / HEADS;
    double[][] context = new double[n][H];
    for (int head = 0; head < HEADS; head++) {
      for (int i = 0; i < n; i++) {
        double[] scores = new double[n];
        double sum = 0;
        for (int j = 0; j < n; j++) {
          double[] q = linear(x[i], layer + "attention.self.query", H);
          double[] k = linear(x[j], layer + "attention.self.key", H);
          double dot = 0;
          for (int c = head * d; c < (head + 1) * d; c++) {
            dot += q[c] * k[c];
          }
          scores[j] = Math.exp(dot / Math.sqrt(d));
          sum += scores[j];
        }
        for (int j = 0; j < n; j++) {
          double[] v = linear(x[j], layer + "attention.self.value", H);
          for (int c = head * d; c < (head + 1) * d; c++) {
            context[i][c] += scores[j] / sum * v[c];
          }
        }
      }
    }
    double[][] out = new double[n][];
    for (int i = 0; i < n; i++) {
      double[] y = linear(context[i], layer + "attention.output.dense", H);
      double[] first = norm(plus(x[i], y), layer + "attention.output.LayerNorm");
      double[] wide = linear(first, layer + "intermediate.dense", I);
      for (int j = 0; j < I; j++) {
        wide[j] *= 0.5 * (1 + ScalarKernels.erf((float) (wide[j] / Math.sqrt(2))));
      }
      out[i] =
          norm(plus(first, linear(wide, layer + "output.dense", H)), layer + "output.LayerNorm");
    }
    return out;
  }

  private double[] linear(double[] x, String module, int out) {
    float[] w = weights.get(module + ".weight");
    double[] y = new double[out];
    for (int o = 0; o < out; o++) {
      y[o] = weights.get(module + ".bias")[o];
      for (int i = 0; i < x.length; i++) {
        y[o] += x[i] * w[o * x.length + i];
      }
    }
    return y;
  }

  private double[] norm(double[] x, String module) {
    double mean = 0;
    for (double value : x) {
      mean += value / x.length;
    }
    double variance = 0;
    for (double value : x) {
      variance += (value - mean) * (value - mean) / x.length;
    }
    double[] y = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      y[i] =
          (x[i] - mean) / Math.sqrt(variance + EPSILON) * weights.get(module + ".weight")[i]
              + weights.get(module + ".bias")[i];
    }
    return y;
  }

  private static double[] plus(double[] a, double[] b) {
    double[] sum = new double[a.length];
    for (int i = 0; i < a.length; i++) {
      sum[i] = a[i] + b[i];
    }
    return sum;
  }
}
