package io.sluice.functions;

import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.annotations.QuarkusMain;
import io.sluice.functions.cli.LocalStack;
import io.sluice.functions.cli.SluiceApplication;
import java.util.List;

/** Entry of the one program that is server, worker and command line. */
@QuarkusMain
public final class SluiceMain {
  private SluiceMain() {}

  /** Runs the command that the arguments name. */
  public static void main(String... args) {
    List<String> words = List.of(args);
    if (!words.contains("serve") && !SluiceApplication.isDevMode()) {
      System.setProperty("quarkus.http.host-enabled", "false");
    }
    LocalStack.prepare(words);
    Quarkus.run(SluiceApplication.class, args);
  }
}
