package io.sluice.storage.rest;

import io.sluice.http.HttpAnswer;
import io.sluice.http.HttpFailure;
import io.sluice.model.ErrorKind;
import io.sluice.storage.StorageException;
import io.sluice.storage.TransientStorageException;
import java.time.Duration;

/** What it means for the caller of a store that a request got no whole answer, or a bad one. */
public final class RestErrors {
  private RestErrors() {}

  /**
   * No whole answer came.
   *
   * @param transferred leading bytes of a read that are in place
   * @param where names the store
   */
  public static StorageException unanswered(
      String key, long transferred, String where, HttpFailure e) {
    String what = "no answer for '" + key + "' from " + where + ": " + e.getMessage();
    return switch (e.reason()) {
      case UNTRUSTED -> new StorageException(ErrorKind.FATAL, "store-untrusted", key, what, e);
      case MALFORMED -> new StorageException(ErrorKind.FATAL, "store-answer-invalid", key, what, e);
      default -> new TransientStorageException(key, transferred, what, e);
    };
  }

  /** An answer is not what the store's documentation promises. */
  public static StorageException invalidAnswer(
      String key, String where, String why, Throwable cause) {
    return new StorageException(
        ErrorKind.FATAL,
        "store-answer-invalid",
        key,
        "the answer of " + where + " for '" + key + "' cannot be used: " + why,
        cause);
  }

  /** How long the store asks to be left alone; zero if it does not, or not in seconds. */
  public static Duration retryAfter(HttpAnswer answer) {
    return answer
        .headers()
        .first("retry-after")
        .filter(text -> text.matches("\\d{1,5}"))
        .map(text -> Duration.ofSeconds(Long.parseLong(text)))
        .orElse(Duration.ZERO);
  }
}
