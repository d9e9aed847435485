package io.sluice.plan;

import io.sluice.model.InvalidValueException;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Selects tensors by name. In a glob {@code *} stands for any characters and {@code ?} for one; all
 * others stand for themselves. No glob selects everything.
 */
public final class TensorGlobs {
  /** Most globs of one selection. */
  public static final int MAX_GLOBS = 1000;

  private static final int MAX_LENGTH = 4096;

  private final List<String> globs;
  private final List<Pattern> patterns;

  /**
   * @param globs the globs; a name is selected if any of them matches it whole
   */
  public TensorGlobs(List<String> globs) {
    if (globs.size() > MAX_GLOBS) {
      throw new InvalidValueException(
          "tensors-invalid", "at most " + MAX_GLOBS + " tensor globs, got " + globs.size());
    }
    this.globs = List.copyOf(globs);
    this.patterns = globs.stream().map(TensorGlobs::pattern).toList();
  }

  /** Whether everything is selected. */
  public boolean all() {
    return patterns.isEmpty();
  }

  /** Whether a tensor of that name is selected. */
  public boolean matches(String name) {
    return all() || patterns.stream().anyMatch(p -> p.matcher(name).matches());
  }

  /** The globs as they were given. */
  public List<String> globs() {
    return globs;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TensorGlobs o && globs.equals(o.globs);
  }

  @Override
  public int hashCode() {
    return globs.hashCode();
  }

  @Override
  public String toString() {
    return globs.toString();
  }

  private static Pattern pattern(String glob) {
    if (glob.length() > MAX_LENGTH) {
      throw new InvalidValueException(
          "tensors-invalid",
          "a tensor glob has at most " + MAX_LENGTH + " characters, got " + glob.length());
    }
    StringBuilder regex = new StringBuilder();
    for (String run : glob.splitWithDelimiters("\\*+|\\?", 0)) {
      // A run of stars counts as one: several in a row would backtrack for nothing.
      regex.append(
          run.startsWith("*")
              ? ".*"
              : run.equals("?") ? "." : run.isEmpty() ? "" : Pattern.quote(run));
    }
    return Pattern.compile(regex.toString(), Pattern.DOTALL);
  }
}
