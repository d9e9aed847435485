package io.sluice.embedded;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.model.S3Object;

class EmbeddedStackTest {
  @TempDir static Path data;

  private static EmbeddedStack stack;
  private static S3Client s3;
  private static String bucket;

  @BeforeAll
  static void start() throws IOException {
    stack = EmbeddedStack.start(Options.defaults().withData(data));
    s3 = client(stack.s3(), stack.s3().secretKey(), true);
    bucket = stack.s3().bucket();
  }

  @AfterAll
  static void stop() throws IOException {
    s3.close();
    stack.close();
    assertThatThrownBy(() -> new Socket(stack.redis().host(), stack.redis().port()).close())
        .isInstanceOf(ConnectException.class);
    assertThatThrownBy(
            () -> new Socket(stack.s3().endpoint().getHost(), stack.s3().endpoint().getPort()))
        .isInstanceOf(ConnectException.class);
  }

  @Test
  void keepsWhatWasPut() {
    byte[] content = random(3_000_000);

    s3.putObject(r -> r.bucket(bucket).key("a/b/object"), RequestBody.fromBytes(content));

    assertThat(s3.getObjectAsBytes(r -> r.bucket(bucket).key("a/b/object")).asByteArray())
        .isEqualTo(content);
    assertThat(s3.headObject(r -> r.bucket(bucket).key("a/b/object")).contentLength())
        .isEqualTo(content.length);
    assertThat(s3.listObjectsV2(r -> r.bucket(bucket).prefix("a/")).contents())
        .extracting(S3Object::key)
        .containsExactly("a/b/object");
    s3.deleteObject(r -> r.bucket(bucket).key("a/b/object"));
    assertThatThrownBy(() -> s3.headObject(r -> r.bucket(bucket).key("a/b/object")))
        .isInstanceOf(NoSuchKeyException.class);
  }

  @Test
  void refusesAWrongSignature() {
    try (S3Client stranger = client(stack.s3(), "not-the-secret", true)) {
      assertThatThrownBy(() -> stranger.listObjectsV2(r -> r.bucket(bucket)))
          .isInstanceOfSatisfying(
              S3Exception.class, e -> assertThat(e.statusCode()).isEqualTo(403));
      // The server closes the connection before it has read the body: the answer may get lost.
      assertThatThrownBy(
              () ->
                  stranger.putObject(
                      r -> r.bucket(bucket).key("stranger"), RequestBody.fromString("x")))
          .isInstanceOf(SdkException.class);
    }
    assertThatThrownBy(() -> s3.headObject(r -> r.bucket(bucket).key("stranger")))
        .isInstanceOf(NoSuchKeyException.class);
  }

  @Test
  void refusesAnUnsignedRequest() throws Exception {
    try (HttpClient http = HttpClient.newHttpClient()) {
      HttpResponse<String> response =
          http.send(
              HttpRequest.newBuilder(stack.s3().endpoint().resolve("/" + bucket)).build(),
              HttpResponse.BodyHandlers.ofString());
      assertThat(response.statusCode()).isEqualTo(403);
    }
  }

  @Test
  void createsAnObjectOnlyOnce() throws Exception {
    int writers = 8;
    CountDownLatch together = new CountDownLatch(writers);
    Callable<Integer> write =
        () -> {
          together.countDown();
          together.await();
          try {
            s3.putObject(
                r -> r.bucket(bucket).key("once").ifNoneMatch("*"),
                RequestBody.fromBytes(random(100_000)));
            return 200;
          } catch (S3Exception e) {
            return e.statusCode();
          }
        };
    try (ExecutorService executor = Executors.newFixedThreadPool(writers)) {
      List<Future<Integer>> statuses = executor.invokeAll(Collections.nCopies(writers, write));
      assertThat(statuses.stream().map(Future::resultNow).filter(status -> status == 200))
          .hasSize(1);
    }
    assertThatThrownBy(
            () ->
                s3.putObject(
                    r -> r.bucket(bucket).key("once").ifNoneMatch("*"),
                    RequestBody.fromString("again")))
        .isInstanceOfSatisfying(S3Exception.class, e -> assertThat(e.statusCode()).isEqualTo(412));
  }

  @Test
  void readsARange() {
    byte[] content = random(1_000_000);
    s3.putObject(r -> r.bucket(bucket).key("range"), RequestBody.fromBytes(content));

    byte[] part =
        s3.getObjectAsBytes(r -> r.bucket(bucket).key("range").range("bytes=123456-234567"))
            .asByteArray();

    assertThat(part).isEqualTo(Arrays.copyOfRange(content, 123_456, 234_568));
  }

  @Test
  void assemblesAMultipartUpload() {
    byte[] first = random(5 << 20);
    byte[] second = random(1_000);
    String id = s3.createMultipartUpload(r -> r.bucket(bucket).key("parts")).uploadId();
    List<CompletedPart> parts = List.of(part("parts", id, 1, first), part("parts", id, 2, second));
    s3.completeMultipartUpload(
        r -> r.bucket(bucket).key("parts").uploadId(id).multipartUpload(m -> m.parts(parts)));

    byte[] whole = s3.getObjectAsBytes(r -> r.bucket(bucket).key("parts")).asByteArray();

    assertThat(whole).hasSize(first.length + second.length).startsWith(first).endsWith(second);
  }

