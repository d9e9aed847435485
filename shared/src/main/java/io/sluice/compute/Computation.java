package io.sluice.compute;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.sluice.model.TensorInfo;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An operation with its arguments: what workers and the reduce call, partial results as JSON.
 *
 * @param <A> arguments
 * @param <P> partial result
 */
public final class Computation<A, P> {
  private final Operation<A, P> operation;
  private final A args;

  private Computation(Operation<A, P> operation, A args) {
    this.operation = operation;
    this.args = args;
  }

  /**
   * Checks the arguments.
   *
   * @param args an object; null or missing for none
   * @throws ComputeException if the operation does not take them
   */
  public static <A, P> Computation<A, P> of(Operation<A, P> operation, JsonNode args) {
    boolean none = args == null || args.isMissingNode() || args.isNull();
    JsonNode given = none ? JsonNodeFactory.instance.objectNode() : args;
    if (!given.isObject()) {
      throw ComputeException.invalidArguments(
          "the arguments of '" + operation.name() + "' are an object, got " + given.getNodeType());
    }
    return new Computation<>(operation, operation.parse(given));
  }

  /** Name of the operation. */
  public String name() {
    return operation.name();
  }

  /** Why the operation does not take the tensor; empty if it does. */
  public Optional<String> refusal(TensorInfo tensor) {
    return operation.refusal(args, tensor);
  }

  /**
   * For a tensor that the user named.
   *
   * @throws ComputeException if the operation does not take it
   */
  public void require(TensorInfo tensor) {
    refusal(tensor)
        .ifPresent(
            reason -> {
              throw ComputeException.refused(
                  "operation '"
                      + name()
                      + "' does not take tensor '"
                      + tensor.name()
                      + "': "
                      + reason);
            });
  }

  /** The partial result of a block. */
  P mapBlock(TensorBlock block) {
    return operation.map(args, block);
  }

  /** Partial results of consecutive blocks of one tensor, at least one, in row order, as one. */
  JsonNode merged(List<P> partials) {
    return operation.write(partials.stream().reduce(operation::merge).orElseThrow());
  }

  /** The partial result of consecutive blocks of one tensor, at least one, in row order. */
  public JsonNode map(List<TensorBlock> blocks) {
    return merged(blocks.stream().map(this::mapBlock).toList());
  }

  /** The answer for a tensor from the partial results of all its blocks, in row order. */
  public JsonNode finish(TensorInfo tensor, List<JsonNode> partials) {
    return operation.finish(
        args,
        tensor,
        partials.stream().map(operation::read).reduce(operation::merge).orElseThrow());
  }

  /** The whole answer from those of the tensors. */
  public JsonNode reduce(Map<String, JsonNode> byTensor) {
    return operation.reduce(args, byTensor);
  }
}
