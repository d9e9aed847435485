package io.sluice.servers;

import io.sluice.launcher.FileTree;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A real server on loopback that can be killed and started again, on the same ports and data.
 *
 * <p>The program takes arguments {@code name=value}, among them {@code data}, its folder. It prints
 * {@code name=value} lines that say where it serves, then {@code ready}; given back as arguments,
 * they make it serve there again. It ends when its standard input ends, so it does not outlive this
 * JVM. A line that is sent to it meanwhile is a command, which it answers with one line.
 */
public final class ServerProcess implements AutoCloseable {
  private static final Duration START = Duration.ofMinutes(3);
  private static final Duration ANSWER = Duration.ofMinutes(1);
  private static final int LAST_LINES = 60;

  /** What stands for the end of the output. */
  private static final String END = "\u0000end";

  private final RealServer server;
  private final Path data;
  private final Map<String, String> arguments = new LinkedHashMap<>();
  private final Deque<String> errors = new ArrayDeque<>();
  private Process process;
  private BlockingQueue<String> output;

  private ServerProcess(RealServer server, Path data, Map<String, String> arguments) {
    this.server = server;
    this.data = data;
    this.arguments.put("data", data.toString());
    this.arguments.putAll(arguments);
  }

  /**
   * Starts a server with a new folder of data, and waits until it serves.
   *
   * @param arguments of the program, besides {@code data}
   */
  public static ServerProcess start(RealServer server, Map<String, String> arguments) {
    try {
      ServerProcess process =
          new ServerProcess(
              server,
              Files.createTempDirectory("sluice-" + server.name().toLowerCase() + "-"),
              arguments);
      try {
        process.start();
      } catch (RuntimeException e) {
        process.close();
        throw e;
      }
      return process;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Starts it again after {@link #kill}, and waits until it serves. */
  public void start() {
    List<String> command = new ArrayList<>(server.command());
    arguments.forEach((name, value) -> command.add(name + "=" + value));
    try {
      process = new ProcessBuilder(command).directory(data.toFile()).start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    BlockingQueue<String> lines = new LinkedBlockingQueue<>();
    output = lines;
    InputStream stdout = process.getInputStream();
    InputStream stderr = process.getErrorStream();
    Thread.ofVirtual().start(() -> drain(stdout, lines));
    Thread.ofVirtual().start(() -> drain(stderr));
    for (String line = next(START); !line.equals("ready"); line = next(START)) {
      int equals = line.indexOf('=');
      if (equals < 1) {
        throw new IllegalStateException(server + " said '" + line + "'" + lastErrors());
      }
      arguments.put(line.substring(0, equals), line.substring(equals + 1));
    }
  }

  /** What it said where it serves. */
  public String value(String name) {
    String value = arguments.get(name);
    if (value == null) {
      throw new NoSuchElementException(server + " said nothing of " + name);
    }
    return value;
  }

  /** A port that it told. */
  public int port(String name) {
    return Integer.parseInt(value(name));
  }

  /** Its process, to send signals to. */
  public long pid() {
    return process.pid();
  }

  /** Sends a command and returns the answer, one line. */
  public synchronized String say(String command) {
    try {
      process.getOutputStream().write((command + "\n").getBytes(StandardCharsets.UTF_8));
      process.getOutputStream().flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return next(ANSWER);
  }

  /** Kills it without warning; its data stay. */
  public void kill() {
    process.destroyForcibly();
    process.onExit().orTimeout(20, TimeUnit.SECONDS).join();
  }

  /** Kills it, as nobody needs a tidy end, and deletes its data. */
  @Override
  public void close() {
    kill();
    try {
      FileTree.delete(data);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String next(Duration wait) {
    String line;
    try {
      line = output.poll(wait.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for " + server, e);
    }
    if (line == null) {
      throw new IllegalStateException(server + " said nothing within " + wait + lastErrors());
    }
    if (line.equals(END)) {
      throw new IllegalStateException(server + " ended" + lastErrors());
    }
    return line;
  }

  private static void drain(InputStream in, BlockingQueue<String> lines) {
    try (BufferedReader reader = reader(in)) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        lines.add(line);
      }
      lines.add(END);
    } catch (IOException e) {
      // A process that was killed closes the pipe in the middle of a read.
      lines.add(END);
    }
  }

  private void drain(InputStream in) {
    try (BufferedReader reader = reader(in)) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        addError(line);
      }
    } catch (IOException e) {
      addError("(standard error ended: " + e.getMessage() + ")");
    }
  }

  private void addError(String line) {
    synchronized (errors) {
      if (errors.size() == LAST_LINES) {
        errors.removeFirst();
      }
      errors.addLast(line);
    }
  }

  private String lastErrors() {
    synchronized (errors) {
      return "; its last errors:\n  " + String.join("\n  ", errors);
    }
  }

  private static BufferedReader reader(InputStream in) {
    return new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
  }
}
