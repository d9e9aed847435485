package io.sluice.format;

import io.sluice.model.TensorInfo;

/** Which paths and tensor names are accepted from outside. */
final class Names {
  /** Longest path in characters. */
  static final int MAX_PATH = 1024;

  private static final int PRINTED = 120;

  private Names() {}

  /**
   * Checks a path inside a model: relative, forward slashes, no empty, {@code .} or {@code ..}
   * part, no backslash, no control character.
   */
  static void checkPath(String path) {
    String reason = pathFault(path);
    if (reason != null) {
      throw FormatException.malformed(
          "path-invalid", printable(path), "a path inside a model " + reason);
    }
  }

  /** What is wrong with a path, or null. */
  static String pathFault(String path) {
    if (path.isEmpty() || path.length() > MAX_PATH) {
      return "has 1 to " + MAX_PATH + " characters, this one has " + path.length();
    }
    if (path.indexOf('\\') >= 0) {
      return "has no backslash";
    }
    if (hasControl(path) || !wellFormed(path)) {
      return "has no control character and no half of a surrogate pair";
    }
    for (String part : path.split("/", -1)) {
      if (part.isEmpty() || part.equals(".") || part.equals("..")) {
        return "is relative and has no empty, '.' or '..' part";
      }
    }
    return null;
  }

  /**
   * Resolves what a file says about a neighbour's location (an ONNX {@code location}, a shard in an
   * index) against the directory of that file. A single leading {@code ./} is allowed.
   *
   * @throws FormatException with {@code code} if the location could lead out of the directory
   */
  static String resolve(String from, String location, String code) {
    String plain = location.startsWith("./") ? location.substring(2) : location;
    String reason = pathFault(plain);
    if (reason == null && (plain.startsWith("~") || plain.indexOf(':') >= 0)) {
      reason = "starts with no '~' and has no ':'";
    }
    if (reason != null) {
      throw FormatException.malformed(
          code, from, "location '" + printable(location) + "': a path inside a model " + reason);
    }
    int slash = from.lastIndexOf('/');
    return slash < 0 ? plain : from.substring(0, slash + 1) + plain;
  }

  /**
   * Checks a tensor name: it becomes a key of a safetensors header, so it is not the reserved
   * {@code __metadata__}, has no control character, and is well-formed Unicode.
   */
  static void checkTensor(String path, String name) {
    String fault = tensorFault(name);
    if (fault != null) {
      throw FormatException.malformed("tensor-name-invalid", path, fault);
    }
  }

  /** What is wrong with a tensor name, or null. */
  static String tensorFault(String name) {
    if (name.isEmpty()
        || name.length() > TensorInfo.MAX_NAME
        || name.equals(SafetensorsHeader.METADATA)
        || hasControl(name)
        || !wellFormed(name)) {
      return "a tensor name has 1 to "
          + TensorInfo.MAX_NAME
          + " characters, none of them a control character or half of a surrogate pair, and is"
          + " not '"
          + SafetensorsHeader.METADATA
          + "', got '"
          + printable(name)
          + "' of "
          + name.length()
          + " characters";
    }
    return null;
  }

  /** Text from outside as it may stand in a message: one line, at most 120 characters. */
  static String printable(String text) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < Math.min(text.length(), PRINTED); i++) {
      char c = text.charAt(i);
      boolean shown = !Character.isISOControl(c) && !Character.isSurrogate(c);
      out.append(shown ? c : '\uFFFD');
    }
    return text.length() > PRINTED ? out.append('…').toString() : out.toString();
  }

  /** Whether every surrogate has its other half, so that the text survives UTF-8. */
  static boolean wellFormed(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (!Character.isSurrogate(c)) {
        continue;
      }
      boolean pair =
          Character.isHighSurrogate(c)
              && i + 1 < text.length()
              && Character.isLowSurrogate(text.charAt(i + 1));
      if (!pair) {
        return false;
      }
      i++;
    }
    return true;
  }

  private static boolean hasControl(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isISOControl(text.charAt(i))) {
        return true;
      }
    }
    return false;
  }
}
