package io.sluice.measure;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URI;
import java.util.Objects;

/**
 * How to reach a bucket without the application's client.
 *
 * @param endpoint scheme, host and port
 * @param pathStyle whether the bucket is part of the path and not of the host
 * @param region signed for
 * @param bucket the bucket
 * @param prefix before every key; empty, or with a slash at its end
 * @param accessKey id of the key that signs
 * @param secretKey signs
 * @param sessionToken goes with temporary keys, else empty
 */
public record StoreAccess(
    URI endpoint,
    boolean pathStyle,
    String region,
    String bucket,
    String prefix,
    String accessKey,
    String secretKey,
    String sessionToken) {
  public StoreAccess {
    Objects.requireNonNull(endpoint, "endpoint");
    Objects.requireNonNull(region, "region");
    Objects.requireNonNull(bucket, "bucket");
    Objects.requireNonNull(prefix, "prefix");
    Objects.requireNonNull(accessKey, "accessKey");
    Objects.requireNonNull(secretKey, "secretKey");
    Objects.requireNonNull(sessionToken, "sessionToken");
  }

  /** The same with more before every key. */
  public StoreAccess below(String folder) {
    return new StoreAccess(
        endpoint, pathStyle, region, bucket, prefix + folder, accessKey, secretKey, sessionToken);
  }

  /** The same by another way to it. */
  public StoreAccess at(URI other) {
    return new StoreAccess(
        other, pathStyle, region, bucket, prefix, accessKey, secretKey, sessionToken);
  }

  /** Reads what {@link #toJson} wrote. */
  public static StoreAccess read(JsonNode json) {
    return new StoreAccess(
        URI.create(json.get("endpoint").textValue()),
        json.get("pathStyle").booleanValue(),
        json.get("region").textValue(),
        json.get("bucket").textValue(),
        json.get("prefix").textValue(),
        json.get("accessKey").textValue(),
        json.get("secretKey").textValue(),
        json.get("sessionToken").textValue());
  }

  /** With the secret: for a pipe to a child, never for a log. */
  public ObjectNode toJson() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("endpoint", endpoint.toString())
        .put("pathStyle", pathStyle)
        .put("region", region)
        .put("bucket", bucket)
        .put("prefix", prefix)
        .put("accessKey", accessKey)
        .put("secretKey", secretKey)
        .put("sessionToken", sessionToken);
  }

  /** Without the secret. */
  @Override
  public String toString() {
    return endpoint + "/" + bucket + "/" + prefix;
  }
}
