package io.sluice.acceptance.kubernetes;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Manifests of Kubernetes: read, merged as Kustomize does it, and checked without a cluster. */
final class Manifests {
  private static final YAMLMapper YAML =
      YAMLMapper.builder()
          .enable(com.fasterxml.jackson.core.StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .build();

  /** Refuses fields that the classes of the Knative model do not have: they would collect them. */
  private static final ObjectMapper STRICT =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .annotationIntrospector(
              new JacksonAnnotationIntrospector() {
                @Override
                public Boolean hasAnySetter(Annotated member) {
                  return false;
                }
              })
          .build();

  private Manifests() {}

  /** The documents of a file. */
  static List<JsonNode> read(Path file) {
    try (MappingIterator<JsonNode> documents =
        YAML.readerFor(JsonNode.class).readValues(Files.readString(file))) {
      return documents.readAll();
    } catch (IOException e) {
      throw new UncheckedIOException(file + " is no YAML", e);
    }
  }

  /** The one document of a text. */
  static JsonNode parse(String yaml) {
    try {
      return YAML.readTree(yaml);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** All resources of a folder with a kustomization, its bases and patches applied. */
  static List<JsonNode> build(Path folder) {
    JsonNode kustomization = read(folder.resolve("kustomization.yaml")).getFirst();
    List<JsonNode> all = new ArrayList<>();
    for (JsonNode resource : kustomization.path("resources")) {
      Path path = folder.resolve(resource.textValue()).normalize();
      all.addAll(Files.isDirectory(path) ? build(path) : read(path));
    }
    for (JsonNode patch : kustomization.path("patches")) {
      for (JsonNode change : read(folder.resolve(patch.get("path").textValue()))) {
        JsonNode target =
            all.stream()
                .filter(resource -> id(resource).equals(id(change)))
                .findFirst()
                .orElseThrow(() -> new AssertionError("nothing to patch: " + id(change)));
        merge((ObjectNode) target, (ObjectNode) change);
      }
    }
    return all;
  }

  /** Kind and name. */
  static String id(JsonNode resource) {
    return resource.path("apiVersion").asText()
        + " "
        + resource.path("kind").asText()
        + " "
        + resource.at("/metadata/name").asText();
  }

  private static void merge(ObjectNode target, ObjectNode change) {
    change
        .properties()
        .forEach(
            field -> {
              JsonNode old = target.get(field.getKey());
              if (old instanceof ObjectNode object && field.getValue() instanceof ObjectNode more) {
                merge(object, more);
              } else if (old instanceof ArrayNode list && named(list)) {
                field.getValue().forEach(element -> mergeNamed(list, (ObjectNode) element));
              } else {
                target.set(field.getKey(), field.getValue());
              }
            });
  }

  private static boolean named(ArrayNode list) {
    return !list.isEmpty() && list.get(0).has("name");
  }

  private static void mergeNamed(ArrayNode list, ObjectNode change) {
    for (JsonNode element : list) {
      if (element.get("name").equals(change.get("name"))) {
        merge((ObjectNode) element, change);
        return;
      }
    }
    list.add(change);
  }

  /**
   * Checks a resource: those of Kubernetes as its own Java client checks them against the OpenAPI
   * description (unknown, missing and mistyped fields), those of Knative by reading them strictly
   * into the classes that are generated from Knative's.
   *
   * @throws IllegalArgumentException what is wrong
   */
  static void validate(JsonNode resource) {
    String[] version = resource.path("apiVersion").asText().split("/");
    String kind = resource.path("kind").asText();
    try {
      if (version[0].endsWith(".knative.dev")) {
        String group = version[0].substring(0, version[0].indexOf('.'));
        STRICT.treeToValue(
            resource, Class.forName("io.fabric8.knative." + group + "." + version[1] + "." + kind));
        return;
      }
      String prefix = version[version.length - 1];
      Class.forName(
              "io.kubernetes.client.openapi.models."
                  + prefix.substring(0, 1).toUpperCase(Locale.ROOT)
                  + prefix.substring(1)
                  + kind)
          .getMethod("validateJsonElement", JsonElement.class)
          .invoke(null, JsonParser.parseString(resource.toString()));
    } catch (ClassNotFoundException e) {
      throw new IllegalArgumentException("there is no such resource: " + id(resource), e);
    } catch (InvocationTargetException e) {
      throw new IllegalArgumentException(id(resource) + ": " + e.getCause().getMessage(), e);
    } catch (IOException e) {
      throw new IllegalArgumentException(id(resource) + ": " + e.getMessage(), e);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }
}
