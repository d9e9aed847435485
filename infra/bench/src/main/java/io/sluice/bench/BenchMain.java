package io.sluice.bench;

import java.io.IOException;

/**
 * The benchmarks as a program: {@code jmh …} runs those of JMH, with JMH's own arguments. Exit code
 * 2 for wrong arguments.
 */
public final class BenchMain {
  private static final String USAGE = "Usage: sluice-bench jmh [ARGUMENTS OF JMH]";

  private BenchMain() {}

  public static void main(String[] args) throws IOException {
    if (args.length > 0 && args[0].equals("jmh")) {
      String[] rest = new String[args.length - 1];
      System.arraycopy(args, 1, rest, 0, rest.length);
      org.openjdk.jmh.Main.main(rest);
      return;
    }
    System.err.println(USAGE);
    System.exit(2);
  }
}
