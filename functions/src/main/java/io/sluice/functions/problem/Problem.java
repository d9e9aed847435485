package io.sluice.functions.problem;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;

/**
 * An error as RFC 9457 problem details: the one place where kinds become HTTP statuses and exit
 * codes.
 *
 * @param status HTTP status
 * @param kind name of the {@link ErrorKind}
 * @param code stable code
 * @param detail message for people
 */
public record Problem(int status, String kind, String code, String detail) {
  /** The media type of a problem document. */
  public static final String MEDIA_TYPE = "application/problem+json";

  /** The problem that an error is; anything that is no {@link SluiceException} is a defect. */
  public static Problem of(Throwable error) {
    return error instanceof SluiceException e
        ? new Problem(status(e.kind()), e.kind().name(), e.code(), e.getMessage())
        : new Problem(500, ErrorKind.FATAL.name(), "internal", "internal error: " + error);
  }

  /** HTTP status of a kind. */
  public static int status(ErrorKind kind) {
    return switch (kind) {
      case INVALID -> 400;
      case FORBIDDEN -> 403;
      case MISSING -> 404;
      case CONFLICT -> 409;
      case CAPACITY -> 507;
      case CORRUPT -> 502;
      case TRANSIENT -> 503;
      case FATAL -> 500;
    };
  }

  /** Exit code of a kind. */
  public static int exitCode(ErrorKind kind) {
    return switch (kind) {
      case FATAL -> 1;
      case INVALID -> 2;
      case MISSING -> 3;
      case CONFLICT -> 4;
      case CORRUPT -> 5;
      case CAPACITY -> 6;
      case TRANSIENT -> 7;
      case FORBIDDEN -> 8;
    };
  }

  /** The document. */
  public ObjectNode toJson() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("type", "about:blank")
        .put("title", title())
        .put("status", status)
        .put("code", code)
        .put("kind", kind)
        .put("detail", detail);
  }

  private String title() {
    return switch (status) {
      case 400 -> "Bad Request";
      case 401 -> "Unauthorized";
      case 403 -> "Forbidden";
      case 404 -> "Not Found";
      case 405 -> "Method Not Allowed";
      case 409 -> "Conflict";
      case 413 -> "Content Too Large";
      case 429 -> "Too Many Requests";
      case 502 -> "Bad Gateway";
      case 503 -> "Service Unavailable";
      case 507 -> "Insufficient Storage";
      default -> "Internal Server Error";
    };
  }
}
