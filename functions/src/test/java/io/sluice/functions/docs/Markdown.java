package io.sluice.functions.docs;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A page, as far as the tests look at it.
 *
 * @param prose the lines outside of code blocks
 * @param blocks the code blocks
 */
record Markdown(List<String> prose, List<Block> blocks) {
  private static final Pattern LINK = Pattern.compile("!?\\[[^]]*]\\(([^)\\s]+)\\)");
  private static final Pattern HTML_LINK = Pattern.compile("(?:href|src|srcset)=\"([^\"]+)\"");
  private static final Pattern HEADING = Pattern.compile("#{1,6} +(.*)");

  /**
   * A code block.
   *
   * @param info what stands behind the opening fence
   * @param lines its lines
   */
  record Block(String info, List<String> lines) {}

  static Markdown of(String text) {
    List<String> prose = new ArrayList<>();
    List<Block> blocks = new ArrayList<>();
    List<String> block = null;
    for (String line : text.lines().toList()) {
      if (line.startsWith("```")) {
        if (block == null) {
          block = new ArrayList<>();
          blocks.add(new Block(line.substring(3).strip(), block));
        } else {
          block = null;
        }
      } else {
        (block == null ? prose : block).add(line);
      }
    }
    if (block != null) {
      throw new IllegalArgumentException("a code block has no end");
    }
    return new Markdown(prose, blocks);
  }

  /** Targets of links and images. */
  List<String> links() {
    return prose.stream()
        .map(line -> line.replaceAll("`[^`]*`", "`"))
        .flatMap(line -> Stream.of(LINK, HTML_LINK).flatMap(p -> p.matcher(line).results()))
        .map(found -> found.group(1))
        .toList();
  }

  /** The anchors of the headings, as GitHub makes them. */
  List<String> anchors() {
    Map<String, Integer> seen = new HashMap<>();
    List<String> anchors = new ArrayList<>();
    for (String line : prose) {
      Matcher heading = HEADING.matcher(line);
      if (heading.matches()) {
        String plain = heading.group(1).replaceAll("\\[([^]]*)]\\([^)]*\\)", "$1");
        String anchor =
            plain
                .toLowerCase(Locale.ROOT)
                .replaceAll("[^\\p{L}\\p{N} _-]", "")
                .strip()
                .replace(' ', '-');
        int count = seen.merge(anchor, 1, Integer::sum);
        anchors.add(count == 1 ? anchor : anchor + "-" + (count - 1));
      }
    }
    return anchors;
  }

  /** The rows below the table heading that begins with {@code | first}, cell by cell. */
  List<List<String>> table(String first) {
    int at = 0;
    while (at < prose.size() && !prose.get(at).startsWith("| " + first)) {
      at++;
    }
    List<List<String>> rows = new ArrayList<>();
    for (at += 2; at < prose.size() && prose.get(at).startsWith("|"); at++) {
      String line = prose.get(at);
      String[] cells = line.substring(1, line.length() - 1).split("(?<!\\\\)\\|");
      rows.add(Arrays.stream(cells).map(String::strip).toList());
    }
    if (rows.isEmpty()) {
      throw new IllegalArgumentException("no table begins with '| " + first + "'");
    }
    return rows;
  }
}
