package io.sluice.storage.hdfs;

import io.sluice.storage.ObjectKeys;
import io.sluice.storage.StorageException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Keys as paths below the root. They are the same, but for what HDFS cannot have: a colon becomes
 * {@code %3A}, a percent sign {@code %25}, and the dot of a part {@code .snapshot} or {@code
 * .reserved}, which mean something to HDFS, {@code %2E}.
 */
final class HdfsNames {
  /** The folder of unfinished writes, below the root; no key may lie in it. */
  static final String TEMP = ".sluice-tmp";

  /** Longest name that HDFS takes unless it is set up otherwise, in bytes. */
  static final int MAX_NAME = 255;

  private static final int ID = 16;

  private final String root;

  /**
   * @param root a path without a slash at the end, unless it is nothing else
   */
  HdfsNames(String root) {
    this.root = root.equals("/") ? "" : root;
  }

  /** The folder of all objects; nothing for all of HDFS. */
  String folder() {
    return root;
  }

  /** The folder of unfinished writes. */
  String temp() {
    return root + "/" + TEMP;
  }

  /** The path of an object. */
  String path(String key) {
    return root + "/" + name(key);
  }

  /** The path of an unfinished write of an object. */
  String tempPath(String key, String id) {
    String name = name(key);
    int begin = name.lastIndexOf('/') + 1;
    return temp() + "/" + name.substring(0, begin) + id + "." + name.substring(begin);
  }

  /** The key and the id of an unfinished write, from its path below {@link #temp}. */
  static Optional<String[]> tempKey(String path) {
    int begin = path.lastIndexOf('/') + 1;
    if (path.length() - begin <= ID + 1 || path.charAt(begin + ID) != '.') {
      return Optional.empty();
    }
    return key(path.substring(0, begin) + path.substring(begin + ID + 1))
        .map(key -> new String[] {key, path.substring(begin, begin + ID)});
  }

  /** The key of a path below the root; none if no key leads there. */
  static Optional<String> key(String path) {
    if (path.equals(TEMP) || path.startsWith(TEMP + "/")) {
      return Optional.empty();
    }
    String key = path.replace("%3A", ":").replace("%2E", ".").replace("%25", "%");
    try {
      ObjectKeys.check(key);
    } catch (StorageException e) {
      return Optional.empty(); // a file of somebody else
    }
    return encode(key).equals(path) ? Optional.of(key) : Optional.empty();
  }

  private static String name(String key) {
    ObjectKeys.check(key);
    if (key.equals(TEMP) || key.startsWith(TEMP + "/")) {
      throw StorageException.invalid(
          "key-reserved", key, "key '" + key + "' lies in the folder of unfinished writes");
    }
    String name = encode(key);
    for (String part : name.split("/")) {
      int bytes = part.getBytes(StandardCharsets.UTF_8).length;
      if (bytes > MAX_NAME - ID - 1) {
        throw StorageException.invalid(
            "key-unsupported",
            key,
            "key '"
                + key
                + "' has a part of "
                + bytes
                + " bytes as HDFS would have it, at most "
                + (MAX_NAME - ID - 1));
      }
    }
    return name;
  }

  /** A key, or a folder of keys, as part of a path. */
  static String encode(String key) {
    StringBuilder path = new StringBuilder(key.length() + 8);
    for (String part : key.split("/", -1)) {
      path.append(path.isEmpty() ? "" : "/");
      String plain = part.replace("%", "%25").replace(":", "%3A");
      boolean reserved = plain.equals(".snapshot") || plain.equals(".reserved");
      path.append(reserved ? "%2E" + plain.substring(1) : plain);
    }
    return path.toString();
  }
}
