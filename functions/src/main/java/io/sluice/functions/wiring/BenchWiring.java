package io.sluice.functions.wiring;

import io.quarkus.arc.ClientProxy;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.measure.StoreAccess;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import jakarta.enterprise.inject.Instance;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.net.URI;
import java.util.Optional;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import software.amazon.awssdk.identity.spi.AwsCredentialsIdentity;
import software.amazon.awssdk.identity.spi.AwsSessionCredentialsIdentity;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ServiceClientConfiguration;

/** What benchmarks need to reach the configured store by themselves. */
public class BenchWiring {
  @Inject SluiceConfig config;
  @Inject Instance<S3Client> s3;

  @ConfigProperty(name = "quarkus.s3.path-style-access", defaultValue = "false")
  boolean pathStyle;

  @Produces
  @Singleton
  StoreAccess access() {
    if (config.store() != SluiceConfig.StoreKind.S3) {
      throw new SluiceException(
          ErrorKind.INVALID,
          "bench-store-unsupported",
          "benchmarks need an S3 store, sluice.store is '" + config.store() + "'");
    }
    S3ServiceClientConfiguration client = ClientProxy.unwrap(s3.get()).serviceClientConfiguration();
    AwsCredentialsIdentity credentials = client.credentialsProvider().resolveIdentity().join();
    String region = client.region().id();
    Optional<URI> endpoint = client.endpointOverride();
    String prefix = config.s3().prefix().orElse("");
    return new StoreAccess(
        endpoint.orElseGet(() -> URI.create("https://s3." + region + ".amazonaws.com")),
        pathStyle,
        region,
        config.s3().bucket(),
        prefix.isEmpty() || prefix.endsWith("/") ? prefix : prefix + "/",
        credentials.accessKeyId(),
        credentials.secretAccessKey(),
        credentials instanceof AwsSessionCredentialsIdentity session ? session.sessionToken() : "");
  }
}
