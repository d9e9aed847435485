package io.sluice.functions.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.functions.problem.Problem;
import io.sluice.model.ErrorKind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine.Command;

/** What the pages say that can be compared with something. */
class PagesTest {
  private static final Markdown README = Markdown.of(Repository.read("README.md"));
  private static final Pattern CODE = Pattern.compile("`([^`]+)`");

  static List<String> pages() {
    return Repository.pages();
  }

  @ParameterizedTest
  @MethodSource("pages")
  void everyLinkLeadsSomewhere(String page) {
    List<String> broken = new ArrayList<>();
    for (String link : Markdown.of(Repository.read(page)).links()) {
      if (!link.startsWith("https://") && !leads(page, link)) {
        broken.add(link);
      }
    }
    assertThat(broken).as("links of %s that lead nowhere", page).isEmpty();
  }

  private static boolean leads(String page, String link) {
    int hash = link.indexOf('#');
    String path = hash < 0 ? link : link.substring(0, hash);
    Path target =
        path.isEmpty()
            ? Repository.ROOT.resolve(page)
            : Repository.ROOT.resolve(page).resolveSibling(path).normalize();
    if (!target.startsWith(Repository.ROOT) || !Files.exists(target)) {
      return false;
    }
    return hash < 0
        || Markdown.of(Repository.read(Repository.ROOT.relativize(target).toString()))
            .anchors()
            .contains(link.substring(hash + 1));
  }

  /** A block that begins by {@code ```java FILE} is a part of that file, word by word. */
  @ParameterizedTest
  @MethodSource("pages")
  void everyPieceOfJavaIsQuotedFromSource(String page) {
    for (Markdown.Block block : Markdown.of(Repository.read(page)).blocks()) {
      if (block.info().startsWith("java")) {
        String file = block.info().substring("java".length()).strip();
        assertThat(file).as("a block of Java in %s names its source", page).endsWith(".java");
        assertThat(stripped(Repository.read(file).lines()))
            .as("%s quotes %s", page, file)
            .contains(stripped(block.lines().stream()));
      }
    }
  }

  private static String stripped(Stream<String> lines) {
    return lines.map(String::strip).collect(Collectors.joining("\n"));
  }

  @Test
  void theErrorTableIsThatOfTheCode() {
    Set<String> expected = new TreeSet<>();
    for (ErrorKind kind : ErrorKind.values()) {
      expected.add(
          kind.name().toLowerCase(Locale.ROOT)
              + " "
              + Problem.status(kind)
              + " "
              + Problem.exitCode(kind));
    }
    Set<String> documented = new TreeSet<>();
    for (List<String> row : README.table("Kind")) {
      documented.add(code(row.get(0)) + " " + row.get(1) + " " + row.get(2));
    }
    assertThat(documented).isEqualTo(expected);
  }

  @Test
  void theRoutesAreThoseOfTheDescription() {
    Set<String> described = new TreeSet<>();
    String path = "";
    for (String line :
        Repository.read("functions/src/main/resources/openapi/sluice.yaml").lines().toList()) {
      if (line.startsWith("  /")) {
        path = line.strip().replace(":", "");
      } else if (line.matches(" {4}(get|post|put|delete):")) {
        described.add(line.strip().replace(":", "").toUpperCase(Locale.ROOT) + " " + path);
      }
    }
    Set<String> documented =
        README.table("Route").stream()
            .flatMap(row -> codes(row.getFirst()).stream())
            .filter(route -> !route.startsWith("/q/") && !route.equals("GET /openapi"))
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(documented).isEqualTo(described);
  }

  @Test
  void everyPlaceOfTheFileMapExists() {
    for (List<String> row : README.table("Place")) {
      for (String place : codes(row.getFirst())) {
        assertThat(Repository.ROOT.resolve(place)).exists();
      }
    }
  }

  @Test
  void theCommandsAreThoseOfTheProgram() throws ClassNotFoundException {
    Command program = Class.forName("io.sluice.functions.cli.Sluice").getAnnotation(Command.class);
    Set<String> expected = new TreeSet<>();
    for (Class<?> command : program.subcommands()) {
      expected.add(command.getAnnotation(Command.class).name());
    }
    Set<String> documented = new TreeSet<>();
    for (List<String> row : README.table("Command")) {
      codes(row.getFirst()).forEach(words -> documented.add(words.split(" ")[0]));
    }
    assertThat(documented).isEqualTo(expected);
  }

  private static String code(String cell) {
    return codes(cell).getFirst();
  }

  private static List<String> codes(String cell) {
    List<String> codes = CODE.matcher(cell).results().map(code -> code.group(1)).toList();
    assertThat(codes).as("code in '%s'", cell).isNotEmpty();
    return codes;
  }
}
