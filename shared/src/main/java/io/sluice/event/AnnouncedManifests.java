package io.sluice.event;

import io.sluice.manifest.ForwardingManifests;
import io.sluice.manifest.ManifestRepository;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.Digest;
import java.time.InstantSource;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/**
 * Manifests whose publication is told to others. A publication never fails because it could not be
 * told.
 */
public final class AnnouncedManifests extends ForwardingManifests {
  private static final Logger LOG = Logger.getLogger(AnnouncedManifests.class);

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
    super(manifests);
    this.source = Objects.requireNonNull(source, "source");
    this.clock = Objects.requireNonNull(clock, "clock");
    this.announcer = Objects.requireNonNull(announcer, "announcer");
  }

  @Override
  public Published publish(
      String name, ModelManifest manifest, Optional<String> tag, Optional<Digest> expected) {
    Published published = super.publish(name, manifest, tag, expected);
    try {
      announcer.accept(ModelUploaded.event(source, published, manifest, clock.instant()));
    } catch (RuntimeException e) {
      LOG.warnf(e, "%s@%s is published, but no event will tell it", name, published.version());
    }
    return published;
  }
}
