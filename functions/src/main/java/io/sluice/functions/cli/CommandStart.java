package io.sluice.functions.cli;

import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.util.Optional;
import java.util.OptionalInt;
import org.eclipse.microprofile.config.ConfigProvider;
import picocli.CommandLine;
import picocli.CommandLine.ParseResult;

/**
 * What happens before the application starts: the command line is read, and what the command needs
 * is made ready. Commands that only talk to a server, help and usage errors need no application.
 */
public final class CommandStart {
  /** Stands for an exit code that only the application will know. */
  private static final int APPLICATION = -1;

  private static final String REDIS = "quarkus.redis.hosts";

  private static volatile boolean verbose;

  private CommandStart() {}

  /**
   * Prepares a command, or runs it if it needs no application.
   *
   * @return the exit code if the command has run; empty if the application is to run it
   */
  public static OptionalInt start(String[] words) {
    CommandLine line = CommandTree.create(CommandLine.defaultFactory());
    Optional<SluiceCommand> command = parse(line, words);
    if (command.isEmpty()) {
      return OptionalInt.of(line.execute(words));
    }
    AtExit.add(CommandGuard::awaitEnd);
    int exitCode = CommandGuard.run(() -> prepareOrRun(command.get(), line, words));
    if (exitCode != APPLICATION) {
      return OptionalInt.of(exitCode);
    }
    // Once more, because what was added comes last: first the command ends, then what it used.
    AtExit.add(CommandGuard::awaitEnd);
    return OptionalInt.empty();
  }

  private static int prepareOrRun(SluiceCommand command, CommandLine line, String[] words) {
    try {
      if (prepare(command)) {
        return APPLICATION;
      }
    } catch (RuntimeException e) {
      return Failures.report(e, line.getErr(), command.sluice.verbose);
    }
    return line.execute(words);
  }

  /** Ends the process after the application has ended, or could not start. */
  public static void exit(int code, Throwable failure) {
    if (failure == null) {
      System.exit(code);
    }
    CommandLine line = CommandTree.create(CommandLine.defaultFactory());
    System.exit(Failures.report(failure, line.getErr(), verbose));
  }

  /** The command that the words name; empty if they are no command that could run. */
  private static Optional<SluiceCommand> parse(CommandLine line, String[] words) {
    try {
      for (ParseResult at = line.parseArgs(words); ; at = at.subcommand()) {
        if (at.isUsageHelpRequested() || at.isVersionHelpRequested()) {
          return Optional.empty();
        }
        if (!at.hasSubcommand()) {
          return at.commandSpec().userObject() instanceof SluiceCommand command
              ? Optional.of(command)
              : Optional.empty();
        }
      }
    } catch (CommandLine.ParameterException e) {
      return Optional.empty(); // which execute() reports
    }
  }

  /** Makes ready what a command needs; whether that includes the application. */
  private static boolean prepare(SluiceCommand command) {
    Needs needs = command.needs();
    Sluice sluice = command.sluice;
    boolean local = sluice.local && needs != Needs.NOTHING && needs != Needs.STACK;
    if (needs == Needs.STACK) {
      LocalStack.start(command.data());
    } else if (local) {
      LocalStack.findOrStart();
    }
    boolean endpoint = needs == Needs.ENDPOINT;
    boolean served = !local || LocalStack.current().flatMap(LocalStack::endpoint).isPresent();
    if (needs == Needs.NOTHING || (endpoint && served)) {
      return false;
    }
    verbose = sluice.verbose;
    command.settings().forEach(System::setProperty);
    if (endpoint) {
      // No server runs: this process serves itself for the time of the command.
      System.setProperty("quarkus.http.host", "127.0.0.1");
      System.setProperty("quarkus.http.port", "0");
      System.setProperty("sluice.auth.mode", "open");
    } else if (needs != Needs.SERVER) {
      System.setProperty("quarkus.http.host-enabled", "false");
    }
    if (needs != Needs.SERVER) {
      quietly(sluice.verbose);
    }
    if (needs != Needs.SERVER) {
      // A server checks it when it runs: only then is known what dev services provide.
      checkConfigured();
    }
    return true;
  }

  /**
   * Without Redis nothing works; the application would only find out in the middle of its start.
   */
  static void checkConfigured() {
    if (ConfigProvider.getConfig().getOptionalValue(REDIS, String.class).isEmpty()) {
      throw new SluiceException(
          ErrorKind.INVALID,
          "config-missing",
          "the setting quarkus.redis.hosts (in the environment QUARKUS_REDIS_HOSTS) is not set, such"
              + " as redis://host:6379; --local needs none");
    }
  }

  private static void quietly(boolean verbose) {
    if (System.getProperty("quarkus.log.level") == null
        && System.getenv("QUARKUS_LOG_LEVEL") == null) {
      System.setProperty("quarkus.log.level", verbose ? "INFO" : "WARN");
    }
  }
}
