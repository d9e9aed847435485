package io.sluice.functions.auth;

import io.sluice.model.InvalidValueException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** What a caller may do. People's roles contain each other; the workers' role stands alone. */
public enum Role {
  /** Looks at everything, loads and computes; stores nothing. */
  READ,
  /** Also uploads, trains and stores what was computed, moves tags, unloads, cancels. */
  WRITE,
  /** Also removes models and collects garbage. */
  ADMIN,
  /** Another worker of the cluster: only what workers ask of each other. */
  WORKER;

  /** Whether who has this role may do what needs the other one. */
  public boolean covers(Role needed) {
    return this == WORKER || needed == WORKER ? this == needed : compareTo(needed) >= 0;
  }

  /** The name as it stands in settings and answers. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The role of people by its name; that of workers is nobody's to give.
   *
   * @throws InvalidValueException if there is none
   */
  public static Role parse(String text) {
    for (Role role : values()) {
      if (role != WORKER && role.text().equals(text)) {
        return role;
      }
    }
    throw new InvalidValueException(
        "role-invalid",
        "a role is one of "
            + Arrays.stream(values())
                .filter(role -> role != WORKER)
                .map(Role::text)
                .collect(Collectors.joining(", "))
            + ", got '"
            + text
            + "'");
  }
}
