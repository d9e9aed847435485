package io.sluice.http;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Status line and header fields of an answer, strictly (RFC 9112, sections 2 to 6): lines end in
 * CRLF, no field is folded, lengths are numbers and agree.
 *
 * @param length bytes of the body, or -1 if its framing does not say
 * @param chunked whether the body comes in chunks
 * @param reusable whether the connection is good for another request after the body
 */
record AnswerHead(int status, HttpHeaders headers, long length, boolean chunked, boolean reusable) {
  /** What came is not HTTP/1.1. */
  static final class MalformedException extends IOException {
    MalformedException(String message) {
      super(message);
    }
  }

  /** The same, on a connection that must not be used again. */
  AnswerHead last() {
    return new AnswerHead(status, headers, length, chunked, false);
  }

  static AnswerHead parse(byte[] bytes, int length) throws MalformedException {
    int end = lineEnd(bytes, 0, length);
    int minor = version(bytes, end);
    int status = status(bytes, end);
    HttpHeaders headers = new HttpHeaders();
    for (int at = end + 2; at < length - 2; at = end + 2) {
      end = lineEnd(bytes, at, length);
      field(bytes, at, end, headers);
    }
    List<String> codings = headers.all("transfer-encoding");
    boolean chunked = !codings.isEmpty();
    if (chunked
        && (codings.size() > 1 || !codings.getFirst().strip().equalsIgnoreCase("chunked"))) {
      throw new MalformedException("the transfer coding is not 'chunked'");
    }
    long body = contentLength(headers.all("content-length"));
    if (chunked && body >= 0) {
      throw new MalformedException("the body is both chunked and of a length");
    }
    boolean reusable =
        minor == 1
            ? !headers.names("connection", "close")
            : headers.names("connection", "keep-alive");
    return new AnswerHead(status, headers, body, chunked, reusable);
  }

  private static int lineEnd(byte[] bytes, int from, int length) throws MalformedException {
    for (int i = from; i < length; i++) {
      if (bytes[i] == '\n') {
        if (i == from || bytes[i - 1] != '\r') {
          throw new MalformedException("a line of the head does not end in CRLF");
        }
        return i - 1;
      }
    }
    throw new MalformedException("a line of the head does not end");
  }

  /** Minor version of {@code HTTP/1.x}. */
  private static int version(byte[] bytes, int end) throws MalformedException {
    boolean known =
        end >= 12
            && bytes[0] == 'H'
            && bytes[1] == 'T'
            && bytes[2] == 'T'
            && bytes[3] == 'P'
            && bytes[4] == '/'
            && bytes[5] == '1'
            && bytes[6] == '.'
            && (bytes[7] == '0' || bytes[7] == '1')
            && bytes[8] == ' '
            && (end == 12 || bytes[12] == ' ');
    if (!known) {
      throw new MalformedException(
          "the first line is '"
              + new String(bytes, 0, Math.min(end, 64), StandardCharsets.ISO_8859_1)
                  .replaceAll("[^ -~]", "?")
              + "'");
    }
    return bytes[7] - '0';
  }

  private static int status(byte[] bytes, int end) throws MalformedException {
    int status = 0;
    for (int i = 9; i < 12; i++) {
      int digit = bytes[i] - '0';
      if (digit < 0 || digit > 9 || i >= end) {
        throw new MalformedException("the status is no number of three digits");
      }
      status = 10 * status + digit;
    }
    if (status < 100 || status > 599) {
      throw new MalformedException("there is no status " + status);
    }
    return status;
  }

  private static void field(byte[] bytes, int from, int end, HttpHeaders headers)
      throws MalformedException {
    int colon = from;
    while (colon < end && bytes[colon] != ':') {
      colon++;
    }
    int begin = colon + 1;
    int last = end;
    while (begin < last && (bytes[begin] == ' ' || bytes[begin] == '\t')) {
      begin++;
    }
    while (last > begin && (bytes[last - 1] == ' ' || bytes[last - 1] == '\t')) {
      last--;
    }
    if (colon == end) {
      throw new MalformedException("a header field has no colon");
    }
    try {
      headers.add(
          new String(bytes, from, colon - from, StandardCharsets.ISO_8859_1),
          new String(bytes, begin, last - begin, StandardCharsets.ISO_8859_1));
    } catch (IllegalArgumentException e) {
      throw new MalformedException(e.getMessage());
    }
  }

  private static long contentLength(List<String> values) throws MalformedException {
    long length = -1;
    for (String value : values) {
      boolean number = !value.isEmpty() && value.length() <= 18;
      for (int i = 0; number && i < value.length(); i++) {
        number = value.charAt(i) >= '0' && value.charAt(i) <= '9';
      }
      if (!number || (length >= 0 && Long.parseLong(value) != length)) {
        throw new MalformedException("the length of the body is not one number: " + values);
      }
      length = Long.parseLong(value);
    }
    return length;
  }
}
