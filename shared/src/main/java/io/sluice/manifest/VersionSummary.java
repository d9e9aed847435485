package io.sluice.manifest;

import io.sluice.model.Digest;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Objects;

/**
 * A version in brief: what a list of models shows without reading manifests.
 *
 * @param version digest of the manifest
 * @param totalBytes S, bytes of all shards
 * @param sourceBytes bytes of all source files
 * @param files number of files
 * @param tensors number of tensors
 * @param shards number of shards
 * @param manifestBytes bytes of the manifest
 * @param createdAt when the manifest was stored, by the store's clock, to the millisecond
 */
public record VersionSummary(
    Digest version,
    long totalBytes,
    long sourceBytes,
    int files,
    int tensors,
    int shards,
    long manifestBytes,
    Instant createdAt) {
  public VersionSummary {
    Objects.requireNonNull(version, "version");
    createdAt = createdAt.truncatedTo(ChronoUnit.MILLIS);
  }

  static VersionSummary of(
      Digest version, ModelManifest manifest, long manifestBytes, Instant createdAt) {
    return new VersionSummary(
        version,
        manifest.totalBytes(),
        manifest.sourceBytes(),
        manifest.files().size(),
        manifest.tensors().size(),
        manifest.shards().size(),
        manifestBytes,
        createdAt);
  }
}
