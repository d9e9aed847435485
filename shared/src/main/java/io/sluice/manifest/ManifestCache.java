package io.sluice.manifest;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** The manifests used last, by key: they never change. Bounded by the bytes of their documents. */
final class ManifestCache {
  private record Entry(ModelManifest manifest, long bytes) {}

  private final long maxBytes;
  private final Map<String, Entry> entries = new LinkedHashMap<>(16, 0.75f, true);
  private long bytes;

  ManifestCache(long maxBytes) {
    this.maxBytes = maxBytes;
  }

  synchronized Optional<ModelManifest> get(String key) {
    return Optional.ofNullable(entries.get(key)).map(Entry::manifest);
  }

  synchronized void put(String key, ModelManifest manifest, long size) {
    Entry old = entries.put(key, new Entry(manifest, size));
    bytes += size - (old == null ? 0 : old.bytes());
    Iterator<Entry> oldest = entries.values().iterator();
    while (bytes > maxBytes && oldest.hasNext()) {
      bytes -= oldest.next().bytes();
      oldest.remove();
    }
  }

  synchronized void remove(String key) {
    Entry old = entries.remove(key);
    bytes -= old == null ? 0 : old.bytes();
  }
}
