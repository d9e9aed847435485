package io.sluice.placement;

import io.sluice.manifest.ModelManifest;
import io.sluice.model.ByteRange;
import io.sluice.model.Digest;
import io.sluice.plan.TensorGlobs;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The selections that were asked for last: each task of a job asks for the same one, of all shards.
 * Thread-safe.
 */
public final class SelectionCache {
  private static final int MAX_ENTRIES = 16;

  private record Key(Digest version, List<String> globs, long gap) {}

  private final Map<Key, Map<Integer, List<ByteRange>>> kept =
      new LinkedHashMap<>(MAX_ENTRIES, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Map<Integer, List<ByteRange>>> eldest) {
          return size() > MAX_ENTRIES;
        }
      };

  /**
   * See {@link ShardSelection#runs(ModelManifest, TensorGlobs, long)}.
   *
   * @param version of the manifest
   * @return not to be changed
   */
  public Map<Integer, List<ByteRange>> runs(
      Digest version, ModelManifest manifest, TensorGlobs globs, long gap) {
    Key key = new Key(version, globs.globs(), gap);
    synchronized (kept) {
      Map<Integer, List<ByteRange>> known = kept.get(key);
      if (known == null) {
        known = Collections.unmodifiableMap(ShardSelection.runs(manifest, globs, gap));
        kept.put(key, known);
      }
      return known;
    }
  }
}
