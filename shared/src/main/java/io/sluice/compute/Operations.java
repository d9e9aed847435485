package io.sluice.compute;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** The operations that there are, by name. */
public final class Operations {
  private final Map<String, Operation<?, ?>> byName = new TreeMap<>();

  public Operations(Collection<Operation<?, ?>> operations) {
    for (Operation<?, ?> operation : operations) {
      if (byName.put(operation.name(), operation) != null) {
        throw new IllegalArgumentException("two operations are named '" + operation.name() + "'");
      }
    }
  }

  /** Those that Sluice comes with. */
  public static Operations standard() {
    return new Operations(List.of(new StatsOperation()));
  }

  /** Their names. */
  public Set<String> names() {
    return Collections.unmodifiableSet(byName.keySet());
  }

  /**
   * An operation with its arguments.
   *
   * @param args an object; null or missing for none
   * @throws ComputeException if there is no such operation or it does not take the arguments
   */
  public Computation<?, ?> prepare(String name, JsonNode args) {
    Operation<?, ?> operation = byName.get(name);
    if (operation == null) {
      throw ComputeException.unknownOperation(
          "no operation '" + name + "'; there are: " + String.join(", ", byName.keySet()));
    }
    return Computation.of(operation, args);
  }
}
