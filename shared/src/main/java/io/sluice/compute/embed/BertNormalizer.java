package io.sluice.compute.embed;

import java.text.Normalizer;

/**
 * What the {@code BertNormalizer} of Hugging Face's tokenizers does to a text.
 *
 * @param cleanText drop control characters, make every white space a blank
 * @param chineseCharacters put blanks around ideographs
 * @param stripAccents decompose (NFD) and drop marks that take no space
 * @param lowercase by code point
 */
record BertNormalizer(
    boolean cleanText, boolean chineseCharacters, boolean stripAccents, boolean lowercase) {

  String apply(String text) {
    String clean = cleanText || chineseCharacters ? clean(text) : text;
    String plain = stripAccents ? withoutMarks(clean) : clean;
    return lowercase ? lower(plain) : plain;
  }

  private String clean(String text) {
    StringBuilder out = new StringBuilder(text.length());
    text.codePoints()
        .forEach(
            c -> {
              if (cleanText && (c == 0 || c == 0xfffd || isControl(c))) {
                return;
              }
              if (chineseCharacters && isIdeograph(c)) {
                out.append(' ').appendCodePoint(c).append(' ');
              } else {
                out.appendCodePoint(cleanText && isWhitespace(c) ? ' ' : c);
              }
            });
    return out.toString();
  }

  private static String withoutMarks(String text) {
    StringBuilder out = new StringBuilder(text.length());
    Normalizer.normalize(text, Normalizer.Form.NFD)
        .codePoints()
        .filter(c -> Character.getType(c) != Character.NON_SPACING_MARK)
        .forEach(out::appendCodePoint);
    return out.toString();
  }

  /** By code point, as Unicode's full mapping has it: U+0130 is the only one that becomes two. */
  private static String lower(String text) {
    StringBuilder out = new StringBuilder(text.length());
    text.codePoints()
        .forEach(
            c -> {
              if (c == 0x130) {
                out.append("i\u0307");
              } else {
                out.appendCodePoint(Character.toLowerCase(c));
              }
            });
    return out.toString();
  }

  /** Unicode's White_Space property. */
  static boolean isWhitespace(int c) {
    return (c >= 9 && c <= 13)
        || c == 0x20
        || c == 0x85
        || c == 0xa0
        || c == 0x1680
        || (c >= 0x2000 && c <= 0x200a)
        || c == 0x2028
        || c == 0x2029
        || c == 0x202f
        || c == 0x205f
        || c == 0x3000;
  }

  private static boolean isControl(int c) {
    if (c == '\t' || c == '\n' || c == '\r') {
      return false;
    }
    return switch (Character.getType(c)) {
      case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE -> true;
      default -> false;
    };
  }

  private static boolean isIdeograph(int c) {
    return (c >= 0x4e00 && c <= 0x9fff)
        || (c >= 0x3400 && c <= 0x4dbf)
        || (c >= 0x20000 && c <= 0x2a6df)
        || (c >= 0x2a700 && c <= 0x2b73f)
        || (c >= 0x2b740 && c <= 0x2b81f)
        || (c >= 0x2b920 && c <= 0x2ceaf)
        || (c >= 0xf900 && c <= 0xfaff)
        || (c >= 0x2f800 && c <= 0x2fa1f);
  }

  /** ASCII's symbols and Unicode's punctuation: each is a word of its own. */
  static boolean isPunctuation(int c) {
    if (c < 128) {
      return (c >= 33 && c <= 47)
          || (c >= 58 && c <= 64)
          || (c >= 91 && c <= 96)
          || (c >= 123 && c <= 126);
    }
    return switch (Character.getType(c)) {
      case Character.CONNECTOR_PUNCTUATION,
          Character.DASH_PUNCTUATION,
          Character.START_PUNCTUATION,
          Character.END_PUNCTUATION,
          Character.INITIAL_QUOTE_PUNCTUATION,
          Character.FINAL_QUOTE_PUNCTUATION,
          Character.OTHER_PUNCTUATION ->
          true;
      default -> false;
    };
  }
}
