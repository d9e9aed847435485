package io.sluice.json;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;

/**
 * A JSON object from outside, read field by field and strictly: each accessor checks type and
 * bounds, and {@link #end} refuses every field that no accessor asked for. Errors are of kind
 * INVALID and name the field, the bound and the value.
 */
public final class JsonObject {
  private final String what;
  private final JsonNode node;
  private final Set<String> known = new HashSet<>();

  /**
   * @param what names the object in error messages, such as {@code load request}
   * @param node the object; null and a missing node count as an empty object
   */
  public JsonObject(String what, JsonNode node) {
    this.what = what;
    this.node = node;
    if (node != null && !node.isMissingNode() && !node.isNull() && !node.isObject()) {
      throw invalid("request-invalid", what + " is a JSON object, got " + describe(node));
    }
  }

  /** A text that must be there. */
  public String text(String field) {
    return optionalText(field)
        .orElseThrow(() -> invalid("field-missing", what + " needs the field '" + field + "'"));
  }

  /** A text that may be there. */
  public Optional<String> optionalText(String field) {
    return value(field)
        .map(
            v -> {
              if (!v.isTextual() || v.textValue().isBlank()) {
                throw mistyped(field, "a text that is not blank", v);
              }
              return v.textValue();
            });
  }

  /** A whole number within bounds that may be there. */
  public OptionalLong optionalLong(String field, long min, long max) {
    Optional<JsonNode> value = value(field);
    if (value.isEmpty()) {
      return OptionalLong.empty();
    }
    JsonNode v = value.get();
    if (!v.isIntegralNumber()
        || !v.canConvertToLong()
        || v.longValue() < min
        || v.longValue() > max) {
      throw mistyped(field, "a whole number from " + min + " to " + max, v);
    }
    return OptionalLong.of(v.longValue());
  }

  /** A whole number within bounds that may be there. */
  public OptionalInt optionalInt(String field, int min, int max) {
    OptionalLong value = optionalLong(field, min, max);
    return value.isPresent() ? OptionalInt.of((int) value.getAsLong()) : OptionalInt.empty();
  }

  /** A boolean, or the default. */
  public boolean flag(String field, boolean otherwise) {
    return value(field)
        .map(
            v -> {
              if (!v.isBoolean()) {
                throw mistyped(field, "true or false", v);
              }
              return v.booleanValue();
            })
        .orElse(otherwise);
  }

  /** A list of texts; empty if it is not there. */
  public List<String> texts(String field) {
    List<String> result = new ArrayList<>();
    value(field)
        .ifPresent(
            v -> {
              if (!v.isArray()) {
                throw mistyped(field, "a list of texts", v);
              }
              for (JsonNode element : v) {
                if (!element.isTextual() || element.textValue().isBlank()) {
                  throw mistyped(field, "a list of texts that are not blank", element);
                }
                result.add(element.textValue());
              }
            });
    return List.copyOf(result);
  }

  /** Whatever stands there, for somebody else to check. */
  public Optional<JsonNode> any(String field) {
    return value(field);
  }

  /** Refuses every field that was not asked for. Call it last. */
  public void end() {
    if (node == null) {
      return;
    }
    for (var names = node.fieldNames(); names.hasNext(); ) {
      String name = names.next();
      if (!known.contains(name)) {
        throw invalid(
            "field-unknown",
            what + " has no field '" + shorten(name) + "'; it has " + new TreeSet<>(known));
      }
    }
  }

  private Optional<JsonNode> value(String field) {
    known.add(field);
    return node == null
        ? Optional.empty()
        : Optional.ofNullable(node.get(field)).filter(v -> !v.isNull());
  }

  private SluiceException mistyped(String field, String wanted, JsonNode got) {
    return invalid(
        "field-invalid",
        "field '" + field + "' of " + what + " is " + wanted + ", got " + describe(got));
  }

  private static SluiceException invalid(String code, String message) {
    return new SluiceException(ErrorKind.INVALID, code, message);
  }

  private static String describe(JsonNode node) {
    return node.isContainerNode()
        ? "a JSON " + node.getNodeType().name().toLowerCase(java.util.Locale.ROOT)
        : shorten(node.toString());
  }

  private static String shorten(String text) {
    return text.length() <= 80 ? text : text.substring(0, 80) + "…";
  }
}
