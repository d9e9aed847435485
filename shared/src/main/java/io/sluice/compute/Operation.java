package io.sluice.compute;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.model.TensorInfo;
import java.util.Map;
import java.util.Optional;

/**
 * Something to compute over the tensors of a model, where their bytes lie.
 *
 * <p>Each worker maps the row blocks that it holds to partial results. These travel as JSON, are
 * merged tensor by tensor in row order, finished into one answer a tensor, and reduced into one
 * answer. The answer must not depend on how a tensor was cut into blocks, nor on which neighbours
 * were merged first.
 *
 * <p>A new operation is one class, its line in the wiring ({@code ComputeWiring}) and a test that
 * extends {@code OperationKit} with a naive version of it. Implementations hold no state.
 *
 * @param <A> arguments
 * @param <P> partial result: immutable, small (it does not grow with the block)
 */
public interface Operation<A, P> {
  /** What requests call it. */
  String name();

  /**
   * Reads and checks the arguments.
   *
   * @param args an object, empty if the request gave none
   * @throws ComputeException if a field is unknown or its value out of bounds
   */
  A parse(JsonNode args);

  /** Why it does not take the tensor; empty if it does. */
  Optional<String> refusal(A args, TensorInfo tensor);

  /** The partial result of a block, which may have no rows. */
  P map(A args, TensorBlock block);

  /** Joins the partial results of consecutive blocks; associative. */
  P merge(P left, P right);

  /** The partial result as JSON, exactly. */
  JsonNode write(P partial);

  /**
   * Reads what {@link #write} wrote.
   *
   * @throws ComputeException if it is something else
   */
  P read(JsonNode partial);

  /** The answer for one tensor from the partial result of all of its rows. */
  JsonNode finish(A args, TensorInfo tensor, P whole);

  /** The whole answer from those of the tensors, in the order of the request. */
  JsonNode reduce(A args, Map<String, JsonNode> byTensor);
}
