package io.sluice.functions.auth;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.model.ErrorKind;
import io.sluice.model.InvalidValueException;
import io.sluice.model.SluiceException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.jboss.logging.Logger;

/**
 * Where the keys of an issuer come from: a file, a URL, or what the issuer's OpenID configuration
 * names. They are kept, read again after a while, and earlier when a token names a key that is not
 * there. While they cannot be read, those of before count on.
 */
final class KeySource {
  private static final Logger LOG = Logger.getLogger(KeySource.class);
  private static final Duration ANSWER = Duration.ofSeconds(10);
  private static final ObjectMapper JSON = new ObjectMapper();

  /** How long a token with an unknown key has to wait for the next look. */
  private static final Duration PAUSE = Duration.ofSeconds(10);

  private final URI issuer;
  private final Optional<String> place;
  private final Duration refresh;
  private final LongSupplier nanos;

  private volatile State state;
  private HttpClient client; // guarded by this

  /** What was read last, and when it was tried last, by {@link System#nanoTime}. */
  private record State(JsonWebKeys keys, long tried) {}

  /**
   * @param place path of a file or URL of a set of keys; the issuer is asked if empty
   */
  KeySource(URI issuer, Optional<String> place, Duration refresh, LongSupplier nanos) {
    this.issuer = issuer;
    this.place = place;
    this.refresh = refresh;
    this.nanos = nanos;
    place.filter(text -> !isUrl(text)).ifPresent(file -> state = new State(read(), now()));
  }

  /** The keys; waits for them if there are none yet or they are old. */
  JsonWebKeys keys() {
    State known = state;
    return known != null && now() - known.tried() < refresh.toNanos()
        ? known.keys()
        : reload(refresh);
  }

  /** The keys as they are now, unless they were looked at a moment ago. */
  JsonWebKeys newer() {
    return reload(PAUSE);
  }

  private synchronized JsonWebKeys reload(Duration age) {
    State known = state;
    if (known != null && now() - known.tried() < age.toNanos()) {
      return known.keys();
    }
    try {
      state = new State(read(), now());
    } catch (SluiceException e) {
      if (known == null) {
        throw e;
      }
      LOG.warnf("the keys of %s stay as they were: %s", issuer, e.getMessage());
      state = new State(known.keys(), now());
    }
    return state.keys();
  }

  private JsonWebKeys read() {
    if (place.isPresent() && !isUrl(place.get())) {
      return JsonWebKeys.parse(file(Path.of(place.get())));
    }
    URI url = checked(place.orElseGet(this::discovered));
    try {
      return JsonWebKeys.parse(get(url));
    } catch (InvalidValueException e) {
      throw unusable(url + ": " + e.getMessage(), e);
    }
  }

  /** OpenID Connect Discovery 1.0, section 4. */
  private String discovered() {
    String base = issuer.toString().replaceFirst("/+$", "");
    byte[] text = get(checked(base + "/.well-known/openid-configuration"));
    try {
      JsonNode document = JSON.readTree(text);
      if (!document.path("issuer").asText().equals(issuer.toString())) {
        throw unusable("its OpenID configuration is that of another issuer", null);
      }
      return document.path("jwks_uri").asText();
    } catch (JsonProcessingException e) {
      throw unusable("its OpenID configuration is no JSON document", e);
    } catch (IOException e) {
      throw unusable(e.toString(), e);
    }
  }

  private byte[] file(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      return bounded(in);
    } catch (IOException e) {
      throw new InvalidValueException(
          "auth-keys-invalid", "the set of keys '" + file + "' cannot be read: " + e.getMessage());
    }
  }

  private byte[] get(URI url) {
    HttpRequest request = HttpRequest.newBuilder(url).timeout(ANSWER).GET().build();
    try {
      HttpResponse<InputStream> response =
          client().send(request, HttpResponse.BodyHandlers.ofInputStream());
      try (InputStream body = response.body()) {
        if (response.statusCode() != 200) {
          throw unusable(url + " answered with HTTP status " + response.statusCode(), null);
        }
        return bounded(body);
      }
    } catch (IOException e) {
      throw unusable(url + ": " + e, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw unusable("interrupted", e);
    }
  }

  /** Made when it is first needed: a client starts threads. */
  private HttpClient client() {
    if (client == null) {
      client =
          HttpClient.newBuilder()
              .connectTimeout(ANSWER)
              .followRedirects(HttpClient.Redirect.NEVER)
              .build();
    }
    return client;
  }

  private byte[] bounded(InputStream in) throws IOException {
    byte[] bytes = in.readNBytes(JsonWebKeys.MAX_BYTES + 1);
    if (bytes.length > JsonWebKeys.MAX_BYTES) {
      throw unusable("it sends more than " + JsonWebKeys.MAX_BYTES + " bytes", null);
    }
    return bytes;
  }

  /** Keys that came over a wire that anybody can change would let anybody in. */
  private URI checked(String text) {
    URI url;
    try {
      url = URI.create(text);
    } catch (IllegalArgumentException e) {
      throw unusable("it names a place of keys that is no URL", e);
    }
    boolean here =
        "http".equals(url.getScheme())
            && ("127.0.0.1".equals(url.getHost()) || "localhost".equals(url.getHost()));
    if (url.getHost() == null || !("https".equals(url.getScheme()) || here)) {
      throw unusable("keys are read by https only, got '" + text + "'", null);
    }
    return url;
  }

  private SluiceException unusable(String why, Exception cause) {
    return new SluiceException(
        ErrorKind.TRANSIENT,
        "auth-keys-unavailable",
        "the keys of the issuer " + issuer + " cannot be had: " + why,
        cause);
  }

  private static boolean isUrl(String place) {
    return place.startsWith("https:") || place.startsWith("http:");
  }

  private long now() {
    return nanos.getAsLong();
  }
}
