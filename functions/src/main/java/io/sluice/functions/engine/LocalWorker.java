package io.sluice.functions.engine;

import io.quarkus.arc.All;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.vertx.http.HttpServer;
import io.quarkus.vertx.http.HttpServerStart;
import io.sluice.functions.audit.AttributedKind;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.functions.trace.TracedKind;
import io.sluice.functions.trace.Tracer;
import io.sluice.job.JobKind;
import io.sluice.job.JobRunner;
import io.sluice.job.JobSignals;
import io.sluice.job.JobStore;
import io.sluice.job.StepMetrics;
import io.sluice.job.Worker;
import io.sluice.job.WorkerRegistry;
import io.sluice.memory.HeldShards;
import io.sluice.memory.SlabPool;
import io.sluice.model.Digest;
import io.sluice.model.SluiceException;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.event.ObservesAsync;
import jakarta.inject.Inject;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/**
 * This process as a worker: registered while its HTTP server runs, it says every second that it
 * lives and what it holds, and joins jobs that nobody works on.
 */
@ApplicationScoped
public class LocalWorker {
  private static final Logger LOG = Logger.getLogger(LocalWorker.class);

  @Inject SluiceConfig config;
  @Inject WorkerRegistry registry;
  @Inject JobStore store;
  @Inject JobSignals signals;
  @Inject SlabPool pool;
  @Inject HeldShards held;
  @Inject Incarnation incarnation;
  @Inject StepMetrics metrics;
  @Inject Tracer tracer;
  @Inject @All List<JobKind> kinds;

  private final Map<Digest, String> told = new HashMap<>();
  private volatile Worker worker;
  private volatile JobRunner runner;
  private ScheduledExecutorService heart;

  /** The name of this worker. */
  public String id() {
    return started().id();
  }

  /** Executes jobs here. */
  public JobRunner runner() {
    started();
    return runner;
  }

  /** Works on a job in the background if this process serves functions; others find it if not. */
  public void join(String job) {
    JobRunner current = runner;
    if (current != null) {
      current.join(job);
    }
  }

  void start(@ObservesAsync HttpServerStart event, HttpServer server) {
    int port = server.getPort();
    worker =
        new Worker(
            config.worker().id().orElseGet(() -> name(port)),
            incarnation.id(),
            config
                .worker()
                .address()
                .map(Object::toString)
                .orElseGet(() -> address(event.options().getHost(), port)),
            Instant.now(),
            pool.budgetBytes(),
            pool.freeBytes(),
            0);
    runner =
        new JobRunner(
            store,
            signals,
            registry,
            kinds.stream().map(kind -> new TracedKind(new AttributedKind(kind), tracer)).toList(),
            pool::freeBytes,
            JobRunner.Settings.of(worker.id(), config.job().parallelism()),
            metrics);
    heart =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("sluice-heart").factory());
    long period = config.worker().heartbeat().toMillis();
    if (config.worker().enabled()) {
      heart.execute(() -> registry.register(worker));
      heart.scheduleWithFixedDelay(this::beat, 0, period, TimeUnit.MILLISECONDS);
    }
    if (config.worker().exitWithStdin()) {
      Thread.ofPlatform().daemon().name("sluice-stdin").start(LocalWorker::exitWithStdin);
    }
  }

  void stop(@Observes ShutdownEvent event) {
    if (heart == null) {
      return;
    }
    heart.shutdownNow();
    runner.close();
    if (config.worker().enabled()) {
      try {
        registry.deregister(worker);
      } catch (SluiceException e) {
        LOG.warnf("worker %s could not deregister: %s", worker.id(), e.getMessage());
      }
    }
  }

  /** Whether this process serves functions by now. */
  public boolean running() {
    return runner != null;
  }

  /** Whether this process is a worker that others know of and may read from. */
  public boolean sharing() {
    return worker != null
        && config.worker().enabled()
        && config.engine() != SluiceConfig.Engine.LAMBDA;
  }

  /** Tells the registry what has changed in what this worker holds. */
  public synchronized void tell() {
    Map<Digest, String> put = new HashMap<>();
    Map<Digest, HeldShards.Held> now = held.snapshot();
    now.forEach(
        (shard, what) -> {
          String coverage = what.coverage().toString();
          if (!coverage.equals(told.get(shard))) {
            put.put(shard, coverage);
          }
        });
    Set<Digest> gone = new HashSet<>(told.keySet());
    gone.removeAll(now.keySet());
    if (!put.isEmpty() || !gone.isEmpty()) {
      registry.updateHeld(worker, put, gone);
      told.putAll(put);
      told.keySet().removeAll(gone);
    }
  }

  /** Says that this worker lives, now. */
  public void beat() {
    try {
      Worker now = worker.with(pool.freeBytes(), held.snapshot().size());
      switch (registry.heartbeat(now)) {
        case KNOWN -> tell();
        case FORGOTTEN -> retell(now);
        case REPLACED -> {
          LOG.errorf("another process has taken the name of worker %s: this one ends", now.id());
          Quarkus.asyncExit(1);
        }
      }
      runner.sweep();
    } catch (SluiceException e) {
      LOG.warnf("worker %s could not say that it lives: %s", worker.id(), e.getMessage());
    } catch (RuntimeException e) {
      // An error that got out would silence the heart for ever.
      LOG.errorf(e, "the heartbeat of worker %s failed", worker.id());
    }
  }

  private synchronized void retell(Worker now) {
    registry.register(now);
    told.clear();
    tell();
  }

  private Worker started() {
    Worker current = worker;
    if (current == null) {
      throw new IllegalStateException("this process serves no functions");
    }
    return current;
  }

  private String name(int port) {
    return config.engine() == SluiceConfig.Engine.LAMBDA
        ? "lambda-" + incarnation.id()
        : hostName() + "-" + port;
  }

  /** Of an instance of Lambda nobody but its own service can reach the server. */
  private String address(String listening, int port) {
    return config.engine() == SluiceConfig.Engine.LAMBDA
        ? "lambda://" + incarnation.id()
        : "http://" + advertised(listening) + ":" + port;
  }

  private static String advertised(String listening) {
    return switch (listening) {
      case "0.0.0.0", "::", "" -> hostName();
      default -> listening;
    };
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      LOG.warnf("this machine has no name: %s", e.getMessage());
      return "localhost";
    }
  }

  private static void exitWithStdin() {
    try {
      while (System.in.read() >= 0) {
        // Whatever the parent writes: only its end counts.
      }
    } catch (IOException e) {
      LOG.debugf("standard input broke: %s", e.getMessage());
    }
    Quarkus.asyncExit(0);
  }
}
