package io.sluice.acceptance.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code infra/knative} says is known to Kubernetes and Knative, and its parts agree. */
class KubernetesIT {
  private static final Path ROOT = root();
  private static final Path BASE = ROOT.resolve("infra/knative/base");
  private static final Path EXAMPLE = ROOT.resolve("infra/knative/overlays/example");
  private static final Pattern MEMORY = Pattern.compile("([0-9]+)([KMG])i?");

  /** The folder above this one that has all of it. */
  private static Path root() {
    Path at = Path.of("").toAbsolutePath();
    while (!Files.isRegularFile(at.resolve("mvnw"))) {
      at = at.getParent();
    }
    return at;
  }

  @TestFactory
  Stream<DynamicTest> everyResourceIsAsItsSchemaHasIt() {
    return Stream.of(BASE, EXAMPLE)
        .flatMap(
            folder ->
                Manifests.build(folder).stream()
                    .map(
                        resource ->
                            DynamicTest.dynamicTest(
                                folder.getFileName() + ": " + Manifests.id(resource),
                                () -> Manifests.validate(resource))));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{apiVersion: v1, kind: Services, metadata: {name: a}}",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, datas: {}}",
        "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: a}, spec: {replicas: 1}}",
        "{apiVersion: policy/v1, kind: PodDisruptionBudget, spec: {selectors: {}}}",
        "{apiVersion: eventing.knative.dev/v1, kind: Trigger, spec: {brokers: a}}",
        "{apiVersion: eventing.knative.dev/v1, kind: Trigger, spec: {filter: {attribute: {a: b}}}}",
        "{apiVersion: sources.knative.dev/v1, kind: SinkBinding, spec: {subjects: {}}}",
        "{apiVersion: serving.knative.dev/v1, kind: Service, spec: {template: {spec: {containers:"
            + " [{image: a, securityContext: {readOnlyRootFileSystem: true}}]}}}}",
      })
  void theChecksFindMistakes(String yaml) {
    assertThatThrownBy(() -> Manifests.validate(Manifests.parse(yaml)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void everyFileIsPartOfItsKustomization() throws IOException {
    for (Path folder : List.of(BASE, EXAMPLE)) {
      JsonNode kustomization = Manifests.read(folder.resolve("kustomization.yaml")).getFirst();
      Set<String> named = new TreeSet<>(List.of("kustomization.yaml"));
      kustomization.path("resources").forEach(file -> named.add(file.textValue()));
      kustomization.path("patches").forEach(patch -> named.add(patch.get("path").textValue()));
      named.removeIf(name -> Files.isDirectory(folder.resolve(name)));
      try (Stream<Path> files = Files.list(folder)) {
        assertThat(files.map(file -> file.getFileName().toString()).collect(Collectors.toSet()))
            .isEqualTo(named);
      }
      List<String> ids = Manifests.build(folder).stream().map(Manifests::id).toList();
      assertThat(ids).doesNotHaveDuplicates();
    }
  }

  @Test
  void whatIsReferredToIsThere() {
    for (Path folder : List.of(BASE, EXAMPLE)) {
      List<JsonNode> all = Manifests.build(folder);
      Set<String> ids = all.stream().map(Manifests::id).collect(Collectors.toSet());
      for (JsonNode resource : all) {
        switch (resource.get("kind").textValue()) {
          case "Trigger" -> {
            assertThat(ids)
                .contains("eventing.knative.dev/v1 Broker " + resource.at("/spec/broker").asText())
                .contains(reference(resource.at("/spec/subscriber/ref")));
            assertThat(resource.at("/spec/filter/attributes/type").asText())
                .isEqualTo("io.sluice.ModelUploaded");
            assertThat(openApi())
                .contains("  " + resource.at("/spec/subscriber/uri").asText() + ":");
          }
          case "SinkBinding" ->
              assertThat(ids)
                  .contains(reference(resource.at("/spec/subject")))
                  .contains(reference(resource.at("/spec/sink/ref")));
          default -> {}
        }
      }
      for (JsonNode pod : pods(all).values()) {
        assertThat(ids).contains("v1 ServiceAccount " + pod.get("serviceAccountName").asText());
        for (JsonNode from : container(pod).get("envFrom")) {
          if (from.has("configMapRef")) {
            assertThat(ids).contains("v1 ConfigMap " + from.at("/configMapRef/name").asText());
          } else {
            assertThat(from.at("/secretRef/name").asText()).isEqualTo("sluice-secrets");
          }
        }
      }
      assertThat(ids).as("secrets do not lie in git").noneMatch(id -> id.contains(" Secret "));
    }
  }

  @Test
  void selectorsFindThePodsTheyMean() {
    List<JsonNode> all = Manifests.build(EXAMPLE);
    Map<String, JsonNode> labels = new TreeMap<>();
    for (JsonNode resource : all) {
      if (resource.at("/spec/template/spec/containers").isArray()) {
        labels.put(
            resource.at("/spec/template/metadata/labels/app.kubernetes.io~1component").asText(),
            resource.at("/spec/template/metadata/labels"));
      }
    }
    assertThat(labels).containsOnlyKeys("front", "worker");
    JsonNode workers = resource(all, "StatefulSet", "sluice-workers");
    JsonNode service = resource(all, "Service", workers.at("/spec/serviceName").asText());
    assertThat(selected(service.at("/spec/selector"), labels)).containsExactly("worker");
    assertThat(selected(workers.at("/spec/selector/matchLabels"), labels))
        .containsExactly("worker");
    assertThat(
            selected(
                resource(all, "PodDisruptionBudget", "sluice-workers")
                    .at("/spec/selector/matchLabels"),
                labels))
        .containsExactly("worker");
    Map<String, Set<String>> policies = new TreeMap<>();
    all.stream()
        .filter(resource -> resource.get("kind").asText().equals("NetworkPolicy"))
        .forEach(
            policy ->
                policies.put(
                    policy.at("/metadata/name").asText(),
                    selected(policy.at("/spec/podSelector/matchLabels"), labels)));
    assertThat(policies)
        .isEqualTo(
            Map.of(
                "sluice-workers", Set.of("worker"),
                "sluice-front", Set.of("front"),
                "sluice-egress", Set.of("front", "worker"),
                "sluice-monitoring", Set.of("worker")));
  }

  @Test
  void workersAreReachedWhereTheySayTheyAre() {
    List<JsonNode> all = Manifests.build(BASE);
    JsonNode workers = resource(all, "StatefulSet", "sluice-workers");
    JsonNode service = resource(all, "Service", workers.at("/spec/serviceName").asText());
    JsonNode container = container(workers.at("/spec/template/spec"));
    JsonNode port = container.at("/ports/0");
    assertThat(service.at("/spec/clusterIP").asText()).as("headless").isEqualTo("None");
    assertThat(service.at("/spec/ports/0/targetPort")).isEqualTo(port.get("name"));
    assertThat(service.at("/spec/ports/0/port")).isEqualTo(port.get("containerPort"));
    Map<String, String> environment = environment(container);
    assertThat(environment.get("SLUICE_WORKER_ID")).isEqualTo("$(POD_NAME)");
    assertThat(environment.get("SLUICE_WORKER_ADDRESS"))
        .isEqualTo(
            "http://$(POD_NAME).%s.$(POD_NAMESPACE).svc:%s"
                .formatted(service.at("/metadata/name").asText(), port.get("containerPort")));
    List<String> order = new ArrayList<>(environment.keySet());
    assertThat(order.indexOf("SLUICE_WORKER_ADDRESS"))
        .as("variables are known only after they are set")
        .isGreaterThan(order.indexOf("POD_NAME"))
        .isGreaterThan(order.indexOf("POD_NAMESPACE"));
    JsonNode policy = resource(all, "NetworkPolicy", "sluice-workers");
    assertThat(policy.at("/spec/ingress/0/ports/0/port")).isEqualTo(port.get("containerPort"));
    for (JsonNode pod : pods(all).values()) {
      for (String probe : List.of("startupProbe", "readinessProbe", "livenessProbe")) {
        JsonNode get = container(pod).path(probe).path("httpGet");
        if (!get.isMissingNode()) {
          assertThat(get.get("path").asText()).matches("/q/health/(live|ready)");
          assertThat(get.get("port").asText()).isIn("http", "8080");
        }
      }
    }
  }

  @Test
  void everythingRunsWithTheLeastRights() {
    for (JsonNode pod : pods(Manifests.build(EXAMPLE)).values()) {
      JsonNode container = container(pod);
      assertThat(pod.get("automountServiceAccountToken").booleanValue()).isFalse();
      assertThat(security(pod, "runAsNonRoot").booleanValue()).isTrue();
      assertThat(security(pod, "runAsUser").intValue()).isEqualTo(1001);
      assertThat(security(pod, "seccompProfile").get("type").asText()).isEqualTo("RuntimeDefault");
      JsonNode security = container.get("securityContext");
      assertThat(security.get("allowPrivilegeEscalation").booleanValue()).isFalse();
      assertThat(security.get("readOnlyRootFilesystem").booleanValue()).isTrue();
      assertThat(security.at("/capabilities/drop/0").asText()).isEqualTo("ALL");
      assertThat(container.at("/resources/limits/memory").asText()).isNotEmpty();
      assertThat(container.at("/resources/requests/cpu").asText()).isNotEmpty();
    }
  }

  @Test
  void theFrontGoesToZeroAndHoldsNothing() {
    JsonNode front = resource(Manifests.build(BASE), "Service", "sluice");
    JsonNode template = front.at("/spec/template");
    assertThat(template.at("/metadata/annotations/autoscaling.knative.dev~1min-scale").asText())
        .isEqualTo("0");
    assertThat(environment(container(template.get("spec"))))
        .containsEntry("SLUICE_WORKER_ENABLED", "false")
        .containsEntry("SLUICE_WORKER_MEMORY", "0");
  }

  @Test
  void memoryOfWorkersHasRoomBesideTheShards() {
    for (Path folder : List.of(BASE, EXAMPLE)) {
      List<JsonNode> all = Manifests.build(folder);
      JsonNode container =
          container(resource(all, "StatefulSet", "sluice-workers").at("/spec/template/spec"));
      long upload =
          bytes(
              resource(all, "ConfigMap", "sluice-settings")
                  .at("/data/SLUICE_UPLOAD_MEMORY")
                  .asText());
      long shards = bytes(environment(container).get("SLUICE_WORKER_MEMORY"));
      long heap =
          bytes(
              container.at("/args/0").asText().substring("-Xmx".length()).toUpperCase(Locale.ROOT));
      long limit = bytes(container.at("/resources/limits/memory").asText());
      assertThat(limit - shards - upload - heap).isGreaterThanOrEqualTo(512L << 20);
      assertThat(container.at("/resources/requests/memory"))
          .isEqualTo(container.at("/resources/limits/memory"));
    }
  }

  /** The names of all settings are in the page that is generated from the code. */
  @Test
  void everySettingIsKnown() throws IOException {
    Set<String> known = new HashSet<>();
    Pattern.compile("`(sluice\\.[a-z0-9.-]+)`")
        .matcher(Files.readString(ROOT.resolve("docs/configuration.md")))
        .results()
        .map(found -> found.group(1).replaceAll("[^a-z0-9]", "_").toUpperCase(Locale.ROOT))
        .forEach(known::add);
    assertThat(known).contains("SLUICE_WORKER_ID");
    List<JsonNode> all = Manifests.build(EXAMPLE);
    Set<String> used = new TreeSet<>();
    pods(all).values().forEach(pod -> used.addAll(environment(container(pod)).keySet()));
    resource(all, "ConfigMap", "sluice-settings")
        .get("data")
        .fieldNames()
        .forEachRemaining(used::add);
    used.removeIf(name -> !name.startsWith("SLUICE_"));
    assertThat(known).containsAll(used);
  }

  private static JsonNode resource(List<JsonNode> all, String kind, String name) {
    return all.stream()
        .filter(
            resource ->
                resource.get("kind").asText().equals(kind)
                    && resource.at("/metadata/name").asText().equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no " + kind + " " + name));
  }

  /** The pods of all resources that make some, by the name of the resource. */
  private static Map<String, JsonNode> pods(List<JsonNode> all) {
    Map<String, JsonNode> pods = new TreeMap<>();
    for (JsonNode resource : all) {
      JsonNode pod = resource.at("/spec/template/spec");
      if (pod.has("containers")) {
        pods.put(Manifests.id(resource), pod);
      }
    }
    assertThat(pods).hasSize(2);
    return pods;
  }

  private static JsonNode container(JsonNode pod) {
    assertThat(pod.get("containers")).hasSize(1);
    return pod.at("/containers/0");
  }

  /** What the container says, or else the pod. */
  private static JsonNode security(JsonNode pod, String field) {
    JsonNode own = container(pod).path("securityContext").path(field);
    return own.isMissingNode() ? pod.path("securityContext").path(field) : own;
  }

  private static Map<String, String> environment(JsonNode container) {
    Map<String, String> environment = new java.util.LinkedHashMap<>();
    for (JsonNode variable : container.get("env")) {
      environment.put(variable.get("name").asText(), variable.path("value").asText());
    }
    return environment;
  }

  private static Set<String> selected(JsonNode selector, Map<String, JsonNode> labels) {
    assertThat(selector).isNotEmpty();
    return labels.entrySet().stream()
        .filter(
            pod ->
                selector.properties().stream()
                    .allMatch(label -> label.getValue().equals(pod.getValue().get(label.getKey()))))
        .map(Map.Entry::getKey)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static String reference(JsonNode ref) {
    return ref.get("apiVersion").asText()
        + " "
        + ref.get("kind").asText()
        + " "
        + ref.get("name").asText();
  }

  private static List<String> openApi() {
    try {
      return Files.readAllLines(ROOT.resolve("functions/src/main/resources/openapi/sluice.yaml"));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static long bytes(String text) {
    var parts = MEMORY.matcher(text);
    assertThat(parts.matches()).as(text).isTrue();
    return Long.parseLong(parts.group(1)) << 10 * ("KMG".indexOf(parts.group(2)) + 1);
  }
}
