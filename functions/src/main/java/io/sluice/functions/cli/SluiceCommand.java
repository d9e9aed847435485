package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** A command: what it needs, and what it does when it has that. */
abstract class SluiceCommand implements Callable<Integer> {
  @ParentCommand Sluice sluice;
  @Spec CommandSpec spec;

  /** What must be there before {@link #call}; asked after the options were read. */
  abstract Needs needs();

  /** Where an embedded stack keeps its data, if it is to be kept. */
  Optional<Path> data() {
    return Optional.empty();
  }

  /** Settings of the application that follow from the options. */
  Map<String, String> settings() {
    return Map.of();
  }

  /** Standard output. */
  final PrintWriter out() {
    return spec.commandLine().getOut();
  }

  /** Standard error. */
  final PrintWriter err() {
    return spec.commandLine().getErr();
  }

  /** The server that the command talks to. */
  final Endpoint endpoint() {
    return new Endpoint(sluice.endpoint(), sluice.token());
  }

  /** A display of progress on standard error. */
  final ProgressView progress(String what) {
    return ProgressView.onTerminal(what, err(), sluice.verbose);
  }

  /** Prints a result: the document itself if JSON is wanted, else in the words of {@code text}. */
  final void print(JsonNode result, Consumer<PrintWriter> text) {
    if (sluice.json) {
      out().println(result.toPrettyString());
    } else {
      text.accept(out());
    }
    out().flush();
  }

  /** An error in how the command was called. */
  final CommandLine.ParameterException usage(String message) {
    return new CommandLine.ParameterException(spec.commandLine(), message);
  }
}
