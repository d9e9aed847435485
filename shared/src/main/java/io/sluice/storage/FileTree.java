package io.sluice.storage;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/**
 * How objects lie in a tree of files, the same for every store that has one, so that two of them
 * may share a tree: a key is the path of a file below the root, its parts are directories, and what
 * is not finished yet lies in {@value #TEMP}. Directories stay when their last object is deleted:
 * who removes one races with who is about to write into it.
 */
public final class FileTree {
  /** The directory of unfinished writes, below the root; no key may lie in it. */
  public static final String TEMP = ".sluice-tmp";

  /** How old an unfinished write is before it counts as left behind by a crashed writer. */
  public static final Duration TEMP_AGE = Duration.ofHours(24);

  private static final Duration SWEEP_INTERVAL = Duration.ofHours(1);

  private FileTree() {}

  /**
   * Checks that an object may have this key.
   *
   * @return the key
   * @throws StorageException INVALID if not
   */
  public static String check(String key) {
    ObjectKeys.check(key);
    if (key.equals(TEMP) || key.startsWith(TEMP + "/")) {
      throw StorageException.invalid(
          "key-reserved", key, "key '" + key + "' lies in the folder of unfinished writes");
    }
    return key;
  }

  /** Where the objects that begin with a prefix lie: a directory, empty for the root. */
  public static String directoryOf(String prefix) {
    ObjectKeys.checkPrefix(prefix);
    int slash = prefix.lastIndexOf('/');
    return slash < 0 ? "" : check(prefix.substring(0, slash));
  }

  /**
   * Whether a listing of the prefix has to look into a directory.
   *
   * @param directory below the root; empty for the root itself
   */
  public static boolean leads(String directory, String prefix) {
    return directory.isEmpty()
        || (!directory.equals(TEMP)
            && (prefix.startsWith(directory + "/") || (directory + "/").startsWith(prefix)));
  }

  /** A key cannot be stored: it is a directory. */
  public static StorageException isDirectory(String key) {
    return StorageException.invalid(
        "key-blocked", key, "key '" + key + "' is a directory: other keys begin with it");
  }

  /** A key cannot be stored: a file stands where it needs a directory. */
  public static StorageException behindObject(String key, String object) {
    return StorageException.invalid(
        "key-blocked",
        key,
        "key '" + key + "' goes on behind the object '" + object + "', which is no directory");
  }

  /** Says when to look for what crashed writers left: at the first write, then once an hour. */
  public static final class Sweeps {
    private final Duration age;
    private final AtomicReference<Instant> last = new AtomicReference<>(Instant.MIN);

    /**
     * @param age of what counts as left behind
     */
    public Sweeps(Duration age) {
      this.age = age;
    }

    /** If it is time to look: what was last modified before that moment was left behind. */
    public Optional<Instant> due() {
      Instant now = Instant.now();
      Instant before = last.get();
      boolean due = before.equals(Instant.MIN) || before.plus(SWEEP_INTERVAL).isBefore(now);
      return due && last.compareAndSet(before, now)
          ? Optional.of(now.minus(age))
          : Optional.empty();
    }
  }
}
