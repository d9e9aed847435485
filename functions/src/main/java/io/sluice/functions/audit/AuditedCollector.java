package io.sluice.functions.audit;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.manifest.GarbageCollector;
import io.sluice.storage.ObjectInfo;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Writes down each collection that deletes: how many objects of how many bytes went, also if it
 * failed in the middle. Which versions they were of, the lines of their removal say.
 */
public final class AuditedCollector {
  private final GarbageCollector collector;
  private final AuditLog audit;

  public AuditedCollector(GarbageCollector collector, AuditLog audit) {
    this.collector = collector;
    this.audit = audit;
  }

  /**
   * Collects; one that only tells leaves no line.
   *
   * @param deleted called with every object that is, or would be, deleted
   * @see GarbageCollector#collect
   */
  public GarbageCollector.Report collect(
      GarbageCollector.Options options, Consumer<ObjectInfo> deleted) {
    if (options.dryRun()) {
      return collector.collect(options, deleted);
    }
    Gone gone = new Gone();
    return audit.audited(
        "collect", gone::describe, () -> collector.collect(options, gone.andThen(deleted)));
  }

  /** What went so far. */
  private static final class Gone implements Consumer<ObjectInfo> {
    private long objects;
    private long bytes;

    @Override
    public void accept(ObjectInfo object) {
      objects++;
      bytes += object.size();
    }

    void describe(ObjectNode line, Optional<GarbageCollector.Report> report) {
      line.put("objects", objects).put("bytes", bytes);
      report.ifPresent(all -> line.put("unfinished", all.unfinished()));
    }
  }
}
