package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.functions.bench.FanoutSubject;
import io.sluice.measure.Round;
import io.sluice.measure.Summary;
import io.sluice.plan.LoadEstimate;
import io.sluice.plan.LoadEstimator;
import io.sluice.plan.LoadScenario;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Loads by more and more workers, beside what the planner predicts. */
final class BenchFanout {
  private final FanoutSubject.Work work;
  private final Map<Integer, List<Round>> rounds = new TreeMap<>();

  BenchFanout(FanoutSubject.Work work) {
    this.work = work;
    work.workers().forEach(n -> rounds.put(n, new ArrayList<>()));
  }

  /** Goes through the numbers of workers in turn. */
  void run(BenchProcess subject, int warmup, int repeat, ProgressView view)
      throws InterruptedException {
    view.count("rounds");
    int count = (warmup + repeat) * work.workers().size();
    long total =
        (warmup + repeat)
            * work.workers().stream().mapToLong(n -> n).sum()
            * work.shardsPerWorker()
            * work.spec().shards().getFirst().size();
    long bytes = 0;
    for (int i = 0; i < count; i++) {
      Round round = subject.round();
      if (i >= warmup * work.workers().size()) {
        rounds.get(work.workers().get(i % work.workers().size())).add(round);
      }
      bytes += round.bytes();
      view.update(i + 1, count, bytes, total);
    }
  }

  private Summary speed(int workers) {
    return Summary.of(
        rounds.get(workers).stream().mapToDouble(Round::gigabytesPerSecond).toArray());
  }

  private Summary seconds(int workers) {
    return Summary.of(rounds.get(workers).stream().mapToDouble(Round::seconds).toArray());
  }

  private Summary cpu(int workers) {
    return Summary.of(rounds.get(workers).stream().mapToDouble(Round::cpuPerGib).toArray());
  }

  /** How many times as fast as one worker; as the fewest, if one was not measured. */
  private double times(int workers) {
    int fewest = Collections.min(rounds.keySet());
    return speed(workers).median() / speed(fewest).median() * fewest;
  }

  /** What {@code sluice plan} says of so many workers that load so much. */
  private LoadEstimate predicted(int workers) {
    long shard = work.spec().shards().getFirst().size();
    return LoadEstimator.estimate(
        new LoadScenario(
            Collections.nCopies(workers * work.shardsPerWorker(), shard),
            work.spec().shards().getFirst().checksums().chunkSize(),
            workers,
            1,
            Long.MAX_VALUE,
            new LoadScenario.Network(
                work.bandwidth(),
                work.spec().connections(),
                0,
                0,
                Double.POSITIVE_INFINITY,
                Double.POSITIVE_INFINITY)));
  }

  /** Adds the measured and the predicted points. */
  void describe(ObjectNode json) {
    json.put("bandwidth", work.bandwidth()).put("shardsPerWorker", work.shardsPerWorker());
    ArrayNode points = json.putArray("points");
    for (int workers : rounds.keySet()) {
      LoadEstimate estimate = predicted(workers);
      ObjectNode point =
          points
              .addObject()
              .put("workers", workers)
              .put("bytes", rounds.get(workers).getFirst().bytes())
              .put("timesOneWorker", times(workers))
              .put("predictedSeconds", estimate.seconds())
              .put("predictedOfMeasured", estimate.seconds() / seconds(workers).median())
              .put(
                  "peakBytes",
                  rounds.get(workers).stream().mapToLong(Round::peakBytes).max().orElse(-1));
      point.set("seconds", seconds(workers).toJson());
      point.set("gigabytesPerSecond", speed(workers).toJson());
      point.set("cpuSecondsPerGib", cpu(workers).toJson());
    }
  }

  void print(PrintWriter out) {
    out.printf(
        Locale.ROOT,
        "each worker: %s at %.0f MB/s%n",
        ByteSize.format(work.shardsPerWorker() * work.spec().shards().getFirst().size()),
        work.bandwidth() / 1e6);
    Table table =
        new Table(
            "WORKERS",
            "GB/s",
            "RANGE",
            "TIMES ONE",
            "SECONDS",
            "PREDICTED",
            "OF MEASURED",
            "CPU s/GiB");
    for (int workers : rounds.keySet()) {
      LoadEstimate estimate = predicted(workers);
      Summary speed = speed(workers);
      double seconds = seconds(workers).median();
      table.row(
          workers,
          number(speed.median()),
          new Table.Right(String.format(Locale.ROOT, "%.3f-%.3f", speed.min(), speed.max())),
          number(times(workers)),
          number(seconds),
          number(estimate.seconds()),
          number(estimate.seconds() / seconds),
          number(cpu(workers).median()));
    }
    table.print(out);
  }

  private static Table.Right number(double value) {
    return new Table.Right(String.format(Locale.ROOT, "%.3f", value));
  }
}
