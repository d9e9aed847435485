package io.sluice.compute;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.FloatNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.sluice.compute.AbsMaxExampleTest.AbsMax;
import io.sluice.model.DType;
import io.sluice.model.TensorInfo;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The example of docs/extending.md: an operation and its test, complete. */
class AbsMaxExampleTest extends OperationKit<AbsMax.None, Float> {
  /** Largest finite magnitude of each F32 tensor, which symmetric quantization scales by. */
  static final class AbsMax implements Operation<AbsMax.None, Float> {
    record None() {}

    private static final ValueLayout.OfFloat FLOATS =
        JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    @Override
    public String name() {
      return "absmax";
    }

    @Override
    public None parse(JsonNode args) {
      if (!args.isEmpty()) {
        throw ComputeException.invalidArguments("'absmax' takes no arguments, got " + args);
      }
      return new None();
    }

    @Override
    public Optional<String> refusal(None args, TensorInfo tensor) {
      return tensor.dtype() == DType.F32
          ? Optional.empty()
          : Optional.of("'absmax' reads F32, not " + tensor.dtype());
    }

    @Override
    public Float map(None args, TensorBlock block) {
      float[] chunk = new float[4096]; // elements one by one from off-heap are slow in native
      float max = 0;
      for (long at = 0; at < block.elements(); at += chunk.length) {
        int count = (int) Math.min(chunk.length, block.elements() - at);
        MemorySegment.copy(block.data(), FLOATS, 4 * at, chunk, 0, count);
        for (int i = 0; i < count; i++) {
          float magnitude = Math.abs(chunk[i]);
          max = magnitude <= Float.MAX_VALUE ? Math.max(max, magnitude) : max;
        }
      }
      return max;
    }

    @Override
    public Float merge(Float left, Float right) {
      return Math.max(left, right);
    }

    @Override
    public JsonNode write(Float partial) {
      return JsonNodeFactory.instance.objectNode().put("absmax", partial);
    }

    @Override
    public Float read(JsonNode partial) {
      JsonNode value = partial.path("absmax");
      if (partial.size() != 1 || !value.isNumber()) {
        throw ComputeException.invalidPartial("no partial result of 'absmax': " + partial);
      }
      return value.floatValue();
    }

    @Override
    public JsonNode finish(None args, TensorInfo tensor, Float whole) {
      return FloatNode.valueOf(whole);
    }

    @Override
    public JsonNode reduce(None args, Map<String, JsonNode> byTensor) {
      return JsonNodeFactory.instance.objectNode().setAll(byTensor);
    }
  }

  @Override
  protected Operation<AbsMax.None, Float> operation() {
    return new AbsMax();
  }

  @Override
  protected List<String> arguments() {
    return List.of("{}");
  }

  @Override
  protected JsonNode naive(AbsMax.None args, TensorInfo tensor, byte[] data) {
    ByteBuffer floats = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
    float max = 0;
    while (floats.hasRemaining()) {
      float value = floats.getFloat();
      if (Float.isFinite(value) && Math.abs(value) > max) {
        max = Math.abs(value);
      }
    }
    return FloatNode.valueOf(max);
  }
}
