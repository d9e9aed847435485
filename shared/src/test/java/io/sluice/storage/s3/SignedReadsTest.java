package io.sluice.storage.s3;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.http.ScriptedServer;
import io.sluice.model.ByteRange;
import io.sluice.storage.RetryPolicy;
import io.sluice.storage.RetryingShardStore;
import io.sluice.storage.S3Fixture;
import io.sluice.storage.ShardStore;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.core.SdkGlobalTime;
import software.amazon.awssdk.services.s3.S3Client;

/** How the SDK signs what it does not send; the embedded S3 checks signatures in other tests. */
class SignedReadsTest {
  private static final DateTimeFormatter AMZ_DATE =
      DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);
  private static final String CONTENT = "0123456789";

  private final List<String> heads = new CopyOnWriteArrayList<>();
  private final byte[] target = new byte[10];

  /** The SDK keeps one clock for all clients of the process. */
  @AfterEach
  void setTheClockRight() {
    SdkGlobalTime.setGlobalTimeOffset(0);
  }

  @Test
  void oneSignatureIsGoodForAllRangesOfAnObject() throws Exception {
    try (ScriptedServer server = new ScriptedServer(peer -> serve(peer, Duration.ZERO));
        S3Client client = client(server)) {
      ShardStore store = new S3ShardStore(client, "bucket", "");
      read(store, "one", 0, 4, Optional.empty());
      read(store, "one", 4, 10, Optional.of("\"tag\""));
      read(store, "two", 0, 10, Optional.empty());
    }
    assertThat(new String(target, StandardCharsets.US_ASCII)).isEqualTo(CONTENT);
    assertThat(heads).hasSize(3);
    assertThat(header(heads.get(0), "Authorization"))
        .isNotEmpty()
        .isEqualTo(header(heads.get(1), "Authorization"))
        .isNotEqualTo(header(heads.get(2), "Authorization"))
        .contains("SignedHeaders=")
        .doesNotContain("range");
    assertThat(header(heads.get(1), "Range")).isEqualTo("bytes=4-9");
    assertThat(header(heads.get(1), "If-Match")).isEqualTo("\"tag\"");
  }

  @Test
  void aClockThatIsWrongIsSetByTheSdk() throws Exception {
    Duration ahead = Duration.ofHours(1);
    try (ScriptedServer server = new ScriptedServer(peer -> serve(peer, ahead));
        S3Client client = client(server)) {
      ShardStore store =
          new RetryingShardStore(
              new S3ShardStore(client, "bucket", ""),
              new RetryPolicy(3, Duration.ZERO, Duration.ZERO, Duration.ofSeconds(20)));
      read(store, "one", 0, 10, Optional.empty());
    }
    assertThat(new String(target, StandardCharsets.US_ASCII)).isEqualTo(CONTENT);
    assertThat(heads).as("signed before, by the SDK itself, and anew").hasSize(3);
  }

  /** Answers ranges of the content, if the date of the request is near its own time. */
  private void serve(ScriptedServer.Peer peer, Duration ahead) throws IOException {
    for (String head = peer.head(); head != null; head = peer.head()) {
      heads.add(head);
      Instant now = Instant.now().plus(ahead);
      Instant said = Instant.from(AMZ_DATE.parse(header(head, "x-amz-date")));
      String date = DateTimeFormatter.RFC_1123_DATE_TIME.format(now.atOffset(ZoneOffset.UTC));
      if (Duration.between(said, now).abs().toMinutes() > 15) {
        String body = "<Error><Code>RequestTimeTooSkewed</Code><Message>late</Message></Error>";
        peer.say(
            "HTTP/1.1 403 Forbidden\r\nDate: "
                + date
                + "\r\nContent-Type: application/xml\r\nContent-Length: "
                + body.length()
                + "\r\n\r\n"
                + body);
        continue;
      }
      String[] ends = header(head, "Range").substring("bytes=".length()).split("-");
      String body = CONTENT.substring(Integer.parseInt(ends[0]), Integer.parseInt(ends[1]) + 1);
      peer.say(
          "HTTP/1.1 206 Partial Content\r\nETag: \"tag\"\r\nDate: "
              + date
              + "\r\nContent-Range: bytes "
              + ends[0]
              + "-"
              + ends[1]
              + "/10\r\nContent-Length: "
              + body.length()
              + "\r\n\r\n"
              + body);
    }
  }

  private static String header(String head, String name) {
    return head.lines()
        .filter(line -> line.regionMatches(true, 0, name + ": ", 0, name.length() + 2))
        .map(line -> line.substring(name.length() + 2))
        .findFirst()
        .orElse("");
  }

  private static S3Client client(ScriptedServer server) {
    return S3Fixture.client(
        URI.create(server.origin().toString()), "secret", 1, Duration.ofSeconds(10));
  }

  private void read(ShardStore store, String key, int begin, int end, Optional<String> etag) {
    store.read(
        key,
        etag,
        ByteRange.between(begin, end),
        MemorySegment.ofArray(target).asSlice(begin, end - begin));
  }
}
