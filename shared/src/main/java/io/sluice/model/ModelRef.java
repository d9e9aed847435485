package io.sluice.model;

import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What a user calls a model: {@code name}, {@code name:tag} or {@code name@sha256:…}.
 *
 * <p>A name is one or two parts of letters, digits, {@code . _ -}, each starting with a letter or
 * digit, joined by a slash ({@code meta-llama/Llama-3.1-70B}), at most 128 characters. A tag is up
 * to 64 of the same characters.
 *
 * @param name the model's name
 * @param tag the tag, if one is named
 * @param version the version, if one is named; a reference names a tag or a version, never both
 */
public record ModelRef(String name, Optional<String> tag, Optional<Digest> version) {
  /** The tag that a reference without tag and version means. */
  public static final String DEFAULT_TAG = "latest";

  private static final int MAX_NAME = 128;
  private static final String PART = "[A-Za-z0-9][A-Za-z0-9._-]*";
  private static final Pattern NAME = Pattern.compile(PART + "(/" + PART + ")?");
  private static final Pattern TAG = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");

  public ModelRef {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(tag, "tag");
    Objects.requireNonNull(version, "version");
    checkName(name);
    tag.ifPresent(ModelRef::checkTag);
    if (tag.isPresent() && version.isPresent()) {
      throw new InvalidValueException(
          "model-ref-invalid", "a model reference names a tag or a version, not both: " + name);
    }
  }

  /** Parses {@code name}, {@code name:tag} or {@code name@sha256:…}. */
  public static ModelRef parse(String text) {
    Objects.requireNonNull(text, "text");
    int at = text.indexOf('@');
    if (at >= 0) {
      return new ModelRef(
          text.substring(0, at),
          Optional.empty(),
          Optional.of(Digest.parse(text.substring(at + 1))));
    }
    int colon = text.indexOf(':');
    if (colon >= 0) {
      return new ModelRef(
          text.substring(0, colon), Optional.of(text.substring(colon + 1)), Optional.empty());
    }
    return new ModelRef(text, Optional.empty(), Optional.empty());
  }

  /** This model at one version. */
  public ModelRef at(Digest digest) {
    return new ModelRef(name, Optional.empty(), Optional.of(digest));
  }

  /** The tag this reference means when it names no version. */
  public String tagOrDefault() {
    return tag.orElse(DEFAULT_TAG);
  }

  /** Checks a model name. */
  public static void checkName(String name) {
    if (name.length() > MAX_NAME || !NAME.matcher(name).matches()) {
      throw new InvalidValueException(
          "model-name-invalid",
          "a model name is 'name' or 'org/name' of letters, digits, '.', '_' and '-', at most "
              + MAX_NAME
              + " characters, got '"
              + (name.length() > MAX_NAME ? name.substring(0, MAX_NAME) + "…" : name)
              + "'");
    }
  }

  /** Checks a tag. */
  public static void checkTag(String tag) {
    if (!TAG.matcher(tag).matches()) {
      throw new InvalidValueException(
          "tag-invalid",
          "a tag has 1 to 64 letters, digits, '.', '_' and '-', got '"
              + (tag.length() > 80 ? tag.substring(0, 80) + "…" : tag)
              + "'");
    }
  }

  @Override
  public String toString() {
    return name + version.map(v -> "@" + v).orElse(tag.map(t -> ":" + t).orElse(""));
  }
}
