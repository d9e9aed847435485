package io.sluice.storage;

import io.sluice.model.InvalidValueException;
import java.time.Instant;
import java.util.Objects;

/**
 * What a store says about an object.
 *
 * @param key its key
 * @param size its bytes
 * @param etag changes whenever the bytes change; opaque
 * @param lastModified when it was written, by the store's clock
 */
public record ObjectInfo(String key, long size, String etag, Instant lastModified) {
  public ObjectInfo {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(etag, "etag");
    Objects.requireNonNull(lastModified, "lastModified");
    if (size < 0) {
      throw new InvalidValueException(
          "object-size-invalid", "object '" + key + "' has a negative size " + size);
    }
  }
}
