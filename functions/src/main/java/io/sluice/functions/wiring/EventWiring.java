package io.sluice.functions.wiring;

import io.sluice.event.AnnounceKind;
import io.sluice.event.AnnouncedManifests;
import io.sluice.event.SeenEvents;
import io.sluice.event.redis.RedisSeenEvents;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.functions.engine.LocalWorker;
import io.sluice.functions.engine.http.HttpEventSink;
import io.sluice.job.JobKind;
import io.sluice.job.JobStore;
import io.sluice.manifest.ManifestRepository;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import io.sluice.redis.RedisClient;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.net.URI;
import java.time.InstantSource;
import java.util.Optional;

/** Events that are sent and received. */
public class EventWiring {
  @Inject SluiceConfig config;

  @Produces
  @Singleton
  SeenEvents seen(RedisClient redis) {
    return new RedisSeenEvents(redis, config.redis().prefix());
  }

  @Produces
  @Singleton
  JobKind announce() {
    return new AnnounceKind(
        new HttpEventSink(config.events().authorization()), config.events().patience());
  }

  /** Manifests that tell the sink what is published, if there is one. */
  static ManifestRepository announced(
      SluiceConfig.Events events, ManifestRepository manifests, JobStore jobs, LocalWorker self) {
    Optional<URI> sink = events.sink().map(EventWiring::checked);
    if (sink.isEmpty()) {
      return manifests;
    }
    return new AnnouncedManifests(
        manifests,
        events.source(),
        InstantSource.system(),
        event ->
            self.join(
                jobs.create(
                    AnnounceKind.ANNOUNCE,
                    AnnounceKind.request(sink.get(), event),
                    Optional.of(event.key()))));
  }

  private static URI checked(URI sink) {
    boolean http = "http".equals(sink.getScheme()) || "https".equals(sink.getScheme());
    if (!http || sink.getHost() == null) {
      throw new SluiceException(
          ErrorKind.INVALID,
          "config-invalid",
          "sluice.events.sink is http://host/path or https://host/path, got '" + sink + "'");
    }
    return sink;
  }
}
