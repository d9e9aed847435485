package io.sluice.devservices;

import io.quarkus.runtime.annotations.ConfigPhase;
import io.quarkus.runtime.annotations.ConfigRoot;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.util.Optional;

/**
 * Dev services: an S3 and a Redis without containers, in dev and test mode only. Each is used
 * unless the application configures its own ({@code quarkus.s3.endpoint-override}, {@code
 * quarkus.redis.hosts}).
 *
 * <p>It is also known at run time, where it does nothing, so that an application that maps all of
 * {@code sluice} does not take these properties for mistakes.
 */
@ConfigMapping(prefix = "sluice.dev-services")
@ConfigRoot(phase = ConfigPhase.BUILD_AND_RUN_TIME_FIXED)
public interface SluiceDevServicesConfig {
  /** Whether dev services may start. */
  @WithDefault("true")
  boolean enabled();

  /** Where the S3 objects are kept; unless given, they go with the process. */
  Optional<String> data();

  /** The S3 bucket. */
  @WithDefault("sluice")
  String bucket();
}
