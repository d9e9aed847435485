package io.sluice.functions.cli;

import io.quarkus.picocli.runtime.annotations.TopCommand;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The command line. Its options are those of every command, before or after the command. */
@TopCommand
@Command(
    name = "sluice",
    description = "Stores, loads and computes on large AI models.",
    mixinStandardHelpOptions = true,
    versionProvider = Sluice.Version.class,
    scope = ScopeType.INHERIT,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      UploadCommand.class,
      CopyCommand.class,
      LoadCommand.class,
      UnloadCommand.class,
      ComputeCommand.class,
      TrainCommand.class,
      PredictCommand.class,
      EmbedCommand.class,
      DiffCommand.class,
      PullCommand.class,
      LsCommand.class,
      ShowCommand.class,
      TagCommand.class,
      RmCommand.class,
      GcCommand.class,
      VerifyCommand.class,
      RebuildCommand.class,
      JobsCommand.class,
      ServeCommand.class,
      UpCommand.class,
      DemoCommand.class,
      BenchCommand.class,
      PlanCommand.class,
      TokenCommand.class,
      CompletionCommand.class,
    },
    footerHeading = "%nExit codes:%n",
    footer = {
      "  0 done, 1 internal error, 2 wrong usage or input, 3 missing, 4 conflict,",
      "  5 corrupt, 6 no room, 7 unavailable, 8 forbidden, 130 interrupted"
    })
final class Sluice implements Runnable {
  private static final String DEFAULT_ENDPOINT = "http://127.0.0.1:8080";

  @Option(
      names = "--endpoint",
      paramLabel = "URL",
      scope = ScopeType.INHERIT,
      description = "Server to talk to (default: $SLUICE_ENDPOINT or " + DEFAULT_ENDPOINT + ").")
  URI endpoint;

  @Option(
      names = "--token",
      paramLabel = "TOKEN",
      scope = ScopeType.INHERIT,
      description = "Token for the server (default: $SLUICE_TOKEN; others see what is given here).")
  String token;

  @Option(
      names = "--token-file",
      paramLabel = "FILE",
      scope = ScopeType.INHERIT,
      description = "File with the token for the server (default: $SLUICE_TOKEN_FILE).")
  Path tokenFile;

  @Option(
      names = "--local",
      scope = ScopeType.INHERIT,
      description =
          "Use the stack of a running 'sluice up', or start an embedded one for this command.")
  boolean local;

  @Option(
      names = "--json",
      scope = ScopeType.INHERIT,
      description = "Print one JSON document on standard output.")
  boolean json;

  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      description = "Say more on standard error; show where errors come from.")
  boolean verbose;

  @Spec CommandSpec spec;

  /** Without a command there is only help. */
  @Override
  public void run() {
    throw new CommandLine.ParameterException(spec.commandLine(), "a command is missing");
  }

  /** The server that the command talks to. */
  URI endpoint() {
    if (endpoint != null) {
      return checked(endpoint);
    }
    return LocalStack.current()
        .flatMap(LocalStack::endpoint)
        .or(() -> Optional.ofNullable(System.getenv("SLUICE_ENDPOINT")).map(Sluice::parse))
        .map(Sluice::checked)
        .orElseGet(() -> URI.create(DEFAULT_ENDPOINT));
  }

  /** The token for the server, by the nearest of the ways to give it. */
  Optional<String> token() {
    Optional<String> found =
        Optional.ofNullable(token)
            .or(() -> Optional.ofNullable(tokenFile).map(Sluice::read))
            .or(() -> Optional.ofNullable(System.getenv("SLUICE_TOKEN")))
            .or(() -> Optional.ofNullable(System.getenv("SLUICE_TOKEN_FILE")).map(Sluice::read));
    found.ifPresent(Sluice::checkToken);
    return found;
  }

  private static String read(Path file) {
    try {
      return Files.readString(file).strip();
    } catch (IOException e) {
      throw new SluiceException(
          ErrorKind.INVALID,
          "token-file-unreadable",
          "the token file '" + file + "' cannot be read: " + e.getMessage(),
          e);
    }
  }

  private static String read(String file) {
    return read(Path.of(file));
  }

  private static void checkToken(String text) {
    if (!text.matches("[!-~]+")) {
      throw new SluiceException(
          ErrorKind.INVALID,
          "token-invalid",
          "a token is one word of printable ASCII characters, got "
              + text.length()
              + " characters that are not");
    }
  }

  private static URI parse(String text) {
    try {
      return new URI(text);
    } catch (java.net.URISyntaxException e) {
      throw invalid(text);
    }
  }

  private static URI checked(URI uri) {
    boolean http = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
    if (!http || uri.getHost() == null) {
      throw invalid(uri.toString());
    }
    return uri;
  }

  private static SluiceException invalid(String text) {
    return new SluiceException(
        ErrorKind.INVALID,
        "endpoint-invalid",
        "an endpoint is http://host:port or https://host, got '" + text + "'");
  }

  /** What {@code --version} prints. */
  static final class Version implements CommandLine.IVersionProvider {
    // Of the jar; a native executable has none and keeps what it was built with.
    private static final String VERSION =
        Optional.ofNullable(Sluice.class.getPackage().getImplementationVersion())
            .orElse("(development)");

    @Override
    public String[] getVersion() {
      return new String[] {"sluice " + VERSION};
    }
  }
}
