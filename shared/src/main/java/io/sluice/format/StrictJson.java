package io.sluice.format;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;

/**
 * Pulls tokens out of a JSON document that must be one object in UTF-8, without a byte order mark
 * and without duplicate keys (RFC 8259 leaves both to the reader). Every fault is a {@link
 * FormatException} whose code starts with the given prefix: {@code -utf8}, {@code -json}, {@code
 * -duplicate-key}, {@code -number}.
 */
final class StrictJson implements AutoCloseable {
  private static final int MAX_DEPTH = 16;

  /**
   * No canonical names: a file may bring a hundred thousand different ones, which are looked up
   * once. Strings are bounded by the document, whose size the caller checked.
   */
  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxNumberLength(32)
                  .maxNameLength(Integer.MAX_VALUE)
                  .maxStringLength(Integer.MAX_VALUE)
                  .build())
          .build();

  private final String path;
  private final String prefix;
  private final JsonParser parser;

  StrictJson(String path, String prefix, byte[] document) {
    this.path = path;
    this.prefix = prefix;
    if (document.length == 0 || document[0] != '{') {
      throw fault("json", "does not start with '{'");
    }
    // A decoder that reports: Jackson's own takes overlong UTF-8 and guesses UTF-16.
    Reader text =
        new InputStreamReader(
            new ByteArrayInputStream(document),
            StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT));
    this.parser = call(() -> FACTORY.createParser(text));
    next();
  }

  /** A token, as the parser stands on it. */
  JsonToken token() {
    return parser.currentToken();
  }

  /** Goes on to the next token; null at the end. */
  JsonToken next() {
    return call(parser::nextToken);
  }

  /** The key that the parser stands on. */
  String name() {
    return call(parser::currentName);
  }

  /** Reads over the members of the object that the parser stands on, each key once. */
  void members(KeyHandler handler) {
    if (token() != JsonToken.START_OBJECT) {
      throw fault("json", "expects an object, found " + found());
    }
    Set<String> seen = new HashSet<>();
    while (next() == JsonToken.FIELD_NAME) {
      String key = name();
      if (!Names.wellFormed(key)) {
        throw fault("utf8", "key '" + Names.printable(key) + "' has half of a surrogate pair");
      }
      if (!seen.add(key)) {
        throw duplicate(key);
      }
      next();
      handler.value(key);
    }
  }

  /** The string that the parser stands on. */
  String string(String what) {
    if (token() != JsonToken.VALUE_STRING) {
      throw fault("json", what + " is a string, found " + found());
    }
    String text = call(parser::getText);
    if (!Names.wellFormed(text)) {
      throw fault("utf8", what + " has half of a surrogate pair");
    }
    return text;
  }

  /** The integer in [0, 2^63) that the parser stands on: no sign, no fraction, no exponent. */
  long natural(String what) {
    boolean plain =
        token() == JsonToken.VALUE_NUMBER_INT
            && call(parser::getNumberType) != JsonParser.NumberType.BIG_INTEGER
            && call(() -> parser.getTextCharacters()[parser.getTextOffset()]) != '-';
    if (!plain) {
      throw fault("number", what + " is an integer in [0, 2^63), found " + found());
    }
    return call(parser::getLongValue);
  }

  /** Reads over any value, checking it. */
  void skip() {
    switch (token()) {
      case START_OBJECT -> members(key -> skip());
      case START_ARRAY -> {
        while (next() != JsonToken.END_ARRAY) {
          skip();
        }
      }
      default -> {}
    }
  }

  /** Checks that nothing but white space follows. */
  void end() {
    if (next() != null) {
      throw fault("json", "goes on after its object with " + found());
    }
  }

  FormatException duplicate(String key) {
    return fault("duplicate-key", "has the key '" + Names.printable(key) + "' twice");
  }

  FormatException fault(String suffix, String message) {
    return FormatException.malformed(prefix + "-" + suffix, path, "the JSON " + message);
  }

  /** The token as it may stand in a message. */
  String found() {
    JsonToken token = parser.currentToken();
    return token == null
        ? "the end"
        : token.isNumeric()
            ? Names.printable(call(parser::getText))
            : token.name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  @Override
  public void close() {
    call(
        () -> {
          parser.close();
          return null;
        });
  }

  private <T> T call(Call<T> call) {
    try {
      return call.run();
    } catch (CharacterCodingException e) {
      throw fault("utf8", "is not UTF-8");
    } catch (JsonProcessingException e) {
      throw fault("json", "is broken: " + Names.printable(e.getOriginalMessage()));
    } catch (IOException e) {
      // Nothing else fails on bytes in memory.
      throw new IllegalStateException(e);
    }
  }

  /** What to do with the value of a key; leaves the parser on its last token. */
  interface KeyHandler {
    void value(String key);
  }

  private interface Call<T> {
    T run() throws IOException;
  }
}
