package io.sluice.functions.audit;

import io.sluice.functions.auth.AccessTable;
import io.sluice.functions.auth.Role;
import io.sluice.manifest.ForwardingManifests;
import io.sluice.manifest.ManifestRepository;
import io.sluice.manifest.ModelManifest;
import io.sluice.manifest.TagMove;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.ModelRef;
import io.sluice.model.SluiceException;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Writes down each change of what is stored, and lets nobody make one whose role does not allow it:
 * triggers check that before a job starts, this is for what they might let through.
 */
public final class AuditedManifests extends ForwardingManifests {
  private final AuditLog audit;

  public AuditedManifests(ManifestRepository repository, AuditLog audit) {
    super(repository);
    this.audit = audit;
  }

  @Override
  public Published publish(
      String name, ModelManifest manifest, Optional<String> tag, Optional<Digest> expected) {
    return audit.audited(
        "publish",
        name + tag.map(t -> ":" + t).orElse(""),
        Optional.empty(),
        published -> published.version().toString(),
        () -> {
          check(AccessTable.storing());
          return super.publish(name, manifest, tag, expected);
        });
  }

  @Override
  public TagMove tag(String name, String tag, Digest version, Optional<Digest> expected) {
    return audit.audited(
        "tag",
        name + ":" + tag,
        Optional.of(version.toString()),
        move -> version.toString(),
        () -> {
          check(Role.WRITE);
          return super.tag(name, tag, version, expected);
        });
  }

  @Override
  public Removed remove(ModelRef ref, boolean force) {
    return audit.audited(
        "delete",
        ref.toString(),
        ref.version().map(Digest::toString),
        removed ->
            removed.versions().stream().map(Digest::toString).collect(Collectors.joining(" ")),
        () -> {
          check(Role.ADMIN);
          return super.remove(ref, force);
        });
  }

  /**
   * A process that acts for nobody, as the command line, acts by the rights it has to the store.
   */
  private static void check(Role needed) {
    Optional<Caller> caller = Caller.current();
    if (caller.isPresent() && !caller.get().principal().role().covers(needed)) {
      throw new SluiceException(
          ErrorKind.FORBIDDEN,
          "role-missing",
          "'%s' has the role '%s', this needs '%s'"
              .formatted(
                  caller.get().principal().name(),
                  caller.get().principal().role().text(),
                  needed.text()));
    }
  }
}
