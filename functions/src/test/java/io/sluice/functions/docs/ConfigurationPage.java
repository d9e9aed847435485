package io.sluice.functions.docs;

import com.sun.source.tree.AnnotationTree;
import com.sun.source.tree.AssignmentTree;
import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.ExpressionTree;
import com.sun.source.tree.LiteralTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.Tree;
import com.sun.source.tree.VariableTree;
import com.sun.source.util.DocTrees;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreePath;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * Writes the tables of the configuration page from the interfaces that declare the settings: their
 * names, types, defaults and comments. It needs the JDK only, so it runs straight from its source;
 * see {@link #COMMAND}.
 */
final class ConfigurationPage {
  /** Brings the page up to date, in the root of the repository. */
  static final String COMMAND =
      "java functions/src/test/java/io/sluice/functions/docs/ConfigurationPage.java";

  private static final String PAGE = "docs/configuration.md";
  private static final String BEGIN = "<!-- generated: begin -->\n";
  private static final String END = "<!-- generated: end -->\n";

  private static final List<String> SOURCES =
      List.of(
          "functions/src/main/java/io/sluice/functions/config/SluiceConfig.java",
          "infra/dev-services/runtime/src/main/java/io/sluice/devservices/"
              + "SluiceDevServicesConfig.java");

  private static final Map<String, String> TYPES =
      Map.of(
          "boolean", "`true` or `false`",
          "int", "number",
          "Integer", "number",
          "String", "text",
          "Path", "path",
          "URI", "URL",
          "Duration", "duration",
          "MemorySize", "bytes");

  private final CompilationUnitTree unit;
  private final DocTrees docs;
  private final Map<String, ClassTree> types = new TreeMap<>();
  private final StringBuilder out = new StringBuilder();

  private ConfigurationPage(CompilationUnitTree unit, DocTrees docs) {
    this.unit = unit;
    this.docs = docs;
  }

  /** Writes the page. */
  public static void main(String[] args) throws IOException {
    Path root = Path.of("");
    Files.writeString(root.resolve(PAGE), upToDate(root));
  }

  /** The page as it lies there. */
  static String actual(Path root) throws IOException {
    return Files.readString(root.resolve(PAGE));
  }

  /** The page with tables that say what the code says. */
  static String upToDate(Path root) throws IOException {
    String page = actual(root);
    int begin = page.indexOf(BEGIN);
    int end = page.indexOf(END);
    if (begin < 0 || end < begin) {
      throw new IllegalStateException(PAGE + " has no " + BEGIN.strip() + " and " + END.strip());
    }
    StringBuilder tables = new StringBuilder();
    for (String source : SOURCES) {
      tables.append(tables(root.resolve(source)));
    }
    return page.substring(0, begin + BEGIN.length()) + tables + page.substring(end);
  }

  private static String tables(Path source) throws IOException {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    try (StandardJavaFileManager files =
        compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
      JavacTask task =
          (JavacTask)
              compiler.getTask(
                  null, files, null, List.of("-proc:none"), null, files.getJavaFileObjects(source));
      CompilationUnitTree unit = task.parse().iterator().next();
      ConfigurationPage page = new ConfigurationPage(unit, DocTrees.instance(task));
      page.write((ClassTree) unit.getTypeDecls().get(0));
      return page.out.toString();
    }
  }

  private void write(ClassTree root) {
    for (Tree member : root.getMembers()) {
      if (member instanceof ClassTree type) {
        types.put(type.getSimpleName().toString(), type);
      }
    }
    String prefix =
        value(root.getModifiers().getAnnotations(), "ConfigMapping", "prefix").orElseThrow();
    section(prefix, comment(root).replaceFirst("(?<=\\.) .*", ""), methods(root));
  }

  /** The settings of a group, then the groups in it. */
  private void section(String prefix, String comment, List<MethodTree> methods) {
    List<MethodTree> settings = methods.stream().filter(m -> group(m).isEmpty()).toList();
    out.append("\n### `").append(prefix).append("`\n\n").append(comment).append("\n\n");
    if (!settings.isEmpty()) {
      out.append("| Setting | Type | Default | Meaning |\n|---|---|---|---|\n");
      settings.forEach(setting -> row(prefix, setting));
    }
    for (MethodTree method : methods) {
      group(method)
          .ifPresent(type -> section(prefix + "." + name(method), comment(method), methods(type)));
    }
  }

  private void row(String prefix, MethodTree setting) {
    String type = setting.getReturnType().toString();
    boolean optional = type.startsWith("Optional<");
    String inner = optional ? type.substring("Optional<".length(), type.length() - 1) : type;
    Optional<String> byDefault =
        value(setting.getModifiers().getAnnotations(), "WithDefault", "value");
    String fallback =
        byDefault.map(text -> "`" + text + "`").orElse(optional ? "none" : "**required**");
    out.append("| `").append(prefix).append('.').append(name(setting));
    out.append("` | ").append(type(inner));
    out.append(" | ").append(fallback);
    out.append(" | ").append(comment(setting).replace("|", "\\|")).append(" |\n");
  }

  private String type(String type) {
    if (type.startsWith("List<") || type.startsWith("Set<")) {
      String element = type.substring(type.indexOf('<') + 1, type.length() - 1);
      return type(element) + (types.containsKey(element) ? "" : "s") + ", comma-separated";
    }
    ClassTree declared = types.get(type);
    if (declared != null && declared.getKind() == Tree.Kind.ENUM) {
      return declared.getMembers().stream()
          .filter(VariableTree.class::isInstance)
          .map(v -> ((VariableTree) v).getName().toString().toLowerCase(Locale.ROOT))
          .map(constant -> "`" + constant.replace('_', '-') + "`")
          .collect(Collectors.joining(" or "));
    }
    String words = TYPES.get(type);
    if (words == null) {
      throw new IllegalStateException("the configuration page has no words for the type " + type);
    }
    return words;
  }

  private Optional<ClassTree> group(MethodTree method) {
    return Optional.ofNullable(types.get(method.getReturnType().toString()))
        .filter(type -> type.getKind() == Tree.Kind.INTERFACE);
  }

  private static List<MethodTree> methods(ClassTree type) {
    List<MethodTree> methods = new ArrayList<>();
    for (Tree member : type.getMembers()) {
      if (member instanceof MethodTree method && method.getBody() == null) {
        methods.add(method);
      }
    }
    return methods;
  }

  /** The name as SmallRye Config derives it: {@code waitLimit} is {@code wait-limit}. */
  private static String name(MethodTree method) {
    return value(method.getModifiers().getAnnotations(), "WithName", "value")
        .orElseGet(
            () ->
                method
                    .getName()
                    .toString()
                    .replaceAll("([a-z0-9])([A-Z])", "$1-$2")
                    .toLowerCase(Locale.ROOT));
  }

  /** The comment in one line, with code in backquotes. */
  private String comment(Tree tree) {
    String text = docs.getDocComment(TreePath.getPath(unit, tree));
    if (text == null) {
      throw new IllegalStateException("no comment on " + tree);
    }
    String first = text.strip().split("\n\\s*<p>")[0];
    return first.replaceAll("\\s+", " ").replaceAll("\\{@(?:code|link) ([^}]*)}", "`$1`").strip();
  }

  private static Optional<String> value(
      List<? extends AnnotationTree> annotations, String name, String field) {
    for (AnnotationTree annotation : annotations) {
      if (annotation.getAnnotationType().toString().equals(name)) {
        for (ExpressionTree argument : annotation.getArguments()) {
          if (argument instanceof LiteralTree literal && field.equals("value")) {
            return Optional.of((String) literal.getValue());
          }
          if (argument instanceof AssignmentTree assignment
              && assignment.getVariable().toString().equals(field)) {
            return Optional.of((String) ((LiteralTree) assignment.getExpression()).getValue());
          }
        }
      }
    }
    return Optional.empty();
  }
}
