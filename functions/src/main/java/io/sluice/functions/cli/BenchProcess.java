package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.measure.Round;
import io.sluice.measure.SubjectProcess;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * Somebody whose transfers are measured, in a process of its own, so that its CPU time and memory
 * are its own; see {@link SubjectProcess}.
 */
final class BenchProcess implements AutoCloseable {
  private static final long STOP_SECONDS = 15;
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String END = "";

  private final String name;
  private final Process process;
  private final Path log;
  private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();

  private BenchProcess(String name, Process process, Path log) {
    this.name = name;
    this.process = process;
    this.log = log;
  }

  /**
   * Starts it and waits until it is ready.
   *
   * @param work what it is told to do
   * @param logs folder for its standard error
   */
  static BenchProcess start(
      String name, List<String> command, Map<String, String> environment, JsonNode work, Path logs)
      throws InterruptedException {
    Path log = logs.resolve(name + ".log");
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(environment);
    builder.redirectError(log.toFile());
    BenchProcess subject;
    try {
      subject = new BenchProcess(name, builder.start(), log);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start " + command.getFirst(), e);
    }
    AtExit.add(subject::close);
    Thread.ofPlatform().daemon().name("bench-" + name).start(subject::read);
    try {
      subject.say(work.toString());
      subject.answer();
      return subject;
    } catch (InterruptedException | RuntimeException e) {
      subject.close();
      throw e;
    }
  }

  String name() {
    return name;
  }

  /** Lets it transfer everything once. */
  Round round() throws InterruptedException {
    say(SubjectProcess.ROUND);
    return Round.read(answer());
  }

  /** Ends it; safe to call twice. */
  @Override
  public void close() {
    try {
      process.getOutputStream().close();
    } catch (IOException e) {
      process.destroy(); // the pipe is broken: it ends or has ended
    }
    boolean interrupted = Thread.interrupted();
    try {
      if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void say(String line) {
    try {
      Writer writer = process.outputWriter();
      writer.write(line + "\n");
      writer.flush();
    } catch (IOException e) {
      throw failed("it takes no more orders");
    }
  }

  private JsonNode answer() throws InterruptedException {
    String line = lines.take();
    if (line.equals(END)) {
      throw failed("it ended");
    }
    try {
      JsonNode json = JSON.readTree(line);
      if (json.has("error")) {
        throw failed(json.get("error").asText());
      }
      return json;
    } catch (IOException e) {
      throw failed("it said '" + line + "'");
    }
  }

  private void read() {
    try (BufferedReader reader = process.inputReader()) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        lines.add(line);
      }
    } catch (IOException e) {
      // The pipe broke because the process is gone, which is told below.
    }
    lines.add(END);
  }

  private SluiceException failed(String why) {
    StringBuilder message = new StringBuilder("'" + name + "' failed: " + why);
    try {
      List<String> said = Files.readAllLines(log);
      said.subList(Math.max(0, said.size() - 10), said.size())
          .forEach(line -> message.append("; ").append(line));
    } catch (IOException e) {
      message.append("; its log cannot be read: ").append(e.getMessage());
    }
    return new SluiceException(ErrorKind.FATAL, "bench-subject-failed", message.toString());
  }
}
