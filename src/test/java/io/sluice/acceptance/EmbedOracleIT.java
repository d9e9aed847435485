package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The vectors that embeddings are compared with are what ONNX Runtime says today. Skipped where
 * Python or its modules are not installed.
 */
class EmbedOracleIT {
  private static final Path FOLDER =
      Path.of("..", "..", "shared", "src", "test", "resources", "embed");

  @TempDir Path folder;

  @Test
  void goldenVectorsAreThoseOfTheOracle() throws IOException {
    Python python = Python.with(folder, "numpy", "onnxruntime", "tokenizers");
    JsonNode fresh =
        Api.parse(
            python.file(
                FOLDER.resolve("oracle.py"),
                FOLDER.resolve("sentences.json"),
                List.of(Application.realModel().toString())));
    JsonNode golden = Api.parse(Files.readString(FOLDER.resolve("all-MiniLM-L6-v2.json")));
    assertThat(fresh).hasSameSizeAs(golden).hasSizeGreaterThanOrEqualTo(50);
    for (int i = 0; i < golden.size(); i++) {
      String text = golden.get(i).get("text").textValue();
      assertThat(fresh.get(i).get("ids")).as(text).isEqualTo(golden.get(i).get("ids"));
      float[] expected = floats(golden.get(i));
      float[] actual = floats(fresh.get(i));
      for (int j = 0; j < expected.length; j++) {
        assertThat(Math.abs(actual[j] - expected[j])).as(text).isLessThan(1e-5f);
      }
    }
  }

  private static float[] floats(JsonNode answer) {
    byte[] bytes = Base64.getDecoder().decode(answer.get("vector").textValue());
    float[] vector = new float[bytes.length / 4];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(vector);
    return vector;
  }
}
