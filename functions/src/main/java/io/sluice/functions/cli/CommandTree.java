package io.sluice.functions.cli;

import io.sluice.model.Digest;
import io.sluice.model.ModelRef;
import io.sluice.model.SluiceException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import picocli.CommandLine;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The command line as a whole: commands, how their values are read and how they fail. */
final class CommandTree {
  private CommandTree() {}

  /**
   * @param factory makes the commands
   */
  static CommandLine create(CommandLine.IFactory factory) {
    CommandLine line =
        new CommandLine(Sluice.class, factory)
            .setOut(writer(FileDescriptor.out))
            .setErr(writer(FileDescriptor.err))
            .setExpandAtFiles(false)
            .registerConverter(ByteSize.class, converter(ByteSize::parse))
            .registerConverter(ByteRate.class, converter(ByteRate::parse))
            .registerConverter(Duration.class, converter(Durations::parse))
            .registerConverter(ModelRef.class, converter(ModelRef::parse))
            .registerConverter(Digest.class, converter(Digest::parse));
    line.setParameterExceptionHandler(CommandTree::usage);
    line.setExecutionExceptionHandler(
        (error, command, parsed) ->
            Failures.report(
                error, command.getErr(), ((Sluice) line.getCommandSpec().userObject()).verbose));
    return line;
  }

  private static int usage(CommandLine.ParameterException error, String[] words) {
    CommandLine at = error.getCommandLine();
    String help = at.getCommandSpec().qualifiedName() + " --help";
    at.getErr().println(Failures.line(error.getMessage() + "; see '" + help + "'", "usage"));
    return CommandLine.ExitCode.USAGE;
  }

  private static <T> ITypeConverter<T> converter(ITypeConverter<T> parse) {
    return text -> {
      try {
        return parse.convert(text);
      } catch (SluiceException e) {
        throw new TypeConversionException(e.getMessage());
      }
    };
  }

  /** UTF-8 whatever the locale says: names of models and tensors are UTF-8. */
  private static PrintWriter writer(FileDescriptor descriptor) {
    return new PrintWriter(
        new OutputStreamWriter(new FileOutputStream(descriptor), StandardCharsets.UTF_8), true);
  }
}
