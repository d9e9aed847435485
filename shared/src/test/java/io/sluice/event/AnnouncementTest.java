package io.sluice.event;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.job.Job;
import io.sluice.job.JobRunner;
import io.sluice.job.JobSettings;
import io.sluice.job.JobState;
import io.sluice.job.redis.RedisJobSignals;
import io.sluice.job.redis.RedisJobStore;
import io.sluice.job.redis.RedisWorkerRegistry;
import io.sluice.model.ErrorKind;
import io.sluice.redis.RedisClient;
import io.sluice.redis.TestRedis;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The delivery of an event as a job, over a real Redis. */
@Timeout(60)
class AnnouncementTest {
  private static final URI SINK = URI.create("http://broker/default");
  private static final CloudEvent EVENT =
      new CloudEvent(
          "1",
          "/sluice",
          ModelUploaded.TYPE,
          Optional.of("m"),
          Optional.empty(),
          com.fasterxml.jackson.databind.node.JsonNodeFactory.instance
              .objectNode()
              .put("model", "m"));

  private final String prefix = TestRedis.prefix();
  private final RedisClient client = TestRedis.shared().client();
  private final RedisJobStore store = new RedisJobStore(client, prefix, JobSettings.defaults());
  private final List<AutoCloseable> opened = new ArrayList<>(List.of(client));
  private final List<CloudEvent> delivered = new CopyOnWriteArrayList<>();

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable resource : opened.reversed()) {
      resource.close();
    }
  }

  private Job announce(EventSink sink, Duration patience) throws InterruptedException {
    RedisJobSignals signals = new RedisJobSignals(client, prefix);
    opened.add(signals);
    JobRunner runner =
        new JobRunner(
            store,
            signals,
            new RedisWorkerRegistry(client, prefix, Duration.ofMinutes(1)),
            List.of(new AnnounceKind(sink, patience)),
            () -> 0,
            JobRunner.Settings.of("w1", 1));
    opened.add(runner);
    String id =
        store.create(
            AnnounceKind.ANNOUNCE, AnnounceKind.request(SINK, EVENT), Optional.of(EVENT.key()));
    assertThat(
            store.create(
                AnnounceKind.ANNOUNCE, AnnounceKind.request(SINK, EVENT), Optional.of(EVENT.key())))
        .as("told again")
        .isEqualTo(id);
    return runner.work(id).job();
  }

  @Test
  void whatCannotBeDeliveredIsTriedAgain() throws InterruptedException {
    List<URI> tried = new CopyOnWriteArrayList<>();
    Job job =
        announce(
            (to, event) -> {
              tried.add(to);
              if (tried.size() < 3) {
                throw new EventException(ErrorKind.TRANSIENT, "sink-refused", "not now");
              }
              delivered.add(event);
            },
            Duration.ofMinutes(1));
    assertThat(job.state()).isEqualTo(JobState.SUCCEEDED);
    assertThat(job.result().orElseThrow().get("tries").intValue()).isEqualTo(3);
    assertThat(tried).containsOnly(SINK).hasSize(3);
    assertThat(delivered).containsExactly(EVENT);
  }

  @Test
  void whatIsRefusedIsToBeSeenAmongTheJobs() throws InterruptedException {
    Job job =
        announce(
            (to, event) -> {
              delivered.add(event);
              throw new EventException(ErrorKind.FATAL, "sink-refused", "status 400");
            },
            Duration.ofMinutes(1));
    assertThat(job.state()).isEqualTo(JobState.FAILED);
    assertThat(job.error().orElseThrow().code()).isEqualTo("sink-refused");
    assertThat(delivered).hasSize(1);
  }

  @Test
  void patienceEndsAndEveryAttemptOfTheJobHasItsOwn() throws InterruptedException {
    Job job =
        announce(
            (to, event) -> {
              delivered.add(event);
              throw new EventException(ErrorKind.TRANSIENT, "sink-unreachable", "nobody there");
            },
            Duration.ZERO);
    assertThat(job.state()).isEqualTo(JobState.FAILED);
    assertThat(delivered).as("attempts of the job").hasSize(JobSettings.defaults().maxAttempts());
  }
}
