package io.sluice.storage;

import io.sluice.embedded.EmbeddedStack;
import io.sluice.launcher.EmbeddedProcess;
import io.sluice.launcher.Launch;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import software.amazon.awssdk.services.s3.S3Client;

/** The embedded S3 as a process of its own, which can be killed and comes back with its data. */
public final class S3Process implements AutoCloseable {
  private static final String BUCKET = "sluice";
  private static final String KEY = "test-key";
  private static final String SECRET = "test-secret";
  private static final String REGION = EmbeddedStack.REGION;

  private final Launch launch;
  private EmbeddedProcess process;

  /**
   * @param data where it keeps its objects
   */
  public S3Process(Path data) throws IOException {
    List<Path> classPath =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .map(Path::of)
            .toList();
    Launch plain = Launch.ofClassPath(classPath);
    List<String> program = new ArrayList<>(List.of("-XX:TieredStopAtLevel=1"));
    program.addAll(plain.program());
    program.addAll(List.of("--access-key", KEY, "--secret-key", SECRET));
    Launch first =
        new Launch(
            program,
            Optional.of(data),
            Optional.of(BUCKET),
            OptionalInt.empty(),
            OptionalInt.empty(),
            Duration.ofSeconds(60));
    process = EmbeddedProcess.start(first);
    launch = first.withS3Port(endpoint().getPort());
  }

  /** Where it is, before and after it was killed. */
  public URI endpoint() {
    return URI.create(process.endpoints().endpoint());
  }

  public String bucket() {
    return BUCKET;
  }

  /** The file that is to hold an object, whose ETag {@link #seal} gives it. */
  public static Path file(Path data, String key) {
    return data.resolve("s3").resolve(BUCKET).resolve(key);
  }

  /** Makes a file that it did not write itself an object: gives it an ETag, as it does. */
  public static void seal(Path file) throws IOException {
    Files.getFileAttributeView(file, UserDefinedFileAttributeView.class)
        .write("user.content-md5", ByteBuffer.wrap(new byte[16]));
  }

  /** A client that does not try again. */
  public S3Client client() {
    return client(endpoint());
  }

  /** A client that reaches it at another address. */
  public S3Client client(URI endpoint) {
    return client(endpoint, SECRET);
  }

  /** A client that reaches it at another address, or signs with another secret. */
  public S3Client client(URI endpoint, String secret) {
    return S3Fixture.client(endpoint, REGION, KEY, secret, 1, Duration.ofSeconds(10));
  }

  /** Ends it at once. */
  public void kill() throws InterruptedException {
    ProcessHandle handle = ProcessHandle.of(process.endpoints().pid()).orElseThrow();
    handle.destroyForcibly();
    try {
      process.onExit().get(20, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new IllegalStateException("the embedded S3 does not end", e);
    }
  }

  /** Starts it again. */
  public void restart() throws IOException {
    process = EmbeddedProcess.start(launch);
  }

  @Override
  public void close() {
    process.close();
  }
}
