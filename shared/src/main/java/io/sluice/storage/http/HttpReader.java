package io.sluice.storage.http;

import io.sluice.model.ByteRange;
import io.sluice.model.ErrorKind;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ObjectKeys;
import io.sluice.storage.ReadObserver;
import io.sluice.storage.SegmentFiller;
import io.sluice.storage.ShardReader;
import io.sluice.storage.StorageException;
import io.sluice.storage.TransientStorageException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLPeerUnverifiedException;

/**
 * Reads the files below a URL of any web server that answers ranged requests (RFC 9110, section
 * 14), to take models from where they are published.
 *
 * <p>Redirects are followed, since model hubs send readers on to a content network: at most {@value
 * #MAX_HOPS}, never from https to http, each checked by the {@link HostPolicy}. Where a file was
 * found is remembered for a few minutes, so that not every range asks the hub again.
 *
 * <p>The etag of a file is its {@code ETag}, else its {@code Last-Modified}, else its size; a read
 * that pins it compares it with that of each answer. Redirected answers count by their last hop.
 */
public final class HttpReader implements ShardReader {
  /** Most redirects on the way to one file. */
  public static final int MAX_HOPS = 10;

  private static final int MAX_REMEMBERED = 1024;
  private static final int MAX_DISCARDED = 64 << 10;
  private static final long REMEMBERED_NANOS = Duration.ofMinutes(5).toNanos();
  private static final Pattern CONTENT_RANGE =
      Pattern.compile("bytes (\\d{1,18})-(\\d{1,18})/(\\d{1,18}|\\*)");
  private static final Pattern EMPTY = Pattern.compile("bytes \\*/0");

  private final HttpClient client;
  private final URI base;
  private final HttpSettings settings;
  private final Map<String, Place> places = new ConcurrentHashMap<>();

  /** Where redirects led to, and when, by {@link System#nanoTime}. */
  private record Place(URI url, long since) {}

  /** The head of the last answer. */
  private record Answer(URI url, int status, HttpHeaders headers) {
    Optional<String> header(String name) {
      return headers.firstValue(name);
    }
  }

  /**
   * @param client must not follow redirects itself; stays open
   * @param base URL of the folder, without query and fragment
   */
  public HttpReader(HttpClient client, URI base, HttpSettings settings) {
    this.client = Objects.requireNonNull(client, "client");
    this.settings = Objects.requireNonNull(settings, "settings");
    if (client.followRedirects() != HttpClient.Redirect.NEVER) {
      throw new IllegalArgumentException("the client must leave redirects to the reader");
    }
    if (base.getRawQuery() != null || base.getRawFragment() != null || base.getHost() == null) {
      throw StorageException.invalid(
          "url-invalid",
          base.getPath() == null ? "" : base.getPath(),
          "a source URL has a host and no query and no fragment");
    }
    this.base = base.getRawPath().endsWith("/") ? base : URI.create(base + "/");
  }

  /**
   * {@inheritDoc}
   *
   * <p>Some servers, such as a content network with URLs that are signed for GET, refuse HEAD; then
   * the first byte is read instead.
   */
  @Override
  public ObjectInfo head(String key) {
    SegmentFiller nothing = new SegmentFiller(key, new ByteRange(0, 0), MemorySegment.NULL);
    Answer answer = send(key, Optional.empty(), Optional.empty(), nothing);
    int status = answer.status();
    if (status == 403 || status == 405 || status == 501) {
      return headByFirstByte(key);
    }
    if (status != 200) {
      throw refused(key, answer);
    }
    checkPlain(key, answer).ifPresent(HttpReader::raise);
    return info(key, answer, number(answer.header("content-length").orElse("")));
  }

  private ObjectInfo headByFirstByte(String key) {
    ByteRange first = new ByteRange(0, 1);
    SegmentFiller filler = new SegmentFiller(key, first, MemorySegment.ofArray(new byte[1]));
    Answer answer = send(key, Optional.empty(), Optional.of(first), filler);
    Matcher empty = EMPTY.matcher(answer.header("content-range").orElse(""));
    if (answer.status() == 416 && empty.matches()) {
      return info(key, answer, OptionalLong.of(0));
    }
    judge(key, Optional.empty(), first, answer).ifPresent(HttpReader::raise);
    return info(key, answer, total(answer));
  }

