package io.sluice.functions.wiring;

import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.arc.ClientProxy;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import io.sluice.storage.MeteredShardStore;
import io.sluice.storage.RetryPolicy;
import io.sluice.storage.RetryingShardStore;
import io.sluice.storage.ShardStore;
import io.sluice.storage.file.FileShardStore;
import io.sluice.storage.s3.MultipartSettings;
import io.sluice.storage.s3.S3ShardStore;
import io.sluice.upload.SourceOpener;
import jakarta.enterprise.inject.CreationException;
import jakarta.enterprise.inject.Instance;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.net.http.HttpClient;
import java.time.Duration;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.s3.S3Client;

/**
 * Which store is behind the port, and the order of what decorates it: retries around metrics around
 * the adapter, so that every try is counted.
 */
public class StoreWiring {
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

  @Produces
  @Singleton
  ShardStore store(RetryPolicy retry) {
    return new RetryingShardStore(
        new MeteredShardStore(adapter(retry), new MicrometerStoreMetrics(meters)), retry);
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

  private ShardStore adapter(RetryPolicy retry) {
    return switch (config.store()) {
      case S3 ->
          new S3ShardStore(
              client(),
              config.s3().bucket(),
              config.s3().prefix().orElse(""),
              new MultipartSettings(
                  config.s3().multipartThreshold().asLongValue(),
                  config.s3().partSize().asLongValue(),
                  config.s3().partParallelism()),
              retry);
      case FILE ->
          new FileShardStore(
              config
                  .file()
                  .root()
                  .orElseThrow(
                      () ->
                          new SluiceException(
                              ErrorKind.INVALID,
                              "config-invalid",
                              "sluice.store is 'file' but sluice.file.root is not set")));
    };
  }

  /** The client itself and not its proxy: what is wrong with its settings is told here. */
  private S3Client client() {
    try {
      return ClientProxy.unwrap(s3.get());
    } catch (CreationException e) {
      if (e.getCause() instanceof SdkClientException cause) {
        throw new SluiceException(
            ErrorKind.INVALID,
            "config-invalid",
            "no S3 client can be made of the settings quarkus.s3.*: " + cause.getMessage(),
            e);
      }
      throw e;
    }
  }
}
