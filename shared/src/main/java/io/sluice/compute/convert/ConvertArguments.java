package io.sluice.compute.convert;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.compute.ComputeException;
import io.sluice.compute.kernel.FloatReader;
import io.sluice.compute.publish.ModelPublisher;
import io.sluice.json.JsonObject;
import io.sluice.model.DType;
import io.sluice.model.Digest;
import io.sluice.model.ModelRef;
import io.sluice.model.TensorInfo;
import java.util.List;
import java.util.Optional;

/**
 * The arguments of {@code convert}.
 *
 * @param to F32, F16, BF16, I8, Q8_0 or Q4_0
 * @param output name and tag of what is published
 * @param saturate whether what is too large becomes the largest number instead of an infinity
 * @param expected if present, the version that the tag of {@code output} must have before it moves
 */
record ConvertArguments(DType to, ModelRef output, boolean saturate, Optional<Digest> expected) {
  /** Ending of the tensor with the scales of an I8 tensor. */
  static final String SCALE = ".scale";

  private static final List<DType> TARGETS =
      List.of(DType.F32, DType.F16, DType.BF16, DType.I8, DType.Q8_0, DType.Q4_0);

  static ConvertArguments read(JsonNode args) {
    JsonObject json = new JsonObject("arguments of 'convert'", args);
    String to = json.text("to");
    ModelRef output = ModelRef.parse(json.text("output"));
    String overflow = json.optionalText("overflow").orElse("infinity");
    Optional<Digest> expected = json.optionalText("expect").map(Digest::parse);
    json.end();
    DType target =
        DType.byName(to)
            .filter(TARGETS::contains)
            .orElseThrow(() -> invalid("'to' is one of " + TARGETS + ", got '" + to + "'"));
    if (!overflow.equals("infinity") && !overflow.equals("saturate")) {
      throw invalid("'overflow' is 'infinity' or 'saturate', got '" + overflow + "'");
    }
    ModelPublisher.requireTarget(output);
    return new ConvertArguments(target, output, overflow.equals("saturate"), expected);
  }

  private static ComputeException invalid(String message) {
    return ComputeException.invalidArguments("arguments of 'convert': " + message);
  }

  /** Whether elements are made integers with a scale. */
  boolean quantizes() {
    return !FloatReader.supports(to);
  }

  /** Why a tensor is not converted; empty if it is. */
  Optional<String> refusal(TensorInfo tensor) {
    if (!FloatReader.supports(tensor.dtype())) {
      return Optional.of("'convert' reads F32, F16 and BF16, not " + tensor.dtype());
    }
    if (tensor.dtype() == to) {
      return Optional.of("it is " + to + " already");
    }
    if (tensor.bytes() == 0) {
      return Optional.of("it has no elements");
    }
    if (quantizes() && tensor.shape().size() < 2) {
      return Optional.of(
          "only matrices are quantized, it has " + tensor.shape().size() + " dimensions");
    }
    long inner = tensor.shape().isEmpty() ? 1 : tensor.shape().getLast();
    if (inner % to.blockElements() != 0) {
      return Optional.of(
          "the last dimension is a multiple of "
              + to.blockElements()
              + " for "
              + to
              + ", it has "
              + inner);
    }
    return Optional.empty();
  }

  /** The tensors that a tensor becomes: of the same shape, for I8 also its scales, one a row. */
  List<TensorInfo> results(TensorInfo tensor) {
    TensorInfo same = new TensorInfo(tensor.name(), to, tensor.shape());
    return to == DType.I8
        ? List.of(same, new TensorInfo(tensor.name() + SCALE, DType.F32, List.of(tensor.rows())))
        : List.of(same);
  }
}
