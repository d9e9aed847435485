package io.sluice.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sluice.http.HttpFailure.Reason;
import io.sluice.http.ScriptedServer.Script;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32C;
import javax.net.ssl.SSLServerSocket;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** TLS against the JDK's own server side. */
class TlsTest {
  private static final byte[] BYTES = new byte[(9 << 20) + 12_345];

  @TempDir static Path folder;

  private static TestKeys keys;
  private static HttpTransport transport;

  @BeforeAll
  static void makeKeys() throws Exception {
    new Random(4).nextBytes(BYTES);
    keys = TestKeys.create(folder, "dns:localhost,ip:127.0.0.1");
    transport =
        new HttpTransport(
            TransportSettings.defaults()
                .withTls(keys.context())
                .withConnectTimeout(Duration.ofMinutes(1))
                .withStallTimeout(Duration.ofMinutes(1)));
  }

  @AfterAll
  static void close() {
    transport.close();
  }

  private static final Script GIVES_AND_TAKES =
      peer -> {
        for (String head = peer.head(); head != null; head = peer.head()) {
          if (head.startsWith("PUT")) {
            boolean same = Arrays.equals(peer.in().readNBytes(BYTES.length), BYTES);
            peer.say("HTTP/1.1 " + (same ? 200 : 400) + " x\r\nContent-Length: 0\r\n\r\n");
          } else {
            peer.say("HTTP/1.1 200 OK\r\nContent-Length: " + BYTES.length + "\r\n\r\n");
            peer.out().write(BYTES);
          }
        }
      };

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
  void bodiesGoBothWaysOverOneConnection(String version) throws Exception {
    SSLServerSocket listener = (SSLServerSocket) keys.listen();
    listener.setEnabledProtocols(new String[] {version});
    try (ScriptedServer server = new ScriptedServer(listener, GIVES_AND_TAKES);
        Arena arena = Arena.ofConfined()) {
      Origin origin = new Origin(true, "127.0.0.1", server.port());
      MemorySegment target = arena.allocate(BYTES.length);
      for (int i = 0; i < 3; i++) {
        target.fill((byte) 0);
        CRC32C crc = new CRC32C();
        try (HttpAnswer answer =
            transport.send(new HttpCall(origin, "GET", "/", new HttpHeaders()))) {
          long[] done = new long[1];
          answer.receive(
              target,
              n -> {
                crc.update(target.asSlice(done[0], n - done[0]).asByteBuffer());
                done[0] = n;
              });
        }
        assertThat(target.mismatch(MemorySegment.ofArray(BYTES))).isEqualTo(-1);
        CRC32C expected = new CRC32C();
        expected.update(BYTES);
        assertThat(crc.getValue()).isEqualTo(expected.getValue());
        HttpCall put =
            new HttpCall(
                origin,
                "PUT",
                "/",
                new HttpHeaders(),
                RequestBody.of(target),
                Duration.ofMinutes(2));
        try (HttpAnswer answer = transport.send(put)) {
          assertThat(answer.status()).isEqualTo(200);
        }
      }
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  @Test
  void whoIsNotTrustedOrHasAnotherNameIsRefused() throws Exception {
    try (ScriptedServer server = new ScriptedServer(keys.listen(), GIVES_AND_TAKES);
        HttpTransport strict = new HttpTransport(TransportSettings.defaults())) {
      Origin origin = new Origin(true, "127.0.0.1", server.port());
      assertReason(Reason.UNTRUSTED, strict, origin);
    }
    TestKeys other = TestKeys.create(folder, "dns:other.example");
    try (ScriptedServer server = new ScriptedServer(other.listen(), GIVES_AND_TAKES);
        HttpTransport trusting =
            new HttpTransport(TransportSettings.defaults().withTls(other.context()))) {
      Origin origin = new Origin(true, "127.0.0.1", server.port());
      assertThat(assertReason(Reason.UNTRUSTED, trusting, origin))
          .hasMessageContaining("127.0.0.1");
    }
  }

  @Test
  void whoSpeaksNoTlsOrNothingIsToldApart() throws Exception {
    try (ScriptedServer server =
        new ScriptedServer(
            peer -> {
              peer.say("HTTP/1.1 400 Bad Request\r\n\r\n");
              peer.in().read();
            })) {
      assertReason(Reason.UNTRUSTED, transport, new Origin(true, "127.0.0.1", server.port()));
    }
    try (ScriptedServer server = new ScriptedServer(peer -> peer.in().read())) {
      assertReason(Reason.BROKEN, transport, new Origin(true, "127.0.0.1", server.port()));
    }
    // The system accepts the connection, and nobody says anything.
    try (ServerSocket silent = new ServerSocket(0, 5, InetAddress.getByName("127.0.0.1"));
        HttpTransport hasty =
            new HttpTransport(
                TransportSettings.defaults()
                    .withTls(keys.context())
                    .withConnectTimeout(Duration.ofSeconds(1)))) {
      assertReason(
          Reason.CONNECT_TIMEOUT, hasty, new Origin(true, "127.0.0.1", silent.getLocalPort()));
    }
  }

  @Test
  void anEndWithinTheBodyTellsWhatCame() throws Exception {
    try (ScriptedServer server =
        new ScriptedServer(
            keys.listen(),
            peer -> {
              peer.head();
              peer.say("HTTP/1.1 200 OK\r\nContent-Length: " + BYTES.length + "\r\n\r\n");
              peer.out().write(BYTES, 0, 1_000_000);
            })) {
      byte[] target = new byte[BYTES.length];
      Origin origin = new Origin(true, "127.0.0.1", server.port());
      try (HttpAnswer answer =
          transport.send(new HttpCall(origin, "GET", "/", new HttpHeaders()))) {
        HttpFailure e =
            catchThrowableOfType(
                HttpFailure.class, () -> answer.receive(MemorySegment.ofArray(target), n -> {}));
        assertThat(e.reason()).isEqualTo(Reason.BROKEN);
        assertThat(e.received()).isEqualTo(1_000_000);
        assertThat(Arrays.mismatch(target, 0, 1_000_000, BYTES, 0, 1_000_000)).isEqualTo(-1);
      }
    }
  }

  private static HttpFailure assertReason(Reason reason, HttpTransport over, Origin origin) {
    HttpFailure e =
        catchThrowableOfType(
            HttpFailure.class,
            () -> over.send(new HttpCall(origin, "GET", "/", new HttpHeaders())).close());
    assertThat(e).as("an HttpFailure").isNotNull();
    assertThat(e.reason()).as("%s", e).isEqualTo(reason);
    return e;
  }
}
