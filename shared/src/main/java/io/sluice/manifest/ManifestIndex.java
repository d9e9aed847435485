package io.sluice.manifest;

import io.sluice.model.Digest;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A fast copy of what the store says about models, tags and versions. It may be lost at any time:
 * then it says that it is incomplete until it has been rebuilt from the store.
 *
 * <p>A change is applied after the store has it, so a copy that lags can only be behind, never
 * ahead.
 */
public interface ManifestIndex {
  /** Whether the index may be asked. */
  boolean complete();

  /** A model, without versions and tags if it is unknown; nothing if the index is incomplete. */
  Optional<ModelSummary> find(String name);

  /** Every known model in order of name; nothing if the index is incomplete. */
  Optional<List<ModelSummary>> list();

  /**
   * Applies changes of one model at once. A tag moves only forward: a move whose sequence is not
   * above the one known is ignored. Changes to an incomplete index are left to its rebuild.
   */
  void apply(String name, List<Change> changes);

  /** Starts a rebuild; nothing if another one is running. */
  Optional<Rebuild> rebuild();

  /** A change to a model. */
  sealed interface Change {
    /** There is such a version. */
    record Version(VersionSummary summary) implements Change {}

    /** There is no such version any more. */
    record NoVersion(Digest version) implements Change {}

    /** A tag was moved or taken off. */
    record Tag(TagMove move) implements Change {}
  }

  /**
   * A rebuild under way. Readers see the old index until {@link #finish} has put the new one in its
   * place in one step.
   *
   * <p>Every method throws a {@link ManifestException} of kind TRANSIENT if the rebuild was taken
   * for dead and another one has started.
   */
  interface Rebuild extends AutoCloseable {
    /** Says that this rebuild is alive. */
    void renew();

    /** Replaces what the new index says about a model. */
    void put(ModelSummary model);

    /**
     * Puts the new index in place, unless models changed after they were put.
     *
     * @return the models to be read and put again before the next try; empty if it is in place
     */
    Set<String> finish();

    /** Gives up unless finished. */
    @Override
    void close();
  }
}
