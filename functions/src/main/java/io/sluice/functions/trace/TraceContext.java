package io.sluice.functions.trace;

import io.sluice.model.Digest;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A place in a trace, as the header {@code traceparent} says it (W3C Trace Context).
 *
 * @param traceId 32 hexadecimal digits
 * @param spanId 16 hexadecimal digits
 * @param sampled whether the trace is kept
 */
public record TraceContext(String traceId, String spanId, boolean sampled) {
  /** The header. */
  public static final String HEADER = "traceparent";

  private static final Pattern FORM =
      Pattern.compile("(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?");

  /** Reads the header; empty if there is none that can be read. */
  public static Optional<TraceContext> parse(String header) {
    Matcher form = FORM.matcher(header == null ? "" : header);
    if (!form.matches() || form.group(1).matches("0+") || form.group(2).matches("0+")) {
      return Optional.empty();
    }
    boolean sampled = (HexFormat.fromHexDigits(form.group(3)) & 1) == 1;
    return Optional.of(new TraceContext(form.group(1), form.group(2), sampled));
  }

  /** A new trace. */
  static TraceContext root() {
    return new TraceContext(random() + random(), random(), true);
  }

  /** A new place below this one. */
  TraceContext child() {
    return new TraceContext(traceId, random(), sampled);
  }

  /** The place below this one that everybody finds who knows the name. */
  TraceContext named(String name) {
    byte[] digest = Digest.hasher().digest(name.getBytes(StandardCharsets.UTF_8));
    return new TraceContext(traceId, HexFormat.of().formatHex(digest, 0, 8), sampled);
  }

  /** The value of the header. */
  public String header() {
    return "00-" + traceId + "-" + spanId + (sampled ? "-01" : "-00");
  }

  private static String random() {
    return HexFormat.of().toHexDigits(1 + (ThreadLocalRandom.current().nextLong() >>> 1));
  }
}
