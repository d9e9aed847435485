package io.sluice.functions.wiring;

import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.vertx.http.HttpServer;
import io.quarkus.vertx.http.HttpServerStart;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.functions.engine.LocalWorker;
import io.sluice.functions.engine.WorkerInvoker;
import io.sluice.functions.engine.Workforce;
import io.sluice.functions.engine.http.HttpWorkerInvoker;
import io.sluice.functions.engine.http.HttpWorkforce;
import io.sluice.functions.engine.lambda.InstanceMemory;
import io.sluice.functions.engine.lambda.InstanceTime;
import io.sluice.functions.engine.lambda.LambdaLoop;
import io.sluice.functions.engine.lambda.LambdaWorkforce;
import io.sluice.functions.engine.lambda.SignedLambdaInvoker;
import io.sluice.http.RequestSigner;
import io.sluice.job.JobStore;
import io.sluice.job.WorkerRegistry;
import io.sluice.manifest.ManifestRepository;
import io.sluice.memory.HeldShards;
import io.sluice.memory.SlabPool;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.event.ObservesAsync;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;

/** How functions of this process are invoked, and how it has workers work: the engine. */
@Singleton
public class EngineWiring {
  private static final Logger LOG = Logger.getLogger(EngineWiring.class);

  /** Set by AWS in each instance: host and port of the runtime API. */
  private static final String RUNTIME_API = "AWS_LAMBDA_RUNTIME_API";

  @Inject SluiceConfig config;

  private volatile Thread loop;

  @Produces
  @Singleton
  WorkerInvoker invoker(RequestSigner signer) {
    return new HttpWorkerInvoker(signer);
  }

  @Produces
  @Singleton
  InstanceTime instanceTime() {
    return new InstanceTime(Clock.systemUTC(), config.lambda().timeLimit());
  }

  @Produces
  @Singleton
  Workforce workforce(
      LocalWorker self,
      WorkerRegistry workers,
      WorkerInvoker invoker,
      JobStore jobs,
      InstanceTime time,
      ManifestRepository manifests,
      HeldShards held,
      SlabPool pool) {
    return switch (config.engine()) {
      case HTTP -> new HttpWorkforce(self, workers, invoker, config.job().waitLimit());
      case LAMBDA ->
          new LambdaWorkforce(
              invoker(config.lambda()),
              config
                  .lambda()
                  .worker()
                  .orElseThrow(
                      () ->
                          invalid(
                              "sluice.engine is 'lambda' but sluice.lambda.worker names no function")),
              config.lambda().fanOut(),
              config.lambda().muster(),
              self,
              workers,
              jobs,
              time,
              new InstanceMemory(manifests, held, pool));
    };
  }

  /** Takes events as soon as the server of this process answers them. */
  void start(
      @ObservesAsync HttpServerStart event,
      HttpServer server,
      LocalWorker self,
      InstanceTime time,
      @ConfigProperty(name = "quarkus.funqy.export") Optional<String> export) {
    if (config.engine() != SluiceConfig.Engine.LAMBDA) {
      return;
    }
    String api = System.getenv(RUNTIME_API);
    if (api == null || api.isBlank()) {
      LOG.errorf(
          "sluice.engine is 'lambda', but there is no runtime API: %s is not set", RUNTIME_API);
      Quarkus.asyncExit(2);
      return;
    }
    URI here = URI.create("http://127.0.0.1:" + server.getPort());
    LambdaLoop events = new LambdaLoop(api, here, export, time);
    loop =
        Thread.ofPlatform().daemon().name("sluice-lambda").start(() -> answerEvents(events, self));
  }

  void stop(@Observes ShutdownEvent event) {
    Thread running = loop;
    if (running != null) {
      running.interrupt();
    }
  }

  private static void answerEvents(LambdaLoop events, LocalWorker self) {
    try {
      while (!self.running()) {
        Thread.sleep(Duration.ofMillis(1));
      }
      events.run();
    } catch (InterruptedException e) {
      LOG.debug("no more events are taken: the process ends");
    } catch (IOException | RuntimeException e) {
      LOG.errorf(e, "no more events can be taken");
      Quarkus.asyncExit(1);
    }
  }

  private static SignedLambdaInvoker invoker(SluiceConfig.Lambda lambda) {
    String region =
        lambda
            .region()
            .or(() -> Optional.ofNullable(System.getenv("AWS_REGION")))
            .orElseThrow(
                () -> invalid("sluice.engine is 'lambda' but sluice.lambda.region is not set"));
    return new SignedLambdaInvoker(
        lambda
            .endpoint()
            .orElseGet(() -> URI.create("https://lambda." + region + ".amazonaws.com")),
        region,
        DefaultCredentialsProvider.builder().build());
  }

  private static SluiceException invalid(String message) {
    return new SluiceException(ErrorKind.INVALID, "config-invalid", message);
  }
}
