package io.sluice.manifest;

import io.sluice.model.SluiceException;
import java.time.Duration;
import java.util.Collection;

/**
 * Keeps objects from being deleted while something depends on them that no manifest says yet. An
 * object is pinned or being deleted, never both.
 */
public interface ObjectPins {
  /**
   * Pins objects, whether they exist or not, until the pin is closed.
   *
   * @throws SluiceException of kind TRANSIENT if one of them is being deleted; none is pinned then
   */
  Pin pin(Collection<String> keys);

  /**
   * Claims an object for deletion: nobody can pin it until {@link #endDelete}, but for no longer
   * than {@link #deleteTtl}. False if it is pinned or somebody else is deleting it.
   */
  boolean beginDelete(String key);

  /** Ends a claim of {@link #beginDelete}. */
  void endDelete(String key);

  /** How long a claim of {@link #beginDelete} lasts. */
  Duration deleteTtl();

  /** A pin that is held. */
  interface Pin extends AutoCloseable {
    /** Keeps the pin alive; false if it has lapsed. */
    boolean renew();

    @Override
    void close();
  }
}
