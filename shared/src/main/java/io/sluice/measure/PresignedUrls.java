package io.sluice.measure;

import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Requests to S3 that are signed in their URL (Signature Version 4, payload unsigned), so that
 * whoever sends them needs no client.
 *
 * @see <a href="https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html">
 *     Authenticating requests: using query parameters</a>
 */
public final class PresignedUrls {
  private static final String ALGORITHM = "AWS4-HMAC-SHA256";
  private static final int EXPIRES_SECONDS = 3600;
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);

  private final StoreAccess access;
  private final Instant now;
  private final int seconds;

  /** Valid for an hour from now on. */
  public PresignedUrls(StoreAccess access) {
    this(access, Instant.now(), EXPIRES_SECONDS);
  }

  PresignedUrls(StoreAccess access, Instant now, int seconds) {
    this.access = access;
    this.now = now;
    this.seconds = seconds;
  }

  /**
   * A signed URL.
   *
   * @param method such as {@code GET}; headers besides {@code Host} are not signed, so a range may
   *     be asked for
   * @param key of the object, without the prefix
   */
  public URI of(String method, String key) {
    String host = access.pathStyle() ? authority() : access.bucket() + "." + authority();
    String path =
        (access.pathStyle() ? "/" + encode(access.bucket()) : "")
            + "/"
            + encode(access.prefix() + key).replace("%2F", "/");
    String time = TIME.format(now);
    String scope = time.substring(0, 8) + "/" + access.region() + "/s3/aws4_request";
    Map<String, String> query = new TreeMap<>();
    query.put("X-Amz-Algorithm", ALGORITHM);
    query.put("X-Amz-Credential", access.accessKey() + "/" + scope);
    query.put("X-Amz-Date", time);
    query.put("X-Amz-Expires", Integer.toString(seconds));
    query.put("X-Amz-SignedHeaders", "host");
    if (!access.sessionToken().isEmpty()) {
      query.put("X-Amz-Security-Token", access.sessionToken());
    }
    StringBuilder canonicalQuery = new StringBuilder();
    query.forEach(
        (name, value) ->
            canonicalQuery
                .append(canonicalQuery.isEmpty() ? "" : "&")
                .append(encode(name))
                .append('=')
                .append(encode(value)));
    String request =
        String.join(
            "\n", method, path, canonicalQuery, "host:" + host, "", "host", "UNSIGNED-PAYLOAD");
    String toSign =
        String.join(
            "\n",
            ALGORITHM,
            time,
            scope,
            io.sluice.model.Digest.sha256(request.getBytes(StandardCharsets.UTF_8)).hex());
    return URI.create(
        access.endpoint().getScheme()
            + "://"
            + host
            + path
            + "?"
            + canonicalQuery
            + "&X-Amz-Signature="
            + signature(time.substring(0, 8), toSign));
  }

  private String authority() {
    return access.endpoint().getRawAuthority();
  }

  private String signature(String day, String toSign) {
    byte[] key = ("AWS4" + access.secretKey()).getBytes(StandardCharsets.UTF_8);
    for (String part : new String[] {day, access.region(), "s3", "aws4_request"}) {
      key = hmac(key, part);
    }
    return HexFormat.of().formatHex(hmac(key, toSign));
  }

  private static byte[] hmac(byte[] key, String text) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform has HmacSHA256", e);
    }
  }

  /** As S3 wants it: everything but unreserved characters. */
  private static String encode(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8)
        .replace("+", "%20")
        .replace("*", "%2A")
        .replace("%7E", "~");
  }
}
