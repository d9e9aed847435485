package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.manifest.GarbageCollector;
import io.sluice.storage.ObjectInfo;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gc}: deletes what no model reaches. */
@Command(name = "gc", description = "Deletes shards and manifests that no model reaches.")
final class GcCommand extends SluiceCommand {
  /** Moves of a tag that stay as its history. */
  private static final int KEPT_MOVES = 10;

  /** Most objects that are named. */
  private static final int NAMED = 10_000;

  @Option(names = "--dry-run", description = "Tell what would be deleted, delete nothing.")
  boolean dryRun;

  @Option(
      names = "--grace",
      paramLabel = "TIME",
      description = "Younger objects stay, such as 30m or 24h (default: sluice.gc.grace, 1h).")
  Duration grace;

  @Inject SluiceConfig config;
  @Inject StoreSide store;

  @Override
  Needs needs() {
    return Needs.STORE;
  }

  @Override
  public Integer call() {
    List<ObjectInfo> deleted = Collections.synchronizedList(new ArrayList<>());
    GarbageCollector.Report report =
        store
            .collector()
            .collect(
                new GarbageCollector.Options(
                    grace != null ? grace : config.gc().grace(), KEPT_MOVES, dryRun),
                object -> {
                  if (deleted.size() < NAMED) {
                    deleted.add(object);
                  }
                });
    ObjectNode result =
        JsonNodeFactory.instance
            .objectNode()
            .put("dryRun", report.dryRun())
            .put("deletedObjects", report.deletedObjects())
            .put("deletedBytes", report.deletedBytes())
            .put("keptObjects", report.keptObjects())
            .put("keptBytes", report.keptBytes())
            .put("pinned", report.pinned())
            .put("young", report.young())
            .put("unfinished", report.unfinished());
    ArrayNode versions = result.putArray("versions");
    report.versions().forEach(versions::add);
    ArrayNode objects = result.putArray("objects");
    deleted.forEach(o -> objects.addObject().put("key", o.key()).put("size", o.size()));
    print(
        result,
        out -> {
          String verb = dryRun ? "would delete" : "deleted";
          deleted.forEach(o -> out.printf("%s %s  %s%n", verb, o.key(), ByteSize.format(o.size())));
          report.versions().forEach(version -> out.printf("%s version %s%n", verb, version));
          if (report.unfinished() > 0) {
            out.printf("%s the parts of %d unfinished objects%n", verb, report.unfinished());
          }
          out.printf(
              "%s %d objects, %s; %d stay, %s (%d only because they are young, %d because they are"
                  + " in use)%n",
              verb,
              report.deletedObjects(),
              ByteSize.format(report.deletedBytes()),
              report.keptObjects(),
              ByteSize.format(report.keptBytes()),
              report.young(),
              report.pinned());
        });
    return 0;
  }
}
