package io.sluice.launcher;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/**
 * What to start and how: an immutable description; every {@code with} method gives a changed copy.
 *
 * @param program the arguments of {@code java} that name the program: {@code -jar FILE} or {@code
 *     -cp PATH MAIN}
 * @param data where the S3 objects are kept; empty for a temporary directory that goes with the
 *     process
 * @param bucket the bucket to create, if not the program's default
 * @param s3Port the S3 port, if not any free one
 * @param redisPort the Redis port, if not any free one
 * @param startTimeout how long the servers may take to be ready
 */
public record Launch(
    List<String> program,
    Optional<Path> data,
    Optional<String> bucket,
    OptionalInt s3Port,
    OptionalInt redisPort,
    Duration startTimeout) {

  /** The program's jar in an embedded home. */
  public static final String JAR = "sluice-embedded.jar";

  /** The program's main class. */
  public static final String MAIN_CLASS = "io.sluice.embedded.EmbeddedMain";

  private static final Duration DEFAULT_START_TIMEOUT = Duration.ofSeconds(60);

  public Launch {
    program = List.copyOf(program);
    Objects.requireNonNull(data, "data");
    Objects.requireNonNull(bucket, "bucket");
    Objects.requireNonNull(s3Port, "s3Port");
    Objects.requireNonNull(redisPort, "redisPort");
    if (!startTimeout.isPositive()) {
      throw new IllegalArgumentException("startTimeout must be positive, is " + startTimeout);
    }
  }

  /**
   * The program of an embedded home: the folder with {@value #JAR} and {@code lib/}.
   *
   * @throws IllegalArgumentException if the jar is not there
   */
  public static Launch ofHome(Path embeddedHome) {
    Path jar = embeddedHome.resolve(JAR).toAbsolutePath();
    if (!Files.isRegularFile(jar)) {
      throw new IllegalArgumentException("no embedded S3 and Redis: " + jar + " does not exist");
    }
    return of(List.of("-jar", jar.toString()));
  }

  /** The program on a class path of jars and class folders. */
  public static Launch ofClassPath(List<Path> classPath) {
    if (classPath.isEmpty()) {
      throw new IllegalArgumentException("the class path is empty");
    }
    String joined =
        classPath.stream()
            .map(path -> path.toAbsolutePath().toString())
            .collect(Collectors.joining(File.pathSeparator));
    return of(List.of("-cp", joined, MAIN_CLASS));
  }

  private static Launch of(List<String> program) {
    return new Launch(
        program,
        Optional.empty(),
        Optional.empty(),
        OptionalInt.empty(),
        OptionalInt.empty(),
        DEFAULT_START_TIMEOUT);
  }

  public Launch withData(Path directory) {
    return new Launch(program, Optional.of(directory), bucket, s3Port, redisPort, startTimeout);
  }

  public Launch withBucket(String name) {
    return new Launch(program, data, Optional.of(name), s3Port, redisPort, startTimeout);
  }

  public Launch withS3Port(int port) {
    return new Launch(program, data, bucket, OptionalInt.of(port), redisPort, startTimeout);
  }

  public Launch withRedisPort(int port) {
    return new Launch(program, data, bucket, s3Port, OptionalInt.of(port), startTimeout);
  }

  public Launch withStartTimeout(Duration timeout) {
    return new Launch(program, data, bucket, s3Port, redisPort, timeout);
  }

  /** The command line. */
  List<String> command(Path java) {
    List<String> command = new ArrayList<>();
    command.add(java.toString());
    command.add("--sun-misc-unsafe-memory-access=allow");
    command.addAll(program);
    data.ifPresent(path -> command.addAll(List.of("--data", path.toAbsolutePath().toString())));
    bucket.ifPresent(name -> command.addAll(List.of("--bucket", name)));
    s3Port.ifPresent(port -> command.addAll(List.of("--s3-port", Integer.toString(port))));
    redisPort.ifPresent(port -> command.addAll(List.of("--redis-port", Integer.toString(port))));
    return command;
  }
}
