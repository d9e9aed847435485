package io.sluice.functions.wiring;

import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.vertx.http.HttpServerStart;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.http.HttpTransport;
import io.sluice.http.TransportSettings;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import io.sluice.storage.RetryPolicy;
import io.sluice.storage.ShardStore;
import io.sluice.storage.s3.S3Transport;
import io.sluice.upload.SourceOpener;
import jakarta.enterprise.event.ObservesAsync;
import jakarta.enterprise.inject.Disposes;
import jakarta.enterprise.inject.Instance;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.net.http.HttpClient;
import java.time.Duration;
import org.jboss.logging.Logger;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;

/** The store of this process, what reaches it, and what else is read from. */
public class StoreWiring {
  private static final Logger LOG = Logger.getLogger(StoreWiring.class);

  /** Asked for when a process starts; there is no such object. */
  private static final String WARM = "health/warm";

  @Inject SluiceConfig config;
  @Inject Instance<S3Client> s3;
  @Inject MeterRegistry meters;

  @Produces
  @Singleton
  RetryPolicy retryPolicy() {
    RetryPolicy defaults = RetryPolicy.DEFAULT;
    return new RetryPolicy(
        config.retry().attempts(),
        defaults.baseDelay(),
        defaults.maxDelay(),
        config.retry().deadline());
  }

  /** The store of {@code sluice.store}, where this process keeps its models. */
  @Produces
  @Singleton
  ShardStore store(StoreFactory stores) {
    return stores.open(config.store());
  }

  @Produces
  @Singleton
  SourceOpener sources(RetryPolicy retry) {
    HttpClient http =
        HttpClient.newBuilder()
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(Duration.ofSeconds(10))
            .build();
    return new ConfiguredSources(config.sources(), s3::get, http, retry);
  }

  /** The connections to stores, shared by all that reads and writes there. */
  @Produces
  @Singleton
  HttpTransport transport() {
    return new HttpTransport(
        TransportSettings.defaults()
            .withConnectTimeout(config.s3().connectTimeout())
            .withStallTimeout(config.s3().stallTimeout()),
        new MicrometerTransportMetrics(meters));
  }

  void close(@Disposes HttpTransport transport) {
    transport.close();
  }

  /**
   * The client of the settings {@code quarkus.s3.*}, over our transport; made when it is first
   * needed.
   */
  @Produces
  @Singleton
  S3Client s3(S3ClientBuilder builder, HttpTransport transport) {
    try {
      return S3Transport.install(builder, transport, config.s3().signBodies()).build();
    } catch (SdkClientException e) {
      throw new SluiceException(
          ErrorKind.INVALID,
          "config-invalid",
          "no S3 client can be made of the settings quarkus.s3.*: " + e.getMessage(),
          e);
    }
  }

  void close(@Disposes S3Client client) {
    client.close();
  }

  /**
   * Makes the first request of a serving process while nobody waits for it: it makes the client,
   * its credentials and a connection. What it learns does not matter.
   */
  void warm(@ObservesAsync HttpServerStart event, ShardStore store) {
    try {
      store.head(WARM);
    } catch (SluiceException e) {
      LOG.debugf("the store was asked in advance: %s", e.getMessage());
    }
  }
}
