package io.sluice.measure;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;

/**
 * The child's side of a measurement. The parent writes lines: first the work as JSON, then {@code
 * round} as often as it likes. The child answers each by a line of JSON: {@code {"ready":true}},
 * then a {@link Round}, or {@code {"error":…}} and its end. It ends with its standard input.
 */
public final class SubjectProcess {
  /** The word that asks for a round. */
  public static final String ROUND = "round";

  private static final ObjectMapper JSON = new ObjectMapper();

  private SubjectProcess() {}

  /** Makes a subject of the work that it is given. */
  @FunctionalInterface
  public interface Factory {
    Subject create(JsonNode work) throws Exception;
  }

  /** Serves until the input ends; the exit code. */
  public static int serve(InputStream in, PrintWriter out, Factory factory) throws IOException {
    BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
    String work = lines.readLine();
    if (work == null) {
      return 0;
    }
    try (Subject subject = factory.create(JSON.readTree(work))) {
      say(out, JsonNodeFactory.instance.objectNode().put("ready", true));
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.equals(ROUND)) {
          say(out, subject.round().toJson());
        }
      }
      return 0;
    } catch (Exception e) {
      // Whatever it is, the parent is told and ends the comparison with it.
      say(out, JsonNodeFactory.instance.objectNode().put("error", chain(e)));
      return 1;
    }
  }

  private static String chain(Throwable error) {
    StringBuilder text = new StringBuilder(error.toString());
    for (Throwable cause = error.getCause(); cause != null; cause = cause.getCause()) {
      text.append(": ").append(cause);
    }
    return text.toString();
  }

  private static void say(PrintWriter out, JsonNode json) {
    out.println(json);
    out.flush();
  }
}
