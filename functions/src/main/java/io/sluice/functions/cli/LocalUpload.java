package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.functions.engine.JobService;
import io.sluice.job.Job;
import io.sluice.job.JobEvent;
import io.sluice.job.JobRunner;
import io.sluice.job.JobSignals;
import io.sluice.job.JobState;
import io.sluice.job.JobStore;
import io.sluice.job.JobWaiter;
import io.sluice.job.ShardPins;
import io.sluice.job.WorkSummary;
import io.sluice.job.WorkerRegistry;
import io.sluice.manifest.ManifestRepository;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.ModelRef;
import io.sluice.model.SluiceException;
import io.sluice.plan.PlanOptions;
import io.sluice.source.FolderSource;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ShardStore;
import io.sluice.upload.TransferMemory;
import io.sluice.upload.UploadKind;
import io.sluice.upload.UploadSpec;
import jakarta.enterprise.context.Dependent;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Inject;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * The upload of files that only this machine has: a job like every other one, whose tasks this
 * process does itself. If it dies, the same upload started again goes on with the same job.
 */
@Dependent
class LocalUpload {
  private static final Duration LOOK = Duration.ofMillis(250);
  private static final int PAGE = 1_000;

  @Inject SluiceConfig config;
  @Inject Instance<JobStore> jobs;
  @Inject Instance<JobSignals> signals;
  @Inject Instance<JobWaiter> waiter;
  @Inject Instance<WorkerRegistry> workers;
  @Inject Instance<ShardStore> store;
  @Inject Instance<ManifestRepository> manifests;
  @Inject Instance<ShardPins> pins;
  @Inject Instance<TransferMemory> memory;

  /** Without the digests of whole files. */
  JsonNode upload(
      Path path,
      ModelRef model,
      PlanOptions options,
      Optional<Digest> expected,
      ProgressView progress)
      throws InterruptedException {
    return upload(path, model, options, expected, false, progress);
  }

  /**
   * Uploads a folder or file, and waits for the end.
   *
   * @param fileDigests whether the SHA-256 of every whole file is wanted
   * @return the result of the upload
   */
  JsonNode upload(
      Path path,
      ModelRef model,
      PlanOptions options,
      Optional<Digest> expected,
      boolean fileDigests,
      ProgressView progress)
      throws InterruptedException {
    String fingerprint = fingerprint(path);
    UploadSpec spec =
        new UploadSpec(
            source(path).toString(), model, options, expected, OptionalInt.empty(), fileDigests);
    try (JobRunner runner = runner()) {
      String id = job(spec, fingerprint, progress);
      CompletableFuture<WorkSummary> work = runner.join(id);
      show(id, work, progress);
      Job job = work.get().job();
      if (job.state() == JobState.CANCELLED) {
        throw new SluiceException(
            ErrorKind.CONFLICT, "job-cancelled", "job " + job.id() + " was cancelled");
      }
      return JobService.answer(job);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof RuntimeException failure
          ? failure
          : new IllegalStateException(e.getCause());
    }
  }

  /**
   * The job of this upload: the one that is alive, or a new one. Jobs of the same upload that found
   * the files in another state can never end, and are cancelled.
   */
  private String job(UploadSpec spec, String fingerprint, ProgressView progress) {
    JsonNode request = spec.toJson();
    List<Job> before =
        jobs.get().active().stream()
            .map(jobs.get()::get)
            .filter(job -> job.kind().equals(UploadKind.UPLOAD_LOCAL))
            // By text: numbers that were read are not equal to numbers that were written.
            .filter(job -> job.request().toString().equals(request.toString()))
            .toList();
    String id =
        jobs.get()
            .create(UploadKind.UPLOAD_LOCAL, request, Optional.of(request + " " + fingerprint));
    for (Job job : before) {
      if (job.id().equals(id)) {
        progress.say("goes on with job " + id);
      } else if (jobs.get().cancel(job.id())) {
        progress.say("the files have changed since job " + job.id() + ", which is cancelled");
      }
    }
    return id;
  }

  /** Shows events until the job is over, or until its work here has ended without an end of it. */
  private void show(String id, CompletableFuture<?> work, ProgressView progress)
      throws InterruptedException {
    String after = JobEvent.START;
    while (true) {
      boolean over = work.isDone();
      List<JobEvent> events =
          waiter.get().awaitEvents(id, after, PAGE, over ? Duration.ZERO : LOOK);
      for (JobEvent event : events) {
        progress.event(event.type().text(), event.data());
        after = event.id();
        if (event.type() == JobEvent.Type.STATE && JobFollower.over(event.data())) {
          return; // the last event there is
        }
      }
      if (over && events.size() < PAGE) {
        return;
      }
    }
  }

  private JobRunner runner() {
    UploadKind kind =
        new UploadKind(
            UploadKind.UPLOAD_LOCAL,
            source -> new FolderSource(Path.of(URI.create(source).getPath()), real -> true),
            store.get(),
            manifests.get(),
            pins.get(),
            memory.get(),
            config.upload().reads());
    String id = "cli-" + UUID.randomUUID().toString().substring(0, 8);
    return new JobRunner(
        jobs.get(),
        signals.get(),
        workers.get(),
        List.of(kind),
        memory.get()::bytes,
        JobRunner.Settings.of(id, config.job().parallelism()));
  }

  /** Differs when a file was added, taken away or changed. */
  private static String fingerprint(Path path) {
    StringBuilder files = new StringBuilder();
    try (FolderSource source = new FolderSource(path, real -> true)) {
      for (ObjectInfo file : source.files()) {
        files.append(file.key()).append('\0').append(file.etag()).append('\n');
      }
    }
    return Digest.sha256(files.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8)).hex();
  }

  /** {@code file://host/path}: the path alone names other files on other machines. */
  private static URI source(Path path) {
    try {
      String host = InetAddress.getLocalHost().getHostName();
      return new URI("file", host, path.toAbsolutePath().normalize().toString(), null);
    } catch (UnknownHostException | URISyntaxException e) {
      return path.toAbsolutePath().normalize().toUri();
    }
  }
}
