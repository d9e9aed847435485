package io.sluice.functions.cli;

import picocli.AutoComplete;
import picocli.CommandLine.Command;

/** {@code completion}: for the shell. */
@Command(
    name = "completion",
    description = {
      "Prints a script that completes commands in bash, and in zsh with bashcompinit.",
      "Use: source <(sluice completion)"
    })
final class CompletionCommand extends SluiceCommand {
  @Override
  Needs needs() {
    return Needs.NOTHING;
  }

  @Override
  public Integer call() {
    out().println(AutoComplete.bash("sluice", spec.root().commandLine()));
    out().flush();
    return 0;
  }
}