  private static ObjectInfo info(String key, Answer answer, OptionalLong size) {
    if (size.isEmpty()) {
      throw StorageException.invalid(
          "source-size-unknown",
          key,
          "the server does not tell the size of '"
              + key
              + "': Content-Length is "
              + answer.header("content-length").map(text -> "'" + text + "'").orElse("missing"));
    }
    return new ObjectInfo(
        key,
        size.getAsLong(),
        etag(answer, size),
        answer.header("last-modified").flatMap(HttpReader::date).orElse(Instant.EPOCH));
  }

  @Override
  public void read(
      String key,
      Optional<String> etag,
      ByteRange range,
      MemorySegment target,
      ReadObserver observer) {
    ObjectKeys.check(key);
    SegmentFiller filler = new SegmentFiller(key, range, target);
    if (range.length() == 0) {
      return;
    }
    Answer answer = send(key, etag, Optional.of(range), filler);
    judge(key, etag, range, answer).ifPresent(HttpReader::raise);
    if (!filler.complete()) {
      throw new TransientStorageException(
          key,
          filler.transferred(),
          "the body of '" + key + "' ended " + filler.missing() + " bytes early",
          null);
    }
    observer.received(range.length());
  }

  /** What is wrong with the answer to a ranged GET, judged by its head. */
  private static Optional<StorageException> judge(
      String key, Optional<String> etag, ByteRange range, Answer answer) {
    if (answer.status() == 416) {
      return Optional.of(StorageException.rangeInvalid(key, range, (Throwable) null));
    }
    if (answer.status() != 200 && answer.status() != 206) {
      return Optional.of(refused(key, answer));
    }
    Matcher matcher = CONTENT_RANGE.matcher(answer.header("content-range").orElse(""));
    if (answer.status() == 200
        || !matcher.matches()
        || Long.parseLong(matcher.group(1)) != range.offset()
        || Long.parseLong(matcher.group(2)) >= range.end()) {
      return Optional.of(
          StorageException.invalid(
              "range-ignored",
              key,
              "the server "
                  + printable(answer.url())
                  + " does not answer ranges: asked for "
                  + range
                  + " of '"
                  + key
                  + "', got status "
                  + answer.status()
                  + " and Content-Range "
                  + answer
                      .header("content-range")
                      .map(text -> "'" + text + "'")
                      .orElse("missing")));
    }
    OptionalLong total = total(answer);
    if (total.isPresent() && total.getAsLong() < range.end()) {
      return Optional.of(StorageException.rangeInvalid(key, range, total.getAsLong()));
    }
    if (etag.isPresent() && !etag.get().equals(etag(answer, total))) {
      return Optional.of(StorageException.changed(key, null));
    }
    return checkPlain(key, answer);
  }

  private static Optional<StorageException> checkPlain(String key, Answer answer) {
    return answer
        .header("content-encoding")
        .filter(encoding -> !encoding.equalsIgnoreCase("identity"))
        .map(
            encoding ->
                StorageException.invalid(
                    "source-encoded",
                    key,
                    "the server sends '"
                        + key
                        + "' with Content-Encoding '"
                        + encoding
                        + "', though plain bytes were asked for"));
  }

  private static StorageException refused(String key, Answer answer) {
    int status = answer.status();
    String what = "the server " + printable(answer.url()) + " answered " + status;
    if (status == 408 || status == 425 || status == 429 || (status >= 500 && status != 501)) {
      return new TransientStorageException(key, 0, retryAfter(answer), what, null);
    }
    return switch (status) {
      case 401, 403, 451 -> StorageException.forbidden(key, what, null);
      case 404, 410 -> StorageException.missing(key, null);
      default -> StorageException.invalid("source-refused", key, what);
    };
  }

