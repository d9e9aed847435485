package io.sluice.functions.trace;

import io.sluice.job.Job;
import io.sluice.model.SluiceException;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** Makes spans of what happens, if traces are collected; else nothing. */
public final class Tracer {
  /** Makes none. */
  public static final Tracer OFF = new Tracer(Optional.empty());

  private final Optional<Consumer<Span>> spans;

  private Tracer(Optional<Consumer<Span>> spans) {
    this.spans = spans;
  }

  /** Sends spans to a collector. */
  public static Tracer to(OtlpExporter exporter) {
    return new Tracer(Optional.of(exporter::add));
  }

  /** Something that runs. */
  public final class Running {
    private final TraceContext context;
    private final Optional<String> parent;
    private final String name;
    private final boolean server;
    private final Instant start = Instant.now();

    private Running(TraceContext context, Optional<String> parent, String name, boolean server) {
      this.context = context;
      this.parent = parent;
      this.name = name;
      this.server = server;
    }

    /** Where it is in its trace. */
    public TraceContext context() {
      return context;
    }

    /** It has ended. */
    public void end(Map<String, String> attributes, Optional<String> error) {
      add(new Span(context, parent, name, server, start, Instant.now(), attributes, error));
    }
  }

  /** Whether traces are collected. */
  public boolean on() {
    return spans.isPresent();
  }

  /** A request begins; it belongs to the trace of who sent it, or begins one. */
  public Running request(String name, Optional<TraceContext> sent) {
    return new Running(
        sent.map(TraceContext::child).orElseGet(TraceContext::root),
        sent.map(TraceContext::spanId),
        name,
        true);
  }

  /** A step of a job begins, below the span of the job. */
  Running step(TraceContext request, String job, String name) {
    TraceContext parent = request.named(job);
    return new Running(parent.child(), Optional.of(parent.spanId()), name, false);
  }

  /** A job has succeeded; whoever finds that out says so for all. */
  void job(TraceContext request, Job job) {
    add(
        new Span(
            request.named(job.id()),
            Optional.of(request.spanId()),
            job.kind(),
            false,
            job.createdAt(),
            Instant.now(),
            Map.of("sluice.job", job.id()),
            Optional.empty()));
  }

  static String code(Throwable failure) {
    return failure instanceof SluiceException known ? known.code() : failure.getClass().getName();
  }

  private void add(Span span) {
    if (span.context().sampled()) {
      spans.ifPresent(to -> to.accept(span));
    }
  }
}
