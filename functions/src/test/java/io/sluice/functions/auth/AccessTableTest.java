package io.sluice.functions.auth;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import io.quarkus.funqy.Funq;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The table has what there is, and nothing else. */
class AccessTableTest {
  @Test
  void hasEveryRouteOfTheDescriptionAndNoOther() throws IOException {
    Set<String> described = new TreeSet<>(Set.of("GET /openapi", "GET /models/{org}/{name}"));
    JsonNode paths;
    try (InputStream yaml = getClass().getResourceAsStream("/openapi/sluice.yaml")) {
      paths = new YAMLMapper().readTree(yaml).get("paths");
    }
    paths
        .properties()
        .forEach(
            path ->
                path.getValue()
                    .properties()
                    .forEach(
                        operation -> {
                          String method = operation.getKey().toUpperCase(Locale.ROOT);
                          described.add(method + " " + path.getKey());
                          assertThat(operation.getValue().path("x-role").asText())
                              .as(method + " " + path.getKey())
                              .isEqualTo(role(method, path.getKey()));
                        }));
    Set<String> listed =
        AccessTable.routes().stream()
            .filter(route -> !route.path().startsWith("/q/"))
            .map(route -> route.method() + " " + route.path())
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(listed).isEqualTo(described);
  }

  private static String role(String method, String path) {
    return AccessTable.find(method, path)
        .flatMap(AccessTable.Route::role)
        .map(Role::text)
        .orElse("");
  }

  @Test
  void hasEveryFunctionAndNoOther() {
    Set<String> functions =
        new ClassFileImporter()
            .importPackages("io.sluice.functions.function").stream()
                .flatMap(type -> type.getMethods().stream())
                .filter(method -> method.isAnnotatedWith(Funq.class))
                .map(method -> "/" + method.getAnnotationOfType(Funq.class).value())
                .collect(Collectors.toCollection(TreeSet::new));
    assertThat(functions).contains("/upload", "/load", "/work");
    assertThat(AccessTable.functions()).containsExactlyInAnyOrderElementsOf(functions);
    for (String function : functions) {
      assertThat(AccessTable.find("POST", function))
          .as(function)
          .hasValueSatisfying(route -> assertThat(route.role()).isPresent());
    }
  }

  @Test
  void anInstanceThatIsOneFunctionHasThatAndWhatLooksOrCancels() {
    for (String function : AccessTable.functions()) {
      assertThat(AccessTable.routes())
          .filteredOn(route -> route.isOn(function.substring(1)))
          .filteredOn(route -> route.method().equals("POST"))
          .extracting(AccessTable.Route::path)
          .containsExactlyInAnyOrder(function, "/jobs/{id}/cancel");
    }
    assertThat(AccessTable.routes())
        .filteredOn(route -> route.method().equals("GET"))
        .allMatch(route -> route.isOn("load"));
  }

  @ParameterizedTest
  @CsvSource({
    "/load, true",
    "/load/, true",
    "/upload, false",
    "/release, false",
    "/events, false",
    "/activations, false",
    "/jobs/x/cancel, true",
    "/jobs/x/y/cancel, false",
    "/models/a/b, true",
    "/shards/x, true",
    "/q/health/live, true",
    "/nothing, false",
    "/, false"
  })
  void anInstanceThatIsTheFunctionLoadHas(String path, boolean there) {
    assertThat(AccessTable.isOn("load", path)).isEqualTo(there);
  }

  @Test
  void onlyHealthIsOpen() {
    assertThat(AccessTable.routes())
        .filteredOn(route -> route.role().isEmpty())
        .allMatch(route -> route.path().startsWith("/q/health"));
  }

  @ParameterizedTest
  @CsvSource({
    "GET, /models, READ",
    "HEAD, /models, READ",
    "GET, /models/, READ",
    "GET, /models/a/b, READ",
    "GET, /models/a/b/c, ",
    "GET, /models//b, ",
    "GET, //models, ",
    "POST, /models, ",
    "POST, /upload, WRITE",
    "GET, /upload, ",
    "POST, /UPLOAD, ",
    "POST, /remove, ADMIN",
    "GET, /shards/x, WORKER",
    "GET, /jobs/{id}, READ",
    "POST, /jobs/x/cancel, WRITE",
    "GET, /q/dev-ui, ",
    "GET, /q/health/../metrics, ",
    "GET, /, ",
    "GET, '', ",
    "OPTIONS, /upload, "
  })
  void findsWhatIsThere(String method, String path, Role role) {
    assertThat(AccessTable.find(method, path).flatMap(AccessTable.Route::role).orElse(null))
        .isEqualTo(role);
  }
}