  /**
   * Sends HEAD, or GET if there is a range, along all redirects. The body is received only if its
   * head is what {@link #judge} wants.
   */
  private Answer send(
      String key, Optional<String> etag, Optional<ByteRange> range, SegmentFiller filler) {
    URI origin = base.resolve(encode(ObjectKeys.check(key)));
    Place place = places.get(key);
    if (place != null && System.nanoTime() - place.since() < REMEMBERED_NANOS) {
      Answer answer = follow(key, place.url(), etag, range, filler);
      if (answer.status() < 400 || answer.status() == 416 || answer.status() >= 429) {
        return answer;
      }
    }
    places.remove(key);
    Answer answer = follow(key, origin, etag, range, filler);
    if (!answer.url().equals(origin) && answer.status() < 300 && places.size() < MAX_REMEMBERED) {
      places.put(key, new Place(answer.url(), System.nanoTime()));
    }
    return answer;
  }

  private Answer follow(
      String key,
      URI start,
      Optional<String> etag,
      Optional<ByteRange> range,
      SegmentFiller filler) {
    URI url = start;
    for (int hop = 0; hop <= MAX_HOPS; hop++) {
      settings.hosts().check(url);
      Answer answer = exchange(key, url, etag, range, filler);
      if (!isRedirect(answer.status())) {
        return answer;
      }
      url = next(key, answer);
    }
    throw StorageException.invalid(
        "too-many-redirects",
        key,
        "'" + key + "' is redirected more than " + MAX_HOPS + " times, last to " + printable(url));
  }

  private static URI next(String key, Answer answer) {
    String location =
        answer
            .header("location")
            .orElseThrow(
                () ->
                    StorageException.invalid(
                        "redirect-invalid",
                        key,
                        "the server " + printable(answer.url()) + " redirects without a Location"));
    URI next;
    try {
      next = answer.url().resolve(location);
    } catch (IllegalArgumentException e) {
      throw StorageException.invalid(
          "redirect-invalid",
          key,
          "the server " + printable(answer.url()) + " redirects to what is no URL");
    }
    if (answer.url().getScheme().equalsIgnoreCase("https")
        && !"https".equalsIgnoreCase(next.getScheme())) {
      throw new StorageException(
          ErrorKind.FORBIDDEN,
          "redirect-refused",
          key,
          "the server " + printable(answer.url()) + " redirects from https to " + printable(next),
          null);
    }
    return next;
  }

  private Answer exchange(
      String key, URI url, Optional<String> etag, Optional<ByteRange> range, SegmentFiller filler) {
    HttpRequest.Builder request = HttpRequest.newBuilder(url).header("Accept-Encoding", "identity");
    if (range.isPresent()) {
      request
          .GET()
          .header("Range", "bytes=" + range.get().offset() + "-" + (range.get().end() - 1));
    } else {
      request.HEAD();
    }
    if (sameOrigin(url, base)) {
      settings.authorization().ifPresent(value -> request.header("Authorization", value));
    }
    BodySink sink = new BodySink(filler);
    HttpResponse.BodyHandler<Void> handler =
        head -> {
          sink.headCame();
          Answer answer = new Answer(url, head.statusCode(), head.headers());
          if (range.isEmpty() || isShortRedirect(answer)) {
            return sink.discard();
          }
          boolean wanted =
              !isRedirect(answer.status()) && judge(key, etag, range.get(), answer).isEmpty();
          return wanted ? sink.receive() : sink.refuse();
        };
    try {
      HttpResponse<Void> response = await(key, filler, sink, request.build(), handler);
      return new Answer(url, response.statusCode(), response.headers());
    } finally {
      sink.close();
    }
  }

