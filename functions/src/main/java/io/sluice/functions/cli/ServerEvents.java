package io.sluice.functions.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;

/**
 * Reads a stream of server-sent events (WHATWG HTML, section 9.2.6): lines of {@code field: value},
 * an empty line after each event, lines that start with a colon to be ignored.
 */
final class ServerEvents {
  private static final int MAX_DATA = 1 << 20;

  private final BufferedReader reader;
  private String lastId;

  /**
   * @param lastId id of the last event that was seen before, empty for none
   */
  ServerEvents(Reader reader, String lastId) {
    this.reader = new BufferedReader(reader);
    this.lastId = lastId;
  }

  /**
   * An event.
   *
   * @param id its id, or that of the last event that had one
   * @param type its type, {@code message} if it names none
   * @param data its lines of data
   */
  record Event(String id, String type, String data) {}

  /**
   * The next event; null at the end of the stream. An event that the end cuts off is none.
   *
   * @param alive called for every line, comments included
   */
  Event next(Runnable alive) throws IOException {
    String type = "";
    StringBuilder data = null;
    for (String line = reader.readLine(); line != null; line = reader.readLine()) {
      alive.run();
      if (line.isEmpty()) {
        if (data != null) {
          return new Event(lastId, type.isEmpty() ? "message" : type, data.toString());
        }
        type = "";
        continue;
      }
      int colon = line.indexOf(':');
      String field = colon < 0 ? line : line.substring(0, colon);
      String value = colon < 0 ? "" : line.substring(colon + 1);
      value = value.startsWith(" ") ? value.substring(1) : value;
      switch (field) {
        case "id" -> lastId = value.indexOf('\0') < 0 ? value : lastId;
        case "event" -> type = value;
        case "data" -> {
          data = data == null ? new StringBuilder() : data.append('\n');
          data.append(value);
          if (data.length() > MAX_DATA) {
            throw new IOException("an event has more than " + MAX_DATA + " characters");
          }
        }
        default -> {
          // comments, retry, and fields of later versions of the format
        }
      }
    }
    return null;
  }

  /** Id of the last event, to go on from. */
  String lastId() {
    return lastId;
  }
}
