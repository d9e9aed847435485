package io.sluice.functions.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.ParseResult;

class CommandTreeTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private final CommandLine line =
      CommandTree.create(CommandLine.defaultFactory())
          .setOut(new PrintWriter(out, true))
          .setErr(new PrintWriter(err, true));

  private <T extends SluiceCommand> T parse(Class<T> type, String... words) {
    ParseResult parsed = line.parseArgs(words);
    return type.cast(parsed.subcommand().commandSpec().userObject());
  }

  static List<String> commands() {
    return List.copyOf(CommandTree.create(CommandLine.defaultFactory()).getSubcommands().keySet());
  }

  @Test
  void hasTheCommandsOfTheContract() {
    assertThat(commands())
        .containsExactlyInAnyOrder(
            "upload",
            "copy",
            "load",
            "unload",
            "compute",
            "train",
            "predict",
            "embed",
            "diff",
            "pull",
            "ls",
            "show",
            "tag",
            "rm",
            "gc",
            "verify",
            "rebuild",
            "jobs",
            "serve",
            "up",
            "demo",
            "bench",
            "plan",
            "token",
            "completion");
  }

  @ParameterizedTest
  @MethodSource("commands")
  void everyCommandHasHelpAndTheCommonOptions(String command) {
    assertThat(line.execute(command, "--help")).isZero();
    assertThat(out.toString())
        .contains("Usage: sluice " + command)
        .contains("--endpoint", "--local", "--json", "--verbose", "Exit codes:");
    assertThat(err.toString()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--json --verbose load m",
        "load --json --verbose m",
        "load m --verbose --json",
        "--json load m --verbose"
      })
  void commonOptionsStandAnywhere(String words) {
    Sluice sluice = parse(LoadCommand.class, words.split(" ")).sluice;
    assertThat(sluice.json).isTrue();
    assertThat(sluice.verbose).isTrue();
    assertThat(sluice.local).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "lod                                        | Unmatched argument at index 0: 'lod'",
        "load                                       | Missing required parameter: 'MODEL'",
        "load m --nope                              | Unknown option: '--nope'",
        "load ../m                                  | a model name is",
        "upload . m --shard-size many               | a size is a number",
        "upload . m --expect sha256:1               | a digest has 64",
        "gc --grace soon                            | a time is a number",
        "up --workers x                             | 'x' is not an int",
        "jobs --follow                              | need the ID of a job",
        "plan --workers 1 --bandwidth 0             | a rate is at least 1 byte a second",
        "bench everything                           | 'everything'",
        "compute m                                  | Missing required option: '--operation=NAME'",
      })
  void wrongUsageIsOneLineAndExitCode2(String words, String message) {
    assertThat(line.execute(words.split(" "))).isEqualTo(2);
    assertThat(err.toString()).startsWith("sluice: ").contains(message).endsWith(" (usage)\n");
    assertThat(err.toString().lines()).hasSize(1);
    assertThat(out.toString()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "models/m, STORE",
    "./s3, STORE",
    "/models/m, STORE",
    "s3://bucket/m/, ENDPOINT",
    "https://host/m.gguf, ENDPOINT",
    "file:/models/m, ENDPOINT",
  })
  void anUploadOfAUrlIsTheServersWork(String source, Needs needs) {
    assertThat(parse(UploadCommand.class, "upload", source, "m").needs()).isEqualTo(needs);
  }

  @ParameterizedTest
  @CsvSource({
    "load m, ENDPOINT",
    "compute m --operation stats, ENDPOINT",
    "diff m n, ENDPOINT",
    "unload m, ENDPOINT",
    "ls, ENDPOINT",
    "show m, ENDPOINT",
    "jobs, ENDPOINT",
    "pull m d, STORE",
    "tag m t, STORE",
    "rm m, STORE",
    "gc, STORE",
    "verify m, STORE",
    "rebuild, STORE",
    "serve, SERVER",
    "bench load, STACK",
    "bench fanout --configured, STACK",
    "bench load --subject raw, STORE",
    "plan --size 140GB --workers 16, NOTHING",
    "plan --model m --workers 16, STORE",
    "completion, NOTHING",
  })
  void commandsNeedWhatTheyUse(String words, Needs needs) {
    assertThat(parse(SluiceCommand.class, words.split(" ")).needs()).isEqualTo(needs);
  }

  @Test
  void argumentsOfAnOperationAreJsonOrText() {
    ComputeCommand command =
        parse(
            ComputeCommand.class,
            "compute",
            "m",
            "--operation",
            "x",
            "--arguments",
            "{\"a\":1,\"b\":[2]}",
            "--argument",
            "a=3.5",
            "--argument",
            "name=weights");
    assertThat(command.arguments().toString())
        .isEqualTo("{\"a\":3.5,\"b\":[2],\"name\":\"weights\"}");
  }

  @ParameterizedTest
  @ValueSource(strings = {"[1]", "{", "{\"a\":1,\"a\":2}", "{} {}", "1"})
  void argumentsAreOneObject(String json) {
    ComputeCommand command =
        parse(ComputeCommand.class, "compute", "m", "--operation", "x", "--arguments", json);
    assertThatThrownBy(command::arguments).isInstanceOf(CommandLine.ParameterException.class);
  }

  @Test
  void trainAndPredictAreComputations() {
    TrainCommand train =
        parse(
            TrainCommand.class,
            "train",
            "digits",
            "--output",
            "net:best",
            "--epochs",
            "3",
            "--learning-rate",
            "0.5",
            "--no-standardize",
            "--resume",
            "net:epoch-2");
    assertThat(train.request().toString())
        .isEqualTo(
            "{\"model\":\"digits\",\"tensors\":[],\"operation\":\"train\",\"arguments\":"
                + "{\"output\":\"net:best\",\"epochs\":3,\"learningRate\":0.5,\"standardize\":false,"
                + "\"resume\":\"net:epoch-2\"}}");
    PredictCommand predict =
        parse(
            PredictCommand.class,
            "predict",
            "net",
            "--data",
            "digits:test",
            "--probabilities",
            "--no-labels",
            "--tasks-per-worker",
            "2");
    assertThat(predict.request().toString())
        .isEqualTo(
            "{\"model\":\"net\",\"tensors\":[],\"tasksPerWorker\":2,\"operation\":\"predict\","
                + "\"arguments\":{\"data\":\"digits:test\",\"labels\":false,\"probabilities\":true}}");
  }

  @Test
  void theEndpointIsChecked() {
    assertThat(parse(LsCommand.class, "ls", "--endpoint", "https://h/base").sluice.endpoint())
        .hasToString("https://h/base");
    Sluice wrong = parse(LsCommand.class, "ls", "--endpoint", "ftp://h").sluice;
    assertThatThrownBy(wrong::endpoint)
        .isInstanceOfSatisfying(
            SluiceException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID));
  }

  @Test
  void settingsOfTheServerFollowFromItsOptions() {
    assertThat(parse(ServeCommand.class, "serve", "--port", "0").settings())
        .containsEntry("quarkus.http.port", "0");
    assertThat(parse(ServeCommand.class, "serve").settings()).isEmpty();
    assertThat(parse(UpCommand.class, "up", "--data", "/d").data())
        .isEqualTo(Optional.of(Path.of("/d")));
  }

  @ParameterizedTest
  @CsvSource({"90s, PT1M30S", "15m, PT15M", "24h, PT24H", "7d, PT168H", "PT1H30M, PT1H30M"})
  void timesAreReadAsPeopleWriteThem(String text, Duration duration) {
    assertThat(parse(GcCommand.class, "gc", "--grace", text).grace).isEqualTo(duration);
  }

  @Test
  void completionNamesEveryCommand() {
    assertThat(line.execute("completion")).isZero();
    assertThat(out.toString()).startsWith("#!/usr/bin/env bash").contains(commands());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "bench load --shard 2GiB                    | --shard is 1 to 1073741824, got 2147483648",
        "bench load --chunk 0                       | --chunk is 1 to 1073741824, got 0",
        "bench upload --repeat 0                    | --repeat is 1 to 1000, got 0",
        "bench fanout --workers 4,0                 | --workers is 1 to 256, got 0",
        "plan --workers 1                           | give either --model or --size",
        "plan --workers 1 --model m --size 1        | give either --model or --size",
        "plan --workers 0 --size 1                  | --workers is 1 to 100000, got 0",
        "plan --workers 1 --model m --shard 1MiB    | go with --size",
      })
  void whatIsMeasuredOrPlannedIsChecked(String words, String message) {
    assertThatThrownBy(() -> parse(SluiceCommand.class, words.split(" ")).needs())
        .isInstanceOfSatisfying(
            SluiceException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(ErrorKind.INVALID);
              assertThat(e).hasMessageContaining(message);
            });
  }

  @ParameterizedTest
  @CsvSource({"75MB/s, 75000000", "1GiB/s, 1073741824", "8, 8"})
  void ratesAreReadAsPeopleWriteThem(String text, long bytes) {
    assertThat(parse(PlanCommand.class, "plan", "--workers", "1", "--bandwidth", text).bandwidth)
        .isEqualTo(new ByteRate(bytes));
  }

  @Test
  void anyNumberOfWorkersIsNotStarted() {
    for (String[] words :
        new String[][] {
          {"up", "--workers", "0"},
          {"up", "--workers", "65"},
          {"up", "--port", "65534"},
          {"demo", "--workers", "-1"}
        }) {
      assertThatThrownBy(() -> parse(SluiceCommand.class, words).needs())
          .isInstanceOfSatisfying(
              SluiceException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID));
    }
  }
}
