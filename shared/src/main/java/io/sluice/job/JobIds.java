package io.sluice.job;

import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;

/**
 * Ids of jobs: 48 bits of Unix time in ms and 80 random bits in 26 lower-case characters of
 * Crockford's base 32, as ULIDs are. Their order is that of their creation, to the millisecond.
 */
public final class JobIds {
  private static final String ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
  private static final Pattern ID = Pattern.compile("[0-7][" + ALPHABET + "]{25}");

  private JobIds() {}

  /** A new id. */
  public static String next() {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    char[] id = new char[26];
    fill(id, 0, 10, System.currentTimeMillis());
    fill(id, 10, 18, random.nextLong());
    fill(id, 18, 26, random.nextLong());
    return new String(id);
  }

  /** Whether the text can be the id of a job. */
  public static boolean valid(String id) {
    return ID.matcher(id).matches();
  }

  private static void fill(char[] id, int from, int to, long bits) {
    for (int i = to - 1; i >= from; i--) {
      id[i] = ALPHABET.charAt((int) (bits & 31));
      bits >>>= 5;
    }
  }
}
