package io.sluice.http;

import java.util.Optional;

/** Proves to another worker that a request comes from one. */
@FunctionalInterface
public interface RequestSigner {
  /** Proves nothing. */
  RequestSigner NONE = (method, path) -> Optional.empty();

  /**
   * The value of the header {@code Authorization}; empty for none.
   *
   * @param path as the other worker sees it, without what leads to it
   */
  Optional<String> authorization(String method, String path);
}
