package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The vectors that embeddings are compared with are what ONNX Runtime says today. Skipped where
 * Python or its modules are not installed; {@code ACCEPTANCE_PYTHON} may name one.
 */
class EmbedOracleIT {
  private static final String PYTHON = System.getenv().getOrDefault("ACCEPTANCE_PYTHON", "python3");
  private static final Path FOLDER =
      Path.of("..", "..", "shared", "src", "test", "resources", "embed");

  @TempDir Path folder;

  @Test
  void goldenVectorsAreThoseOfTheOracle() throws IOException, InterruptedException {
    String missing;
    try {
      missing = run("-c", "import numpy, onnxruntime, tokenizers");
    } catch (IOException e) {
      missing = e.getMessage();
    }
    Assumptions.assumeTrue(
        missing.isEmpty(),
        "skipped: '" + PYTHON + "' has no onnxruntime and tokenizers: " + missing.strip());
    String script = FOLDER.resolve("oracle.py").toString();
    assertThat(run(script, Application.realModel().toString())).isEmpty();
    JsonNode fresh = Api.parse(Files.readString(folder.resolve("out"), StandardCharsets.UTF_8));
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

  /** Runs Python with the texts as input; returns what it complains of. */
  private String run(String... arguments) throws IOException, InterruptedException {
    String[] command = new String[arguments.length + 1];
    command[0] = PYTHON;
    System.arraycopy(arguments, 0, command, 1, arguments.length);
    Path errors = folder.resolve("errors");
    Process process =
        new ProcessBuilder(command)
            .redirectInput(FOLDER.resolve("sentences.json").toFile())
            .redirectOutput(folder.resolve("out").toFile())
            .redirectError(errors.toFile())
            .start();
    return process.waitFor() == 0 ? "" : "failed: " + Files.readString(errors);
  }
}
