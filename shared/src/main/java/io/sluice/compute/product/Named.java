package io.sluice.compute.product;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.compute.ComputeException;
import io.sluice.compute.ComputeSpec;
import io.sluice.json.JsonObject;
import java.util.List;

/** What requests of products have in common. */
final class Named {
  private Named() {}

  /** The tensor that an argument names, or else the only one that the request is about. */
  static String tensor(String argument, JsonObject json, ComputeSpec spec) {
    List<String> globs = spec.tensors().globs();
    return json.optionalText(argument)
        .map(
            name -> {
              if (!globs.isEmpty()) {
                throw ComputeException.invalidArguments(
                    "'" + argument + "' names the tensor; leave out 'tensors', got " + globs);
              }
              return name;
            })
        .orElseGet(
            () -> {
              if (globs.size() != 1) {
                throw ComputeException.invalidArguments(
                    "name the tensor by the argument '"
                        + argument
                        + "' or as the only one of 'tensors', got "
                        + globs);
              }
              return globs.getFirst();
            });
  }

  /** Rows that have to be there. */
  static InputRows rows(String argument, JsonObject json) {
    return InputRows.read(
        argument,
        json.any(argument)
            .orElseThrow(() -> ComputeException.invalidArguments("'" + argument + "' is missing")));
  }

  /** The request without the numbers in it. */
  static String brief(ComputeSpec spec) {
    ObjectNode arguments = JsonNodeFactory.instance.objectNode();
    arguments.setAll((ObjectNode) spec.arguments());
    for (String name : List.of("x", "queries")) {
      if (arguments.path(name).isArray()) {
        arguments.put(name, arguments.get(name).size() + " given in the request");
      }
    }
    return arguments.toString();
  }
}
