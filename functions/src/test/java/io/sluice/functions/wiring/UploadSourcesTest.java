package io.sluice.functions.wiring;

import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItems;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import io.restassured.http.ContentType;
import io.restassured.response.ValidatableResponse;
import io.sluice.format.SafetensorsHeader;
import io.sluice.model.DType;
import io.sluice.model.TensorInfo;
import io.sluice.storage.RetryPolicy;
import io.sluice.storage.RetryingShardStore;
import io.sluice.storage.ShardStore;
import io.sluice.storage.s3.S3ShardStore;
import jakarta.inject.Inject;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.s3.S3Client;

/** The sources of the upload function: a bucket, a web server, and those that are refused. */
@QuarkusTest
@TestProfile(UploadSourcesTest.LoopbackAllowed.class)
class UploadSourcesTest {
  private static final Pattern RANGE = Pattern.compile("bytes=(\\d+)-(\\d+)");

  @Inject S3Client s3;

  private final Map<String, byte[]> files = new TreeMap<>();
  private HttpServer web;

  /** The web server of this test is on a private address. */
  public static class LoopbackAllowed implements QuarkusTestProfile {
    @Override
    public Map<String, String> getConfigOverrides() {
      return Map.of("sluice.sources.hosts", "127.0.0.1");
    }
  }

  @BeforeEach
  void start() throws IOException {
    files.put("model-1.safetensors", safetensors(1));
    files.put("model-2.safetensors", safetensors(2));
    files.put(
        "model.safetensors.index.json",
        "{\"weight_map\":{\"t1\":\"model-1.safetensors\",\"t2\":\"model-2.safetensors\"}}"
            .getBytes(StandardCharsets.UTF_8));
    files.put("config.json", "{}".getBytes(StandardCharsets.UTF_8));
    web = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 512);
    web.createContext("/", this::serve);
    web.start();
  }

  @AfterEach
  void stop() {
    web.stop(0);
  }

  @Test
  void aFolderOfABucket() {
    s3.createBucket(b -> b.bucket("incoming"));
    // After an empty PUT, as that of a bucket, the embedded S3 closes the connection.
    ShardStore bucket =
        new RetryingShardStore(new S3ShardStore(s3, "incoming", ""), RetryPolicy.DEFAULT);
    files.forEach(
        (name, bytes) ->
            bucket.putIfAbsent("org/model-7.5b/" + name, MemorySegment.ofArray(bytes)));
    bucket.putIfAbsent("org/other.json", MemorySegment.ofArray(new byte[] {'{', '}'}));

    upload("s3://incoming/org/model-7.5b", "from-s3")
        .statusCode(200)
        .body("files", equalTo(4))
        .body("tensors", equalTo(2));
    upload("s3://incoming/org/model-7.5b/model-1.safetensors", "one-file")
        .statusCode(200)
        .body("files", equalTo(1));
    upload("s3://incoming/nothing/", "nothing")
        .statusCode(404)
        .body("code", equalTo("source-missing"));
    upload("s3://no-such-bucket/x/", "nothing")
        .statusCode(404)
        .body("code", equalTo("bucket-missing"));
  }

  @Test
  void aFolderOfAWebServer() {
    String base = "http://127.0.0.1:" + web.getAddress().getPort();
    ValidatableResponse uploaded = upload(base + "/hub/model/", "from-web").statusCode(200);
    uploaded.body("files", equalTo(4)).body("tensors", equalTo(2));
    given()
        .get("/models/from-web")
        .then()
        .body("files.path", hasItems("config.json", "model-1.safetensors"));

    upload(base + "/hub/model/model-2.safetensors", "one-web-file")
        .statusCode(200)
        .body("files", equalTo(1));
    upload(base + "/empty/", "nothing").statusCode(404);
  }

  @Test
  void whatIsNotAllowedIsRefused() {
    upload("http://169.254.169.254/latest/meta-data/x.json", "x")
        .statusCode(403)
        .body("code", equalTo("host-refused"));
    upload("https://10.0.0.1/model.safetensors", "x").statusCode(403);
    upload("file:/etc/passwd", "x").statusCode(403).body("code", equalTo("source-forbidden"));
    upload("file:relative", "x").statusCode(400).body("code", equalTo("source-invalid"));
    upload("ftp://host/x", "x").statusCode(400).body("code", equalTo("source-invalid"));
    upload("not a url", "x").statusCode(400).body("code", equalTo("source-invalid"));
  }

  private static ValidatableResponse upload(String source, String model) {
    return given()
        .contentType(ContentType.JSON)
        .body(Map.of("source", source, "model", model))
        .post("/upload")
        .then();
  }

  private static byte[] safetensors(int number) throws IOException {
    SafetensorsHeader header =
        SafetensorsHeader.of(
            List.of(new TensorInfo("t" + number, DType.F32, List.of(100L, 64L))), Map.of());
    byte[] data = new byte[Math.toIntExact(header.dataBytes())];
    new Random(number).nextBytes(data);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(header.toBytes());
    out.write(data);
    return out.toByteArray();
  }

  private void serve(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    byte[] bytes = files.get(path.substring(path.lastIndexOf('/') + 1));
    if (bytes == null || !path.startsWith("/hub/model/")) {
      exchange.sendResponseHeaders(404, -1);
    } else {
      exchange.getResponseHeaders().add("ETag", "\"" + Arrays.hashCode(bytes) + "\"");
      String range = exchange.getRequestHeaders().getFirst("Range");
      Matcher matcher = RANGE.matcher(range == null ? "" : range);
      if (matcher.matches()) {
        int from = Integer.parseInt(matcher.group(1));
        int to = Integer.parseInt(matcher.group(2));
        exchange
            .getResponseHeaders()
            .add("Content-Range", "bytes " + from + "-" + to + "/" + bytes.length);
        exchange.sendResponseHeaders(206, to - from + 1);
        exchange.getResponseBody().write(bytes, from, to - from + 1);
      } else {
        exchange.getResponseHeaders().add("Content-Length", Integer.toString(bytes.length));
        exchange.sendResponseHeaders(200, -1);
      }
    }
    exchange.close();
  }
}
