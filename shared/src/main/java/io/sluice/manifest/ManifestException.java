package io.sluice.manifest;

import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;

/** The root of the errors of manifests, versions and tags. */
public final class ManifestException extends SluiceException {
  public ManifestException(ErrorKind kind, String code, String message) {
    this(kind, code, message, null);
  }

  public ManifestException(ErrorKind kind, String code, String message, Throwable cause) {
    super(kind, code, message, cause);
  }

  /** What is stored under the key cannot be what was stored. */
  static ManifestException corrupt(String key, String why, Throwable cause) {
    return new ManifestException(
        ErrorKind.CORRUPT, "manifest-corrupt", "'" + key + "' is corrupt: " + why, cause);
  }

  static ManifestException noModel(String name) {
    return new ManifestException(
        ErrorKind.MISSING, "model-missing", "there is no model '" + name + "'");
  }

  static ManifestException noVersion(String name, Digest version) {
    return new ManifestException(
        ErrorKind.MISSING,
        "version-missing",
        "model '" + name + "' has no version " + version + ", or it was removed");
  }

  static ManifestException noTag(String name, String tag) {
    return new ManifestException(
        ErrorKind.MISSING, "tag-missing", "model '" + name + "' has no tag '" + tag + "'");
  }
}
