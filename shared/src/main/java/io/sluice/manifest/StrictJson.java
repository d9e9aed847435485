package io.sluice.manifest;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import io.sluice.model.ErrorKind;
import java.io.IOException;
import java.util.Arrays;

/**
 * Reads a versioned document of our own, as a cursor that stands on a token. Fields stand in a
 * fixed order, each once: so a field that is unknown, double, missing or of a wrong type is refused
 * by one comparison, and nothing is kept in memory to find it.
 */
final class StrictJson implements AutoCloseable {
  static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(8)
                  .maxNumberLength(20)
                  .maxNameLength(64)
                  .maxStringLength(64 << 20)
                  .build())
          .enable(JsonWriteFeature.COMBINE_UNICODE_SURROGATES_IN_UTF8)
          .build();

  private final String format;
  private final JsonParser parser;
  private final long version;
  private JsonToken token;

  /**
   * Reads the start of a document: the name of its format, then its version.
   *
   * @param newest the newest version that can be read; all from 1 on can
   * @throws ManifestException {@code <format>-malformed} if the bytes are something else, {@code
   *     <format>-version-unsupported} if they are that format in another version
   */
  StrictJson(String format, int newest, byte[] document) {
    this.format = format;
    byte[] start = ("{\"sluice\":\"" + format + "\",\"version\":").getBytes(UTF_8);
    // The comparison of bytes also pins the encoding, which the parser would otherwise guess.
    if (!Arrays.equals(
        start, 0, start.length, document, 0, Math.min(start.length, document.length))) {
      throw malformed("it does not start with " + new String(start, UTF_8), null);
    }
    try {
      parser = FACTORY.createParser(document);
    } catch (IOException e) {
      throw malformed(e.getMessage(), e);
    }
    advance();
    beginObject();
    string("sluice");
    version = number("version", Long.MAX_VALUE);
    if (version < 1 || version > newest) {
      throw new ManifestException(
          ErrorKind.INVALID,
          format + "-version-unsupported",
          "the document is version "
              + version
              + " of the "
              + format
              + " format, this program reads version "
              + (newest == 1 ? "1" : "1 to " + newest));
    }
  }

  /** The version of the document. */
  long version() {
    return version;
  }

  /** Enters an object. */
  void beginObject() {
    take(JsonToken.START_OBJECT);
  }

  /** Leaves an object: it has no further field. */
  void endObject() {
    take(JsonToken.END_OBJECT);
  }

  /** Enters an array. */
  void beginArray() {
    take(JsonToken.START_ARRAY);
  }

  /** Whether an element follows; if not, leaves the array. */
  boolean hasElement() {
    if (token != JsonToken.END_ARRAY) {
      return true;
    }
    advance();
    return false;
  }

  /** Leaves an array: it has no further element. */
  void endArray() {
    take(JsonToken.END_ARRAY);
  }

  /** Steps over the name of the next field, which must be this one. */
  void field(String name) {
    if (!optionalField(name)) {
      throw malformed(
          "expected field '"
              + name
              + "' (fields stand in a fixed order, each once), found "
              + describe(),
          null);
    }
  }

  /** Steps over the name of the next field if it is this one. */
  boolean optionalField(String name) {
    try {
      if (token == JsonToken.FIELD_NAME && parser.currentName().equals(name)) {
        advance();
        return true;
      }
      return false;
    } catch (IOException e) {
      throw malformed(e.getMessage(), e);
    }
  }

  String string(String name) {
    field(name);
    return text(name);
  }

  /** The value of a field whose name was stepped over: a string. */
  String text(String what) {
    try {
      if (token != JsonToken.VALUE_STRING) {
        throw malformed("expected a string for '" + what + "', found " + describe(), null);
      }
      String value = parser.getText();
      advance();
      return value;
    } catch (IOException e) {
      throw malformed(e.getMessage(), e);
    }
  }

  /** A whole number from 0 to {@code max}. */
  long number(String name, long max) {
    field(name);
    return element(name, max);
  }

  /** A whole number from 0 to {@code max}. */
  int number(String name, int max) {
    return (int) number(name, (long) max);
  }

  /** The value of a field, or an element of an array: a whole number from 0 to {@code max}. */
  long element(String what, long max) {
    try {
      if (token != JsonToken.VALUE_NUMBER_INT) {
        throw malformed("expected a whole number for '" + what + "', found " + describe(), null);
      }
      long value = parser.getLongValue();
      if (value < 0 || value > max) {
        throw malformed("'" + what + "' is from 0 to " + max + ", got " + value, null);
      }
      advance();
      return value;
    } catch (IOException e) {
      throw malformed(e.getMessage(), e);
    }
  }

  /** Leaves the document: nothing follows. */
  void end() {
    endObject();
    if (token != null) {
      throw malformed("after its end comes " + describe(), null);
    }
  }

  @Override
  public void close() {
    try {
      parser.close();
    } catch (IOException e) {
      throw malformed(e.getMessage(), e);
    }
  }

  /** The error of this document. */
  ManifestException malformed(String message, Throwable cause) {
    return new ManifestException(
        ErrorKind.INVALID, format + "-malformed", "not a " + format + ": " + message, cause);
  }

  private void take(JsonToken expected) {
    if (token != expected) {
      throw malformed("expected " + expected.asString() + ", found " + describe(), null);
    }
    advance();
  }

  private void advance() {
    try {
      token = parser.nextToken();
    } catch (IOException e) {
      throw malformed(e.getMessage(), e);
    }
  }

  private String describe() {
    if (token == null) {
      return "the end";
    }
    try {
      String text = parser.getText();
      return token
          + " '"
          + (text.length() <= 80 ? text : text.substring(0, 80) + "…")
          + "' at byte "
          + parser.currentTokenLocation().getByteOffset();
    } catch (IOException e) {
      throw malformed(e.getMessage(), e);
    }
  }
}
