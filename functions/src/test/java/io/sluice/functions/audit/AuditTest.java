package io.sluice.functions.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.sluice.functions.auth.Principal;
import io.sluice.functions.auth.Role;
import io.sluice.functions.trace.TraceContext;
import io.sluice.functions.trace.TracedKind;
import io.sluice.functions.trace.Tracer;
import io.sluice.job.CommitOutcome;
import io.sluice.job.Job;
import io.sluice.job.JobContext;
import io.sluice.job.JobKind;
import io.sluice.job.JobPlan;
import io.sluice.job.Lease;
import io.sluice.job.TaskResults;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What audit lines say, and on whose behalf. */
class AuditTest {
  private final List<String> lines = new ArrayList<>();
  private final AuditLog audit =
      new AuditLog(InstantSource.fixed(Instant.parse("2026-01-02T03:04:05.678901Z")), lines::add);

  private JsonNode line() throws Exception {
    assertThat(lines).hasSize(1);
    assertThat(lines.getFirst()).doesNotContain("\n");
    return new ObjectMapper().readTree(lines.getFirst());
  }

  @Test
  void whatIsDoneForSomebodySaysForWhom() throws Exception {
    Caller caller =
        new Caller(new Principal("token:c\"i\n", Role.WRITE), "request-1", Optional.empty());
    String result =
        caller.call(
            () ->
                audit.audited(
                    "publish", "m:latest", Optional.empty(), r -> "v of " + r, () -> "r"));
    assertThat(result).isEqualTo("r");
    assertThat(line())
        .isEqualTo(
            new ObjectMapper()
                .readTree(
                    """
                    {"time":"2026-01-02T03:04:05.678Z","principal":"token:c\\"i\\n",
                     "action":"publish","request":"request-1","model":"m:latest",
                     "version":"v of r","outcome":"done"}"""));
    assertThat(Caller.current()).isEmpty();
  }

  @Test
  void whatFailsSaysWhy() throws Exception {
    assertThatThrownBy(
            () ->
                audit.<String>audited(
                    "tag",
                    "m:x",
                    Optional.of("v"),
                    r -> r,
                    () -> {
                      throw new SluiceException(ErrorKind.CONFLICT, "tag-moved", "moved");
                    }))
        .hasMessage("moved");
    assertThat(line().get("outcome").textValue()).isEqualTo("tag-moved");
    assertThat(line().get("version").textValue()).isEqualTo("v");
    assertThat(line().get("principal").textValue()).isEqualTo("process");
  }

  @Test
  void whatStandsAroundAKindPassesOnThatAJobWasLeft() {
    List<String> left = new ArrayList<>();
    JobKind kind = new Leaving(left);
    new TracedKind(new AttributedKind(kind), Tracer.OFF).left("job-1");
    assertThat(left).containsExactly("job-1");
  }

  /** A kind of no jobs. */
  private record Leaving(List<String> jobs) implements JobKind {
    @Override
    public String kind() {
      return "none";
    }

    @Override
    public JobPlan plan(Job job, JobContext context) {
      throw new UnsupportedOperationException();
    }

    @Override
    public JsonNode execute(Lease.TaskLease task, JobContext context) {
      throw new UnsupportedOperationException();
    }

    @Override
    public CommitOutcome commit(Job job, TaskResults results, JobContext context) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void left(String job) {
      jobs.add(job);
    }
  }

  @Test
  void theCallerGoesWithTheRequestOfAJob() {
    TraceContext trace =
        TraceContext.parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").orElseThrow();
    Caller caller = new Caller(new Principal("jwt:alice", Role.READ), "r-1", Optional.of(trace));
    JsonNode noted = caller.noteIn(JsonNodeFactory.instance.objectNode().put("model", "m"));
    assertThat(noted.get("model").textValue()).isEqualTo("m");
    assertThat(Caller.of(noted)).contains(caller);
    assertThat(Caller.of(JsonNodeFactory.instance.objectNode())).isEmpty();
  }
}
