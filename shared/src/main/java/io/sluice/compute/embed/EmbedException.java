package io.sluice.compute.embed;

import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;

/** The root of the errors of embedding. */
public final class EmbedException extends SluiceException {
  private final String worker;

  private EmbedException(
      ErrorKind kind, String code, String message, String worker, Throwable cause) {
    super(kind, code, message, cause);
    this.worker = worker;
  }

  private static EmbedException invalid(String code, String message) {
    return new EmbedException(ErrorKind.INVALID, code, message, null, null);
  }

  /** The model is no encoder that can be executed. */
  static EmbedException model(String message) {
    return invalid("encoder-unsupported", message);
  }

  /** The tokenizer of the model is none that is known. */
  static EmbedException tokenizer(String message) {
    return invalid("tokenizer-unsupported", message);
  }

  /** The arguments of a request are wrong. */
  static EmbedException arguments(String message) {
    return invalid("embed-arguments-invalid", message);
  }

  /** A file of texts is none. */
  static EmbedException texts(String message) {
    return invalid("texts-invalid", message);
  }

  /** The model has no such file of texts. */
  static EmbedException noTexts(String message) {
    return new EmbedException(ErrorKind.MISSING, "texts-missing", message, null, null);
  }

  /** Activations are not what one worker sends another. */
  static EmbedException activations(String message) {
    return invalid("activations-invalid", message);
  }

  /** A part of the model does not fit the memory for prepared weights. */
  static EmbedException tooLarge(String message) {
    return new EmbedException(ErrorKind.CAPACITY, "encoder-too-large", message, null, null);
  }

  /** There is no worker to execute a part. */
  static EmbedException noWorker(String message) {
    return new EmbedException(ErrorKind.TRANSIENT, "no-worker", message, null, null);
  }

  /** The worker has as much to do as it takes. */
  static EmbedException busy(String message) {
    return new EmbedException(ErrorKind.TRANSIENT, "embed-busy", message, null, null);
  }

  /**
   * A worker did not answer, or broke down.
   *
   * @param worker its id: a retry goes to another one
   */
  public static EmbedException worker(String worker, String message, Throwable cause) {
    return new EmbedException(ErrorKind.TRANSIENT, "worker-failed", message, worker, cause);
  }

  /** The worker that failed; null if none did. */
  public String worker() {
    return worker;
  }
}
