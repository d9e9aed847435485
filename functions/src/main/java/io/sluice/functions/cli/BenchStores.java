package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.functions.bench.StoreSubject;
import io.sluice.measure.Round;
import io.sluice.measure.Summary;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** The stores beside each other: rounds in turn, so that what disturbs one disturbs all. */
final class BenchStores {
  /** The rounds of one store. */
  private record Rounds(List<Round> write, List<Round> read, List<Round> put) {
    Rounds() {
      this(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    }
  }

  private final Map<String, Rounds> stores = new LinkedHashMap<>();

  /** Measures each store; only what comes after the warm-up counts. */
  void run(Map<String, StoreSubject> subjects, int warmup, int repeat, ProgressView view)
      throws Exception {
    subjects.keySet().forEach(name -> stores.put(name, new Rounds()));
    view.count("turns");
    int turns = warmup + repeat;
    long bytes = 0;
    for (int turn = 0; turn < turns; turn++) {
      for (Map.Entry<String, StoreSubject> subject : subjects.entrySet()) {
        Round write = subject.getValue().write();
        Round read = subject.getValue().read();
        Round put = subject.getValue().put();
        bytes += write.bytes() + read.bytes() + put.bytes();
        if (turn >= warmup) {
          Rounds rounds = stores.get(subject.getKey());
          rounds.write().add(write);
          rounds.read().add(read);
          rounds.put().add(put);
        }
      }
      view.update(turn + 1, turns, bytes, bytes / (turn + 1) * turns);
    }
  }

  private static Summary of(List<Round> rounds, ToDoubleFunction<Round> value) {
    return Summary.of(rounds.stream().mapToDouble(value).toArray());
  }

  private static double putMillis(Round round) {
    return 1000 * round.seconds() / round.requests();
  }

  void describe(ObjectNode json) {
    ArrayNode all = json.putArray("stores");
    stores.forEach(
        (name, rounds) -> {
          ObjectNode store = all.addObject().put("name", name);
          transfer(store.putObject("write"), rounds.write());
          transfer(store.putObject("read"), rounds.read());
          store
              .putObject("put")
              .set("milliseconds", of(rounds.put(), BenchStores::putMillis).toJson());
        });
  }

  private static void transfer(ObjectNode json, List<Round> rounds) {
    json.set("gigabytesPerSecond", of(rounds, Round::gigabytesPerSecond).toJson());
    json.set("cpuSecondsPerGib", of(rounds, Round::cpuPerGib).toJson());
  }

  void print(PrintWriter out) {
    Table table =
        new Table("STORE", "WRITE GB/s", "CPU s/GiB", "READ GB/s", "CPU s/GiB", "SMALL PUT ms");
    stores.forEach(
        (name, rounds) ->
            table.row(
                name,
                number(of(rounds.write(), Round::gigabytesPerSecond)),
                number(of(rounds.write(), Round::cpuPerGib)),
                number(of(rounds.read(), Round::gigabytesPerSecond)),
                number(of(rounds.read(), Round::cpuPerGib)),
                number(of(rounds.put(), BenchStores::putMillis))));
    table.print(out);
  }

  private static Table.Right number(Summary summary) {
    return new Table.Right(String.format(Locale.ROOT, "%.2f", summary.median()));
  }
}
