package io.sluice.job;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.Locale;
import java.util.Objects;

/**
 * Something that happened to a job.
 *
 * @param id position in the events of the job: events after it follow by {@code events(job, id, …)}
 * @param at when, by the clock of the store
 * @param type what
 * @param data a small object; see the types
 */
public record JobEvent(String id, Instant at, Type type, JsonNode data) {
  /** Before the first event. */
  public static final String START = "0-0";

  /** What happened, and the fields of {@link JobEvent#data}. */
  public enum Type {
    /** {@code state}; if it failed {@code kind}, {@code code}, {@code message}. */
    STATE,
    /**
     * A task is done: {@code task} (number), {@code name}, {@code worker}, {@code attempt}, {@code
     * tasksDone}, {@code tasksTotal}, {@code bytesDone}, {@code bytesTotal}.
     */
    TASK,
    /**
     * A step will be done again: {@code step} (number of the task, {@code plan} or {@code commit}),
     * {@code name}, {@code worker}, {@code attempt}, {@code code}, {@code message}.
     */
    RETRY,
    /**
     * A round is over: {@code round} (its number, from 0), {@code tasksTotal} of the next one, 0 if
     * it was the last, and {@code note}, an object of the kind's own.
     */
    ROUND,
    /** At most four a second: as TASK without the first four. */
    PROGRESS;

    /** The lower-case name: what clients see. */
    public String text() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  public JobEvent {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(at, "at");
    Objects.requireNonNull(type, "type");
    Objects.requireNonNull(data, "data");
  }
}
