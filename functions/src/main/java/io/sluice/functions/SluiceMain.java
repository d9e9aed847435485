package io.sluice.functions;

import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.annotations.QuarkusMain;
import io.sluice.functions.cli.CommandStart;
import io.sluice.functions.cli.SluiceApplication;
import java.util.OptionalInt;

/** Entry of the one program that is server, worker and command line. */
@QuarkusMain
public final class SluiceMain {
  private SluiceMain() {}

  /** Runs the command that the arguments name. */
  public static void main(String... args) {
    OptionalInt exitCode = CommandStart.start(args);
    if (exitCode.isPresent()) {
      System.exit(exitCode.getAsInt());
    }
    Quarkus.run(SluiceApplication.class, CommandStart::exit, args);
  }
}
