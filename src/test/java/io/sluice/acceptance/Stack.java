package io.sluice.acceptance;

import io.sluice.launcher.EmbeddedEndpoints;
import io.sluice.launcher.EmbeddedProcess;
import io.sluice.launcher.FileTree;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/**
 * A signature-checking S3 and a Redis in a process of their own, a folder that workers may read
 * models from, and the clusters that run beside them. Everything ends with this JVM.
 */
final class Stack implements AutoCloseable {
  private static Stack shared;
  private static Cluster sharedCluster;

  private final EmbeddedProcess process;
  private final S3Client s3;
  private final Path models;
  private final Deque<Cluster> clusters = new ArrayDeque<>();

  private Stack(EmbeddedProcess process, Path models) {
    this.process = process;
    this.models = models;
    this.s3 = client(process.endpoints());
  }

  /** The stack of all tests that do no harm to others. */
  static synchronized Stack shared() {
    if (shared == null) {
      shared = start();
    }
    return shared;
  }

  /** Four workers of 1 GiB beside the shared stack, for tests that kill none of them. */
  static synchronized Cluster sharedCluster() {
    if (sharedCluster == null) {
      sharedCluster = Cluster.start(shared(), "shared", 4, 1L << 30, Map.of());
    }
    return sharedCluster;
  }

  /** A stack of one's own. */
  static Stack start() {
    try {
      Path models = Files.createTempDirectory("sluice-acceptance-").toRealPath();
      Stack stack =
          new Stack(EmbeddedProcess.start(Application.embeddedHome(), Optional.empty()), models);
      Runtime.getRuntime().addShutdownHook(new Thread(stack::close, "acceptance-stack"));
      return stack;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  EmbeddedEndpoints endpoints() {
    return process.endpoints();
  }

  S3Client s3() {
    return s3;
  }

  /** The one folder from which workers may read. */
  Path models() {
    return models;
  }

  /** Writes the files of a model into a new folder that workers may read. */
  Path write(String folder, Map<String, byte[]> files) {
    Path root = models.resolve(folder);
    try {
      Files.createDirectories(root);
      for (Map.Entry<String, byte[]> file : files.entrySet()) {
        Path path = root.resolve(file.getKey());
        Files.createDirectories(path.getParent());
        Files.write(path, file.getValue());
      }
      return root;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Environment that leads an application here. */
  Map<String, String> environment() {
    EmbeddedEndpoints at = endpoints();
    Map<String, String> environment = new LinkedHashMap<>();
    environment.put("QUARKUS_S3_ENDPOINT_OVERRIDE", at.endpoint());
    environment.put("QUARKUS_S3_PATH_STYLE_ACCESS", "true");
    environment.put("QUARKUS_S3_AWS_REGION", at.region());
    environment.put("QUARKUS_S3_AWS_CREDENTIALS_TYPE", "static");
    environment.put("QUARKUS_S3_AWS_CREDENTIALS_STATIC_PROVIDER_ACCESS_KEY_ID", at.accessKey());
    environment.put("QUARKUS_S3_AWS_CREDENTIALS_STATIC_PROVIDER_SECRET_ACCESS_KEY", at.secretKey());
    environment.put("QUARKUS_REDIS_HOSTS", at.redisUrl());
    environment.put("SLUICE_S3_BUCKET", at.bucket());
    environment.put("SLUICE_SOURCES_ROOTS", models.toString());
    environment.put("SLUICE_AUTH_MODE", "open");
    return environment;
  }

  /** Says one command to Redis and returns the first line of the answer. */
  String redis(String command) {
    URI at = URI.create(endpoints().redisUrl());
    try (var socket = new java.net.Socket(at.getHost(), at.getPort());
        var in =
            new java.io.BufferedReader(
                new java.io.InputStreamReader(
                    socket.getInputStream(), java.nio.charset.StandardCharsets.UTF_8))) {
      socket
          .getOutputStream()
          .write((command + "\r\n").getBytes(java.nio.charset.StandardCharsets.UTF_8));
      return in.readLine();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  synchronized void add(Cluster cluster) {
    clusters.push(cluster);
  }

  @Override
  public synchronized void close() {
    clusters.forEach(Cluster::close);
    clusters.clear();
    s3.close();
    process.close();
    try {
      FileTree.delete(models);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static S3Client client(EmbeddedEndpoints at) {
    return S3Client.builder()
        .endpointOverride(URI.create(at.endpoint()))
        .region(Region.of(at.region()))
        .credentialsProvider(
            StaticCredentialsProvider.create(
                AwsBasicCredentials.create(at.accessKey(), at.secretKey())))
        .forcePathStyle(true)
        .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
        .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
        .httpClientBuilder(UrlConnectionHttpClient.builder())
        .build();
  }
}
