package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.acceptance.Cli.Run;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Everything on one machine by one command: {@code demo} and {@code up}. */
class LocalIT {
  @TempDir Path folder;

  private Path temporary;
  private Cli cli;

  /** Every process that was seen below a command. */
  private final Set<ProcessHandle> seen = ConcurrentHashMap.newKeySet();

  @BeforeEach
  void ownTemporaryFolder() throws IOException {
    temporary = Files.createDirectory(folder.resolve("tmp"));
    Map<String, String> environment = new HashMap<>();
    environment.put("TMPDIR", temporary.toString());
    environment.put("JAVA_TOOL_OPTIONS", "-Djava.io.tmpdir=" + temporary);
    cli = new Cli(environment);
  }

  private Run end(String name, Process process) {
    Await.untilTrue(
        name + " to end",
        () -> {
          process.descendants().forEach(seen::add);
          return !process.isAlive();
        });
    return cli.end(name, process, name);
  }

  private void assertNothingIsLeft() {
    assertThat(seen).isNotEmpty();
    Await.untilTrue(
        "the processes " + seen + " to end", () -> seen.stream().noneMatch(ProcessHandle::isAlive));
    Await.untilTrue("the temporary files to go: " + temporary, () -> list(temporary).isEmpty());
  }

  private static List<String> list(Path directory) {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(Path::toString).toList();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void demoRunsTheMainJobAndLeavesNothingBehind() {
    Run run = end("demo", cli.start("demo", "demo", "--json"));
    JsonNode demo = run.json();
    assertThat(demo.get("identical").booleanValue()).isTrue();
    assertThat(demo.get("S").longValue()).isPositive().isEqualTo(demo.get("L").longValue());
    assertThat(demo.get("P").intValue()).isEqualTo(4);
    assertThat(demo.get("shards")).hasSize(demo.get("N").intValue());
    long sum = 0;
    for (JsonNode shard : demo.get("shards")) {
      sum += shard.get("bytes").longValue();
      assertThat(shard.get("worker").textValue()).isNotBlank();
    }
    assertThat(sum).isEqualTo(demo.get("L").longValue());
    assertThat(demo.get("files"))
        .allSatisfy(f -> assertThat(f.get("pulledSha256")).isEqualTo(f.get("sha256")));
    assertNothingIsLeft();
  }

  @Test
  void interruptedDemoCleansUp() throws IOException {
    Assumptions.assumeFalse(interruptIsIgnored(), "skipped: SIGINT is ignored by who runs this");
    Process process = cli.start("demo", "demo");
    Await.untilTrue(
        "the stack and workers of the demo",
        () -> {
          process.descendants().forEach(seen::add);
          return seen.size() >= 4 || !process.isAlive();
        });
    Application.start(new ProcessBuilder("kill", "-INT", Long.toString(process.pid())));
    Run run = end("demo", process);
    assertThat(run.exit()).as(run.toString()).isEqualTo(130);
    assertNothingIsLeft();
  }

  @Test
  void upStaysAndKeepsItsData() {
    Path data = folder.resolve("data");
    Process up =
        cli.start(
            "up",
            "up",
            "--workers",
            "2",
            "--memory",
            "64MiB",
            "--port",
            "0",
            "--data",
            data.toString());
    try {
      Await.untilTrue(
          "sluice up to be found",
          () -> {
            up.descendants().forEach(seen::add);
            assertThat(up.isAlive()).as(() -> cli.end("up", up, "up").toString()).isTrue();
            return cli.run("--local", "ls", "--json").exit() == 0 && seen.size() >= 3;
          });
      Path source = folder.resolve("m.safetensors");
      write(source, SafetensorsFile.write(Models.transformer(141, 2, 64)));
      JsonNode upload =
          cli.run("--local", "upload", source.toString(), "local/m", "--shards", "6", "--json")
              .json();
      JsonNode load = cli.run("--local", "load", "local/m", "--json").json();
      assertThat(load.get("L")).isEqualTo(upload.get("S"));
      assertThat(load.get("P").intValue()).isEqualTo(2);
    } finally {
      up.destroy();
    }
    end("up", up);
    assertNothingIsLeft();
  }

  private static void write(Path file, byte[] bytes) {
    try {
      Files.write(file, bytes);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** A process inherits what its parent ignores; background jobs of some shells ignore SIGINT. */
  private static boolean interruptIsIgnored() throws IOException {
    Path status = Path.of("/proc/self/status");
    if (!Files.exists(status)) {
      return false;
    }
    for (String line : Files.readAllLines(status)) {
      if (line.startsWith("SigIgn:")) {
        return new BigInteger(line.substring(7).strip(), 16).testBit(1);
      }
    }
    return false;
  }
}
