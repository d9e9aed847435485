package io.sluice.upload;

/** Opens the source that an upload names. */
@FunctionalInterface
public interface SourceOpener {
  /**
   * Opens a source.
   *
   * @param source such as {@code s3://bucket/prefix/}, {@code https://host/model.safetensors} or
   *     {@code file:/models/x}
   * @throws io.sluice.model.SluiceException INVALID for a source of no known kind, FORBIDDEN for
   *     one that the configuration does not allow, MISSING if there is no file
   */
  ModelSource open(String source);
}
