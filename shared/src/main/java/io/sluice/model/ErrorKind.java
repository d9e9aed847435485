package io.sluice.model;

/**
 * What the caller of a failed operation can do next; one kind maps to one HTTP status and exit
 * code.
 */
public enum ErrorKind {
  /** The request or the input is wrong; the same call will fail again. */
  INVALID,
  /** The caller may not read or write this. */
  FORBIDDEN,
  /** The named thing does not exist. */
  MISSING,
  /** Somebody else changed the thing first; read again, then decide. */
  CONFLICT,
  /** It does not fit the memory, budget or limit that there is. */
  CAPACITY,
  /** Stored bytes are not what was stored; another copy or a new upload is needed. */
  CORRUPT,
  /** Throttled, timed out or disconnected: the same call may succeed later. */
  TRANSIENT,
  /** A defect or a broken environment. */
  FATAL
}
