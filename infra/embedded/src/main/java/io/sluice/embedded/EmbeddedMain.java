package io.sluice.embedded;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Path;

/**
 * The embedded stack as a program. It prints where the servers are on standard output ({@link
 * io.sluice.launcher.EmbeddedEndpoints}), nothing else there, and runs until standard input ends or
 * it gets SIGTERM or SIGINT. Exit codes: 0 after a normal end, 1 if the servers cannot start, 2 for
 * wrong arguments.
 */
public final class EmbeddedMain {
  private static final String USAGE =
      """
      Usage: sluice-embedded [--data DIR] [--bucket NAME] [--s3-port PORT] [--redis-port PORT]
                             [--access-key KEY --secret-key SECRET]
      Serves an S3 and a Redis on 127.0.0.1 until standard input ends.
        --data DIR         keep the S3 objects there (default: a temporary directory)
        --bucket NAME      the bucket to create (default: sluice)
        --s3-port PORT     default: any free port
        --redis-port PORT  default: any free port
        --access-key KEY, --secret-key SECRET
                           the credentials S3 accepts (default: random)""";

  private EmbeddedMain() {}

  public static void main(String[] args) {
    PrintStream announce = System.out;
    System.setOut(System.err); // no library may write between the announced lines
    if (args.length == 1 && args[0].equals("--help")) {
      announce.println(USAGE);
      return;
    }
    Options options;
    try {
      options = parse(args);
    } catch (IllegalArgumentException e) {
      System.err.println("sluice-embedded: " + e.getMessage());
      System.err.println(USAGE);
      System.exit(2);
      return;
    }
    System.exit(run(options, announce));
  }

  private static int run(Options options, PrintStream announce) {
    try (EmbeddedStack stack = EmbeddedStack.start(options)) {
      // A signal ends the JVM only after this hook: after the stack is closed.
      Runtime.getRuntime().addShutdownHook(new Thread(() -> closeAtSignal(stack), "close"));
      stack.endpoints().toLines().forEach(announce::println);
      announce.flush();
      awaitEnd(System.in);
      return 0;
    } catch (IOException e) {
      System.err.println("sluice-embedded: " + e.getMessage());
      return 1;
    }
  }

  private static void closeAtSignal(EmbeddedStack stack) {
    try {
      stack.close();
    } catch (IOException e) {
      System.err.println("sluice-embedded: " + e.getMessage());
    }
  }

  private static void awaitEnd(InputStream in) throws IOException {
    byte[] ignored = new byte[256];
    while (in.read(ignored) >= 0) {
      // what is said is of no interest, only the end
    }
  }

  static Options parse(String[] args) {
    Options options = Options.defaults();
    String accessKey = null;
    String secretKey = null;
    for (int i = 0; i < args.length; i += 2) {
      String name = args[i];
      if (i + 1 == args.length) {
        throw new IllegalArgumentException(
            name.startsWith("--") ? name + " needs a value" : "unknown argument '" + name + "'");
      }
      String value = args[i + 1];
      switch (name) {
        case "--data" -> options = options.withData(Path.of(value));
        case "--bucket" -> options = options.withBucket(value);
        case "--s3-port" -> options = options.withS3Port(port(name, value));
        case "--redis-port" -> options = options.withRedisPort(port(name, value));
        case "--access-key" -> accessKey = value;
        case "--secret-key" -> secretKey = value;
        default -> throw new IllegalArgumentException("unknown argument '" + name + "'");
      }
    }
    if ((accessKey == null) != (secretKey == null)) {
      throw new IllegalArgumentException("--access-key and --secret-key go together");
    }
    return accessKey == null
        ? options
        : options.withCredentials(new Options.Credentials(accessKey, secretKey));
  }

  private static int port(String name, String value) {
    try {
      int port = Integer.parseInt(value);
      if (port >= 1 && port <= 65_535) {
        return port;
      }
    } catch (NumberFormatException e) {
      // the same mistake as a number out of range
    }
    throw new IllegalArgumentException(name + " must be 1 to 65535, is '" + value + "'");
  }
}
