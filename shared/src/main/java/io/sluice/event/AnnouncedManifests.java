package io.sluice.event;

import io.sluice.manifest.ManifestRepository;
import io.sluice.manifest.ModelManifest;
import io.sluice.manifest.ModelSummary;
import io.sluice.manifest.TagMove;
import io.sluice.model.Digest;
import io.sluice.model.ModelRef;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/**
 * Manifests whose publication is told to others. A publication never fails because it could not be
 * told.
 */
public final class AnnouncedManifests implements ManifestRepository {
  private static final Logger LOG = Logger.getLogger(AnnouncedManifests.class);

  private final ManifestRepository manifests;
  private final String source;
  private final InstantSource clock;
  private final Consumer<CloudEvent> announcer;

  /**
   * @param source of the events
   * @param announcer sees to it that an event is delivered, and returns soon
   */
  public AnnouncedManifests(
      ManifestRepository manifests,
      String source,
      InstantSource clock,
      Consumer<CloudEvent> announcer) {
    this.manifests = Objects.requireNonNull(manifests, "manifests");
    this.source = Objects.requireNonNull(source, "source");
    this.clock = Objects.requireNonNull(clock, "clock");
    this.announcer = Objects.requireNonNull(announcer, "announcer");
  }

  @Override
  public Published publish(
      String name, ModelManifest manifest, Optional<String> tag, Optional<Digest> expected) {
    Published published = manifests.publish(name, manifest, tag, expected);
    try {
      announcer.accept(ModelUploaded.event(source, published, manifest, clock.instant()));
    } catch (RuntimeException e) {
      LOG.warnf(e, "%s@%s is published, but no event will tell it", name, published.version());
    }
    return published;
  }

  @Override
  public Resolved resolve(ModelRef ref) {
    return manifests.resolve(ref);
  }

  @Override
  public ModelManifest load(String name, Digest version) {
    return manifests.load(name, version);
  }

  @Override
  public List<ModelSummary> list() {
    return manifests.list();
  }

  @Override
  public ModelSummary model(String name) {
    return manifests.model(name);
  }

  @Override
  public List<TagMove> history(String name, String tag) {
    return manifests.history(name, tag);
  }

  @Override
  public TagMove tag(String name, String tag, Digest version, Optional<Digest> expected) {
    return manifests.tag(name, tag, version, expected);
  }

  @Override
  public Removed remove(ModelRef ref, boolean force) {
    return manifests.remove(ref, force);
  }

  @Override
  public Rebuilt rebuild() {
    return manifests.rebuild();
  }
}
