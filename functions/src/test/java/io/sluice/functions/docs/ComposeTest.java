package io.sluice.functions.docs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The files for Docker: what they name is there. */
class ComposeTest {
  private static final Pattern SETTING = Pattern.compile("(?m)^\\| `(sluice\\.[a-z0-9.-]+)`");
  private static final Path INFRA = Repository.ROOT.resolve("infra");

  private static JsonNode yaml(Path file) throws IOException {
    return new YAMLMapper().readTree(Files.readString(file));
  }

  @Test
  void everyServiceCanStart() throws IOException {
    JsonNode compose = yaml(INFRA.resolve("compose.yaml"));
    JsonNode services = compose.get("services");
    assertThat(services.propertyStream().map(Map.Entry::getKey))
        .contains("store", "valkey", "worker-1", "worker-2", "prometheus", "grafana");
    services
        .properties()
        .forEach(
            service -> {
              String name = service.getKey();
              JsonNode all = merged(compose, service.getValue());
              assertThat(all.path("image").asText()).as(name).contains(":");
              all.path("depends_on")
                  .properties()
                  .forEach(other -> assertThat(services.has(other.getKey())).as(name).isTrue());
              for (JsonNode port : all.path("ports")) {
                assertThat(port.textValue()).as(name).startsWith("127.0.0.1:");
              }
              for (JsonNode volume : all.path("volumes")) {
                String source = volume.textValue().split(":")[0];
                boolean there =
                    source.startsWith("./")
                        ? Files.exists(INFRA.resolve(source))
                        : compose.get("volumes").has(source);
                assertThat(there).as(name + " " + source).isTrue();
              }
            });
  }

  private static JsonNode merged(JsonNode compose, JsonNode service) {
    JsonNode worker = compose.get("x-worker");
    return service.has("<<") ? worker : service;
  }

  @Test
  void everySettingOfAWorkerIsOne() throws IOException {
    Set<String> known =
        SETTING
            .matcher(Repository.read("docs/configuration.md"))
            .results()
            .map(row -> row.group(1).replaceAll("[.-]", "_").toUpperCase(Locale.ROOT))
            .collect(Collectors.toUnmodifiableSet());
    List<String> unknown = new ArrayList<>();
    yaml(INFRA.resolve("compose.yaml"))
        .at("/x-worker/environment")
        .fieldNames()
        .forEachRemaining(
            name -> {
              if (name.startsWith("SLUICE_") && !known.contains(name)) {
                unknown.add(name);
              }
            });
    assertThat(known).contains("SLUICE_S3_BUCKET");
    assertThat(unknown).isEmpty();
  }

  @Test
  void prometheusAsksTheWorkersAndGrafanaAsksPrometheus() throws IOException {
    JsonNode compose = yaml(INFRA.resolve("compose.yaml"));
    JsonNode scrape =
        yaml(INFRA.resolve("compose/prometheus/prometheus.yml")).at("/scrape_configs/0");
    assertThat(scrape.get("metrics_path").textValue()).isEqualTo("/q/metrics");
    for (JsonNode target : scrape.at("/static_configs/0/targets")) {
      assertThat(compose.get("services").has(target.textValue().split(":")[0])).isTrue();
    }
    JsonNode source =
        yaml(INFRA.resolve("compose/grafana/provisioning/datasources/prometheus.yaml"))
            .at("/datasources/0");
    assertThat(source.get("url").textValue()).isEqualTo("http://prometheus:9090");
    JsonNode dashboard =
        new YAMLMapper()
            .readTree(Files.readString(INFRA.resolve("compose/grafana/dashboards/sluice.json")));
    for (JsonNode panel : dashboard.get("panels")) {
      assertThat(panel.at("/datasource/uid")).isEqualTo(source.get("uid"));
    }
  }
}