  private static CompletedPart part(String key, String id, int number, byte[] content) {
    String etag =
        s3.uploadPart(
                r -> r.bucket(bucket).key(key).uploadId(id).partNumber(number),
                RequestBody.fromBytes(content))
            .eTag();
    return CompletedPart.builder().partNumber(number).eTag(etag).build();
  }

  @Test
  void takesALargeBodySignedAsAWhole() {
    byte[] content = random(48 << 20); // beyond S3Proxy's own limit of 32 MiB
    try (S3Client whole = client(stack.s3(), stack.s3().secretKey(), false)) {
      whole.putObject(r -> r.bucket(bucket).key("large"), RequestBody.fromBytes(content));
    }
    assertThat(s3.headObject(r -> r.bucket(bucket).key("large")).contentLength())
        .isEqualTo(content.length);
    s3.deleteObject(r -> r.bucket(bucket).key("large"));
  }

  @Test
  void redisAnswersAndRunsScripts() throws IOException {
    try (Socket socket = new Socket(stack.redis().host(), stack.redis().port())) {
      assertThat(redis(socket, "PING")).isEqualTo("+PONG\r\n");
      assertThat(redis(socket, "EVAL \"return 6*7\" 0")).isEqualTo(":42\r\n");
      assertThat(redis(socket, "CONFIG GET save"))
          .as("no snapshots")
          .isEqualTo("*2\r\n$4\r\nsave\r\n$0\r\n\r\n");
    }
  }

  private static String redis(Socket socket, String command) throws IOException {
    socket.setSoTimeout(5_000);
    socket.getOutputStream().write((command + "\r\n").getBytes(UTF_8));
    byte[] answer = new byte[256];
    int read = socket.getInputStream().read(answer);
    return new String(answer, 0, read, UTF_8);
  }

  @Test
  void keepsTheObjectsOfADataDirectoryAndNothingUnfinished(@TempDir Path kept) throws IOException {
    Options options = Options.defaults().withData(kept.resolve("new/folder")).withBucket("kept");
    String likeUnfinished = "k-21659f44-2fa9-4857-9e1c-72f75264dd6d";
    try (EmbeddedStack first = EmbeddedStack.start(options);
        S3Client client = client(first.s3(), first.s3().secretKey(), true)) {
      client.putObject(r -> r.bucket("kept").key("k"), RequestBody.fromString("v"));
      client.putObject(r -> r.bucket("kept").key(likeUnfinished), RequestBody.fromString("w"));
    }
    // What S3Proxy leaves when it is killed in the middle of a write.
    Files.writeString(
        kept.resolve("new/folder/s3/kept/k-31659f44-2fa9-4857-9e1c-72f75264dd6d"), "v");
    try (EmbeddedStack second = EmbeddedStack.start(options);
        S3Client client = client(second.s3(), second.s3().secretKey(), true)) {
      assertThat(client.getObjectAsBytes(r -> r.bucket("kept").key("k")).asUtf8String())
          .isEqualTo("v");
      assertThat(client.listObjectsV2(r -> r.bucket("kept")).contents())
          .extracting(S3Object::key)
          .containsExactly("k", likeUnfinished);
    }
  }

  @Test
  void namesAPortInUse() throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      String port = "127.0.0.1:" + taken.getLocalPort();
      assertThatThrownBy(
              () -> EmbeddedStack.start(Options.defaults().withS3Port(taken.getLocalPort())))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("S3")
          .hasMessageContaining(port);
      assertThatThrownBy(
              () -> EmbeddedStack.start(Options.defaults().withRedisPort(taken.getLocalPort())))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("Redis")
          .hasMessageContaining(port);
    }
  }

  @Test
  void namesADataDirectoryThatCannotBe(@TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "not a directory");
    assertThatThrownBy(() -> EmbeddedStack.start(Options.defaults().withData(file.resolve("x"))))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("data directory")
        .hasMessageContaining(file.toString());
  }

  @Test
  void refusesWrongOptions() {
    assertThatThrownBy(() -> Options.defaults().withBucket("Not_A_Bucket"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Not_A_Bucket");
    assertThatThrownBy(() -> Options.defaults().withS3Port(70_000))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("70000");
  }

  private static S3Client client(EmbeddedStack.S3 s3, String secret, boolean chunked) {
    return S3Client.builder()
        .endpointOverride(s3.endpoint())
        .region(Region.of(s3.region()))
        .forcePathStyle(true)
        .serviceConfiguration(c -> c.chunkedEncodingEnabled(chunked))
        .requestChecksumCalculation(
            chunked
                ? RequestChecksumCalculation.WHEN_SUPPORTED
                : RequestChecksumCalculation.WHEN_REQUIRED)
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create(s3.accessKey(), secret)))
        .httpClient(UrlConnectionHttpClient.builder().socketTimeout(Duration.ofSeconds(30)).build())
        .build();
  }

  private static byte[] random(int size) {
    byte[] content = new byte[size];
    RandomGenerator.of("L64X128MixRandom").nextBytes(content);
    return content;
  }
}
