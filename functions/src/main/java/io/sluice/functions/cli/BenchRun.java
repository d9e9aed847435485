package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.measure.Round;
import io.sluice.measure.Summary;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/**
 * Rounds of several subjects in turn, the first of them the ceiling: A B C A B C …, so that what
 * disturbs the machine disturbs all. Ratios are of the rounds of one turn.
 */
final class BenchRun {
  private final Map<String, List<Round>> rounds = new LinkedHashMap<>();
  private final Map<String, Round> firsts = new LinkedHashMap<>();
  private final String ceiling;

  /**
   * @param names of the subjects, the ceiling first
   */
  BenchRun(List<String> names) {
    this.ceiling = names.getFirst();
    names.forEach(name -> rounds.put(name, new ArrayList<>()));
  }

  /** Lets them transfer in turn; only what comes after the warm-up counts. */
  void run(List<BenchProcess> subjects, int warmup, int repeat, ProgressView progress)
      throws InterruptedException {
    int turns = warmup + repeat;
    long bytes = 0;
    for (int turn = 0; turn < turns; turn++) {
      for (BenchProcess subject : subjects) {
        Round round = subject.round();
        bytes += round.bytes();
        firsts.putIfAbsent(subject.name(), round);
        if (turn >= warmup) {
          add(subject.name(), round);
        }
      }
      progress.update(turn + 1, turns, bytes, bytes / (turn + 1) * turns);
    }
  }

  void add(String subject, Round round) {
    rounds.get(subject).add(round);
  }

  Summary of(String subject, ToDoubleFunction<Round> value) {
    return Summary.of(rounds.get(subject).stream().mapToDouble(value).toArray());
  }

  /** How the rounds of one compare with the rounds of another in the same turns. */
  Summary ratio(String subject, String other, ToDoubleFunction<Round> value) {
    List<Round> mine = rounds.get(subject);
    List<Round> theirs = rounds.get(other);
    double[] ratios = new double[Math.min(mine.size(), theirs.size())];
    for (int i = 0; i < ratios.length; i++) {
      ratios[i] = value.applyAsDouble(mine.get(i)) / value.applyAsDouble(theirs.get(i));
    }
    return Summary.of(ratios);
  }

  /** Of those named, the one that spends the least CPU. */
  Optional<String> cheapest(String prefix) {
    return rounds.keySet().stream()
        .filter(name -> name.startsWith(prefix))
        .min(
            (a, b) ->
                Double.compare(of(a, Round::cpuPerGib).median(), of(b, Round::cpuPerGib).median()));
  }

  /** One subject beside another as JSON. */
  ObjectNode beside(String subject, String other) {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("name", other);
    json.set("speedOfPeer", ratio(subject, other, Round::gigabytesPerSecond).toJson());
    json.set("cpuOfPeer", ratio(subject, other, Round::cpuPerGib).toJson());
    return json;
  }

  /**
   * The subjects as JSON: sums of each measure, ratios to the ceiling, the first round of all, and
   * every round that counts.
   */
  ArrayNode toJson() {
    ArrayNode subjects = JsonNodeFactory.instance.arrayNode();
    rounds.forEach(
        (name, list) -> {
          ObjectNode json = subjects.addObject().put("name", name);
          json.set("gigabytesPerSecond", of(name, Round::gigabytesPerSecond).toJson());
          json.set("cpuSecondsPerGib", of(name, Round::cpuPerGib).toJson());
          json.set("speedOfCeiling", ratio(name, ceiling, Round::gigabytesPerSecond).toJson());
          json.set("cpuOfCeiling", ratio(name, ceiling, Round::cpuPerGib).toJson());
          json.put("peakBytes", (long) of(name, Round::peakBytes).max());
          json.put("heldBytes", (long) of(name, Round::heldBytes).max());
          json.put("requests", (long) of(name, Round::requests).median());
          json.put("retries", (long) of(name, Round::retries).max());
          json.put("storeBytes", (long) of(name, Round::storeBytes).max());
          if (firsts.containsKey(name)) {
            json.set("first", firsts.get(name).toJson());
          }
          ArrayNode each = json.putArray("rounds");
          list.forEach(round -> each.add(round.toJson()));
        });
    return subjects;
  }

  /** The subjects as a table. */
  void print(PrintWriter out) {
    Table table =
        new Table(
            "SUBJECT",
            "GB/s",
            "QUARTILES",
            "OF CEILING",
            "CPU s/GiB",
            "QUARTILES",
            "OF CEILING",
            "PEAK RSS",
            "REQUESTS",
            "RETRIES",
            "STORE");
    for (String name : rounds.keySet()) {
      Summary speed = of(name, Round::gigabytesPerSecond);
      Summary cpu = of(name, Round::cpuPerGib);
      long peak = (long) of(name, Round::peakBytes).max();
      table.row(
          name,
          number(speed.median()),
          quartiles(speed),
          number(ratio(name, ceiling, Round::gigabytesPerSecond).median()),
          number(cpu.median()),
          quartiles(cpu),
          number(ratio(name, ceiling, Round::cpuPerGib).median()),
          new Table.Right(peak < 0 ? "-" : ByteSize.format(peak)),
          (long) of(name, Round::requests).median(),
          (long) of(name, Round::retries).max(),
          new Table.Right(ByteSize.format((long) of(name, Round::storeBytes).max())));
    }
    table.print(out);
    firsts.forEach(
        (name, first) ->
            out.printf(
                Locale.ROOT,
                "first turn of %s, in a fresh process: %.2f GB/s, %.2f CPU s/GiB%n",
                name,
                first.gigabytesPerSecond(),
                first.cpuPerGib()));
  }

  private static Table.Right number(double value) {
    return new Table.Right(String.format(Locale.ROOT, "%.2f", value));
  }

  private static Table.Right quartiles(Summary summary) {
    return new Table.Right(
        String.format(Locale.ROOT, "%.2f-%.2f", summary.lower(), summary.upper()));
  }
}
