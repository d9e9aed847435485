package io.sluice.functions.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.functions.docs.Repository;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The container files, read as text: what Docker would need to find out is not found out here. */
class ImagesTest {
  private static final Pattern PINNED =
      Pattern.compile(
          "[a-z0-9./-]+(:(?!latest)[A-Za-z0-9._-]*[0-9][A-Za-z0-9._-]*|@sha256:\\w{64})");

  private record Instruction(String name, String rest) {}

  private static List<Instruction> instructions(String file) {
    List<Instruction> instructions = new ArrayList<>();
    String text = Repository.read(file).replaceAll("(?m)^\\s*#.*\\n", "").replace("\\\n", " ");
    for (String line : text.lines().filter(l -> !l.isBlank()).toList()) {
      String[] words = line.strip().split("\\s+", 2);
      instructions.add(new Instruction(words[0], words[1]));
    }
    return instructions;
  }

  private static List<String> all(List<Instruction> instructions, String name) {
    return instructions.stream().filter(i -> i.name().equals(name)).map(Instruction::rest).toList();
  }

  @ParameterizedTest
  @ValueSource(strings = {"infra/images/Dockerfile.native", "infra/images/Dockerfile.jvm"})
  void anImageIsPinnedNotRootAndHoldsWhatTheBuildMade(String file) {
    List<Instruction> instructions = instructions(file);
    Map<String, String> arguments = new TreeMap<>();
    for (String argument : all(instructions, "ARG")) {
      String[] parts = argument.split("=", 2);
      arguments.put(parts[0], parts[1]);
    }
    assertThat(all(instructions, "FROM")).containsExactly("${BASE}");
    assertThat(arguments.get("BASE")).matches(PINNED);
    assertThat(all(instructions, "USER")).containsExactly("1001:1001");
    assertThat(instructions.indexOf(new Instruction("USER", "1001:1001")))
        .as("nothing is run or copied after it")
        .isGreaterThan(instructions.lastIndexOf(last(instructions)));
    assertThat(all(instructions, "EXPOSE")).containsExactly("8080");
    assertThat(all(instructions, "CMD")).containsExactly("[\"serve\"]");
    assertThat(all(instructions, "ENTRYPOINT")).hasSize(1).allMatch(e -> e.startsWith("[\"/app/"));
    assertThat(all(instructions, "LABEL").getFirst())
        .contains("org.opencontainers.image.title=", "org.opencontainers.image.licenses=");
    assertThat(all(instructions, "ENV").getFirst()).contains("QUARKUS_HTTP_HOST=0.0.0.0");
    assertThat(all(instructions, "ADD")).isEmpty();
    assertThat(all(instructions, "HEALTHCHECK")).as("probes are the platform's").isEmpty();
    assertThat(Repository.read(file)).doesNotContainPattern("(?i)https?://|curl |wget ");
    for (String copy : all(instructions, "COPY")) {
      List<String> words = Stream.of(copy.split("\\s+")).filter(w -> !w.startsWith("--")).toList();
      for (String source : words.subList(0, words.size() - 1)) {
        assertThat(let(source)).as("%s is let through by .dockerignore", source).isTrue();
        if (source.startsWith("infra/")) {
          assertThat(Files.isExecutable(Repository.ROOT.resolve(source))).as(source).isTrue();
        }
      }
    }
  }

  private static Instruction last(List<Instruction> instructions) {
    return instructions.stream()
        .filter(i -> i.name().equals("RUN") || i.name().equals("COPY"))
        .reduce((first, second) -> second)
        .orElseThrow();
  }

  @Test
  void nothingElseGetsIntoAnImage() {
    assertThat(Repository.read(".dockerignore").lines().filter(l -> !l.startsWith("#")).findFirst())
        .contains("*");
    for (String path : List.of(".git/config", "functions/pom.xml", "target/x", "infra/knative/x")) {
      assertThat(let(path)).as(path).isFalse();
    }
  }

  private static boolean let(String path) {
    return Repository.read(".dockerignore")
        .lines()
        .filter(line -> line.startsWith("!"))
        .map(line -> line.substring(1))
        .anyMatch(
            rule ->
                path.equals(rule)
                    || path.startsWith(rule + "/")
                    || FileSystems.getDefault()
                        .getPathMatcher("glob:" + rule)
                        .matches(Path.of(path)));
  }

  /** Those that docs/native.md explains. */
  @Test
  void theNativeProfileHasTheOptionsThatTheCodeNeeds() {
    String pom = Repository.read("functions/pom.xml");
    Matcher arguments =
        Pattern.compile("<quarkus.native.additional-build-args>([^<]*)<").matcher(pom);
    assertThat(arguments.find()).isTrue();
    assertThat(arguments.group(1).split(","))
        .containsExactly(
            "--add-modules=jdk.incubator.vector",
            "-H:+UnlockExperimentalVMOptions",
            "-H:+VectorAPISupport",
            "--enable-native-access=ALL-UNNAMED");
    Matcher builder = Pattern.compile("<quarkus.native.builder-image>([^<]*)<").matcher(pom);
    assertThat(builder.find()).isTrue();
    assertThat(builder.group(1)).matches(PINNED);
    assertThat(pom)
        .contains("<quarkus.native.march>x86-64-v3<", "<quarkus.native.march>armv8.1-a<");
  }
}
