package io.sluice.bench;

import io.sluice.bench.peer.Peers;
import io.sluice.bench.report.PerformancePage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * The benchmarks as a program: {@code jmh …} runs those of JMH, with JMH's own arguments; {@code
 * peer NAME} is a client of others that {@code sluice bench} measures; {@code report DOCS} writes
 * what it measured into the documentation. Exit code 2 for wrong arguments.
 */
public final class BenchMain {
  private static final String USAGE =
      "Usage: sluice-bench jmh [ARGUMENTS OF JMH] | peer NAME | report DOCS";

  private BenchMain() {}

  public static void main(String[] args) throws IOException {
    if (args.length > 0 && args[0].equals("jmh")) {
      org.openjdk.jmh.Main.main(Arrays.copyOfRange(args, 1, args.length));
    } else if (args.length == 2 && args[0].equals("peer")) {
      System.exit(Peers.serve(args[1]));
    } else if (args.length == 2 && args[0].equals("report")) {
      PerformancePage.write(Path.of(args[1]));
    } else {
      System.err.println(USAGE);
      System.exit(2);
    }
  }
}
