package io.sluice.event;

import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;

/** The root of the errors of events. */
public class EventException extends SluiceException {
  public EventException(ErrorKind kind, String code, String message) {
    super(kind, code, message);
  }

  public EventException(ErrorKind kind, String code, String message, Throwable cause) {
    super(kind, code, message, cause);
  }

  /** An event that is not as CloudEvents 1.0 has it. */
  static EventException invalid(String code, String message) {
    return new EventException(ErrorKind.INVALID, code, message);
  }
}
