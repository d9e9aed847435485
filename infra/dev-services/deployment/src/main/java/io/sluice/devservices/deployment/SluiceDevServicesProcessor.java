package io.sluice.devservices.deployment;

import io.quarkus.bootstrap.model.ApplicationModel;
import io.quarkus.deployment.IsDevServicesSupportedByLaunchMode;
import io.quarkus.deployment.annotations.BuildProducer;
import io.quarkus.deployment.annotations.BuildStep;
import io.quarkus.deployment.annotations.BuildSteps;
import io.quarkus.deployment.builditem.DevServicesResultBuildItem;
import io.quarkus.deployment.dev.devservices.DevServicesConfig;
import io.quarkus.deployment.pkg.builditem.CurateOutcomeBuildItem;
import io.quarkus.runtime.configuration.ConfigUtils;
import io.sluice.devservices.SluiceDevServicesConfig;
import io.sluice.launcher.EmbeddedEndpoints;
import io.sluice.launcher.Launch;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;

/** One dev service, {@code sluice}: the embedded program in a process of its own. */
@BuildSteps(onlyIf = {IsDevServicesSupportedByLaunchMode.class, DevServicesConfig.Enabled.class})
class SluiceDevServicesProcessor {
  private static final String NAME = "sluice";
  private static final String REDIS_HOSTS = "quarkus.redis.hosts";
  private static final String S3_ENDPOINT = "quarkus.s3.endpoint-override";

  private static final Map<String, Function<EmbeddedEndpoints, String>> REDIS_SETTINGS =
      Map.of(REDIS_HOSTS, EmbeddedEndpoints::redisUrl);

  private static final Map<String, Function<EmbeddedEndpoints, String>> S3_SETTINGS =
      Map.of(
          S3_ENDPOINT,
          EmbeddedEndpoints::endpoint,
          "quarkus.s3.path-style-access",
          endpoints -> "true",
          "quarkus.s3.aws.region",
          EmbeddedEndpoints::region,
          "quarkus.s3.aws.credentials.type",
          endpoints -> "static",
          "quarkus.s3.aws.credentials.static-provider.access-key-id",
          EmbeddedEndpoints::accessKey,
          "quarkus.s3.aws.credentials.static-provider.secret-access-key",
          EmbeddedEndpoints::secretKey,
          "sluice.s3.bucket",
          EmbeddedEndpoints::bucket);

  @BuildStep
  void embedded(
      SluiceDevServicesConfig config,
      CurateOutcomeBuildItem application,
      BuildProducer<DevServicesResultBuildItem> services) {
    Map<String, Function<EmbeddedService, String>> settings = new HashMap<>();
    addUnlessConfigured(REDIS_HOSTS, REDIS_SETTINGS, settings);
    addUnlessConfigured(S3_ENDPOINT, S3_SETTINGS, settings);
    if (!config.enabled() || settings.isEmpty()) {
      return;
    }
    ApplicationModel model = application.getApplicationModel();
    services.produce(
        DevServicesResultBuildItem.<EmbeddedService>owned()
            .feature(NAME)
            .serviceName(NAME)
            .description("S3 and Redis without containers")
            .serviceConfig(config)
            .startable(() -> new EmbeddedService(launch(config, model)))
            .configProvider(settings)
            .build());
  }

  private static void addUnlessConfigured(
      String property,
      Map<String, Function<EmbeddedEndpoints, String>> from,
      Map<String, Function<EmbeddedService, String>> to) {
    if (!ConfigUtils.isPropertyNonEmpty(property)) {
      from.forEach((key, value) -> to.put(key, service -> value.apply(service.endpoints())));
    }
  }

  private static Launch launch(SluiceDevServicesConfig config, ApplicationModel model) {
    Launch launch = Launch.ofClassPath(EmbeddedClassPath.of(model)).withBucket(config.bucket());
    return config.data().map(Path::of).map(launch::withData).orElse(launch);
  }
}