  private HttpResponse<Void> await(
      String key,
      SegmentFiller filler,
      BodySink sink,
      HttpRequest request,
      HttpResponse.BodyHandler<Void> handler) {
    CompletableFuture<HttpResponse<Void>> answer = client.sendAsync(request, handler);
    try {
      while (true) {
        boolean answered = sink.answered();
        Duration limit = answered ? settings.stallTimeout() : settings.responseTimeout();
        long left = limit.toNanos() - (System.nanoTime() - sink.lastProgress());
        if (left <= 0) {
          sink.close();
          throw new TransientStorageException(
              key,
              filler.transferred(),
              "the server "
                  + printable(request.uri())
                  + (answered ? " stalled for " : " did not answer within ")
                  + limit.toMillis()
                  + " ms",
              null);
        }
        try {
          return answer.get(left, TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
          continue; // something may have come in the meantime
        }
      }
    } catch (InterruptedException e) {
      sink.close();
      Thread.currentThread().interrupt();
      throw new TransientStorageException(
          key, filler.transferred(), "reading '" + key + "' was interrupted", e);
    } catch (ExecutionException e) {
      sink.close();
      throw failed(key, filler.transferred(), request.uri(), e.getCause());
    } finally {
      answer.cancel(true);
    }
  }

  private static StorageException failed(String key, long transferred, URI url, Throwable cause) {
    String reason =
        cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
    String what = "reading '" + key + "' from " + printable(url) + " failed: " + reason;
    for (Throwable e = cause; e != null; e = e.getCause()) {
      if (e instanceof SSLHandshakeException || e instanceof SSLPeerUnverifiedException) {
        return new StorageException(ErrorKind.FORBIDDEN, "source-untrusted", key, what, cause);
      }
      if (e instanceof BodySink.BodyTooLongException) {
        return StorageException.invalid("range-ignored", key, what);
      }
      if (e instanceof IOException) {
        return new TransientStorageException(key, transferred, what, cause);
      }
    }
    return new StorageException(ErrorKind.FATAL, "source-client-failed", key, what, cause);
  }

  private static String etag(Answer answer, OptionalLong size) {
    return answer
        .header("etag")
        .or(() -> answer.header("last-modified"))
        .orElse("size " + (size.isPresent() ? size.getAsLong() : "unknown"));
  }

  private static OptionalLong total(Answer answer) {
    Matcher matcher = CONTENT_RANGE.matcher(answer.header("content-range").orElse(""));
    return matcher.matches() ? number(matcher.group(3)) : OptionalLong.empty();
  }

  private static OptionalLong number(String text) {
    return text.matches("\\d{1,18}") ? OptionalLong.of(Long.parseLong(text)) : OptionalLong.empty();
  }

  private static Duration retryAfter(Answer answer) {
    String text = answer.header("retry-after").orElse("");
    if (text.matches("\\d{1,9}")) {
      return Duration.ofSeconds(Long.parseLong(text));
    }
    return date(text)
        .map(date -> Duration.between(Instant.now(), date))
        .filter(Duration::isPositive)
        .orElse(Duration.ZERO);
  }

  private static Optional<Instant> date(String text) {
    try {
      return Optional.of(Instant.from(DateTimeFormatter.RFC_1123_DATE_TIME.parse(text)));
    } catch (DateTimeException e) {
      return Optional.empty(); // a date that cannot be read says as little as none
    }
  }

  private static boolean isRedirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
  }

  private static boolean isShortRedirect(Answer answer) {
    OptionalLong length = number(answer.header("content-length").orElse(""));
    return isRedirect(answer.status()) && length.isPresent() && length.getAsLong() <= MAX_DISCARDED;
  }

  private static boolean sameOrigin(URI one, URI other) {
    return one.getScheme().equalsIgnoreCase(other.getScheme())
        && one.getHost().equalsIgnoreCase(other.getHost())
        && one.getPort() == other.getPort();
  }

  /** Without the query, where signatures are. */
  private static String printable(URI url) {
    return url.getScheme() + "://" + url.getRawAuthority() + url.getRawPath();
  }

  /** Percent-encodes all but the unreserved characters of RFC 3986 and the slashes. */
  private static String encode(String key) {
    StringBuilder path = new StringBuilder();
    for (byte b : key.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (b & 0xff);
      boolean plain =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || "-._~/".indexOf(c) >= 0;
      if (plain) {
        path.append(c);
      } else {
        path.append('%').append(HexFormat.of().withUpperCase().toHexDigits(b));
      }
    }
    return path.toString();
  }

  private static void raise(StorageException e) {
    throw e;
  }
}
