package io.sluice.servers;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * The other end of {@code ServerProcess}: a program whose arguments are {@code name=value}, which
 * prints where it serves, then {@code ready}, and lives until standard input ends. Each line of
 * that is a command, answered by one line.
 */
final class ServerProgram {
  /** Answers a command. */
  interface Commands {
    /**
     * The answer to a command; what it throws is an answer too.
     *
     * @param words of the line
     * @return one line, or several that become one
     */
    String answer(String[] words) throws IOException;
  }

  private final PrintStream out;
  private final Map<String, String> options = new LinkedHashMap<>();

  private ServerProgram(PrintStream out) {
    this.out = out;
  }

  /** Takes standard output for its lines alone: what a server says itself goes to the errors. */
  static ServerProgram start(String[] arguments) {
    ServerProgram program = new ServerProgram(System.out);
    System.setOut(System.err);
    for (String argument : arguments) {
      int equals = argument.indexOf('=');
      program.options.put(argument.substring(0, equals), argument.substring(equals + 1));
    }
    return program;
  }

  /** The folder of its files. */
  Path data() {
    return Path.of(options.get("data"));
  }

  Optional<String> option(String name) {
    return Optional.ofNullable(options.get(name));
  }

  int number(String name, int otherwise) {
    return option(name).map(Integer::parseInt).orElse(otherwise);
  }

  boolean flag(String name) {
    return option(name).map(Boolean::parseBoolean).orElse(false);
  }

  /** The port that an option says, else a free one, which stays the same from then on. */
  int port(String name) {
    return Integer.parseInt(options.computeIfAbsent(name, missing -> freePort()));
  }

  /** Hands out the options whose names begin with one of these. */
  void eachWithPrefix(BiConsumer<String, String> set, String... prefixes) {
    options.forEach(
        (name, value) -> {
          for (String prefix : prefixes) {
            if (name.startsWith(prefix)) {
              set.accept(name, value);
            }
          }
        });
  }

  /** Says where something is; given back as an argument, it is to be there again. */
  void tell(String name, Object value) {
    out.println(name + "=" + value);
  }

  /** Says that it is ready, obeys until standard input ends, and ends this JVM. */
  void serve(Commands commands) throws IOException {
    out.println("ready");
    out.flush();
    try (BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        String answer;
        try {
          answer = commands.answer(line.split(" "));
        } catch (IOException | RuntimeException e) {
          answer = "error " + e;
        }
        out.println(answer.replace('\n', ' '));
        out.flush();
      }
    }
    // Nothing is kept that a kill would not keep as well.
    Runtime.getRuntime().halt(0);
  }

  /** As {@link #serve(Commands)}, without any commands. */
  void serve() throws IOException {
    serve(
        words -> {
          throw new IllegalArgumentException("there are no commands");
        });
  }

  private static String freePort() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return Integer.toString(socket.getLocalPort());
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
