package io.sluice.compute;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.sluice.model.DType;
import io.sluice.model.ErrorKind;
import io.sluice.model.TensorInfo;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What every operation has to pass: its kernel agrees with a naive one on all sorts of data of
 * every dtype it takes, its answer does not depend on the cut into blocks or the order of merges,
 * and its partial results survive JSON.
 *
 * @param <A> arguments
 * @param <P> partial result
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class OperationKit<A, P> {
  private static final JsonMapper JSON = new JsonMapper();

  /** The operation under test. */
  protected abstract Operation<A, P> operation();

  /** Arguments to try, as JSON objects. */
  protected abstract List<String> arguments();

  /**
   * The answer for a tensor, computed in the most obvious way, by none of the operation's code.
   *
   * @param data the whole tensor, little-endian
   */
  protected abstract JsonNode naive(A args, TensorInfo tensor, byte[] data);

  /** Compares an answer with the naive one; an operation that rounds may allow for it. */
  protected void assertAgrees(JsonNode actual, JsonNode naive, String what) {
    assertThat(actual).as(what).isEqualTo(naive);
  }

  /** How the elements of a random tensor look. */
  protected enum Fill {
    WEIGHTS,
    ANY_BITS,
    SPECIALS,
    ZEROS,
    CONSTANT
  }

  private record Case(TensorInfo tensor, Fill fill, byte[] data, long seed) {
    @Override
    public String toString() {
      return tensor.dtype() + " " + tensor.shape() + " " + fill + " seed " + seed;
    }
  }

  private static TensorInfo info(DType dtype, List<Long> shape) {
    return new TensorInfo("layer.0.weight", dtype, shape);
  }

  protected Stream<DType> taken() {
    return Stream.of(DType.values())
        .filter(
            dtype ->
                parsed().stream()
                    .anyMatch(
                        args -> operation().refusal(args, info(dtype, List.of(256L))).isEmpty()));
  }

  private List<Case> cases(DType dtype) {
    List<Case> cases = new ArrayList<>();
    List<List<Long>> shapes =
        List.of(List.of(), List.of(1L), List.of(7L, 3L), List.of(257L), List.of(3L, 5L, 1500L));
    for (Fill fill : Fill.values()) {
      for (List<Long> shape : shapes) {
        long seed = 31L * cases.size() + dtype.ordinal();
        TensorInfo tensor = info(dtype, shape);
        byte[] data =
            RandomElements.bytes(dtype, fill.name(), (int) tensor.elements(), new Random(seed));
        cases.add(new Case(tensor, fill, data, seed));
      }
    }
    return cases;
  }

  private List<A> parsed() {
    return arguments().stream().map(OperationKit::json).map(operation()::parse).toList();
  }

  private static JsonNode json(String text) {
    try {
      return JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new AssertionError(e);
    }
  }

  /** Off-heap and at an odd address, as rows of a shard may lie. */
  private static TensorBlock block(Case c, long firstRow, long rows) {
    long rowBytes = c.tensor.rowBytes();
    byte[] bytes =
        Arrays.copyOfRange(
            c.data, (int) (firstRow * rowBytes), (int) ((firstRow + rows) * rowBytes));
    MemorySegment segment = Arena.ofAuto().allocate(bytes.length + 1).asSlice(1);
    segment.copyFrom(MemorySegment.ofArray(bytes));
    return new TensorBlock(c.tensor, firstRow, rows, segment.asReadOnly());
  }

  private P whole(A args, Case c) {
    return operation().map(args, block(c, 0, c.tensor.rows()));
  }

  @ParameterizedTest
  @MethodSource("taken")
  void theKernelAgreesWithTheNaiveOne(DType dtype) {
    for (A args : parsed()) {
      for (Case c : cases(dtype)) {
        JsonNode naive = naive(args, c.tensor, c.data);
        assertAgrees(operation().finish(args, c.tensor, whole(args, c)), naive, c + " " + args);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("taken")
  void theAnswerIsTheSameForEveryCutAndOrderOfMerges(DType dtype) {
    for (A args : parsed()) {
      for (Case c : cases(dtype)) {
        Random random = new Random(c.seed);
        JsonNode answer = operation().finish(args, c.tensor, whole(args, c));
        for (int attempt = 0; attempt < 4; attempt++) {
          P merged = mergeAtRandom(mapAtRandom(args, c, random), random);
          assertThat(operation().finish(args, c.tensor, merged))
              .as(c + " " + args)
              .isEqualTo(answer);
        }
      }
    }
  }

  private List<P> mapAtRandom(A args, Case c, Random random) {
    List<P> partials = new ArrayList<>();
    long row = 0;
    while (row < c.tensor.rows() || partials.isEmpty()) {
      // Some blocks are empty.
      long rows = Math.min(c.tensor.rows() - row, random.nextLong(1 + c.tensor.rows()));
      partials.add(throughText(operation().map(args, block(c, row, rows))));
      row += rows;
    }
    return partials;
  }

  private P mergeAtRandom(List<P> partials, Random random) {
    List<P> left = new ArrayList<>(partials);
    while (left.size() > 1) {
      int at = random.nextInt(left.size() - 1);
      left.set(at, operation().merge(left.get(at), left.remove(at + 1)));
    }
    return left.getFirst();
  }

  private P throughText(P partial) {
    return operation().read(json(operation().write(partial).toString()));
  }

  @ParameterizedTest
  @MethodSource("taken")
  void partialResultsSurviveJson(DType dtype) {
    for (A args : parsed()) {
      for (Case c : cases(dtype)) {
        P partial = whole(args, c);
        JsonNode written = operation().write(partial);
        assertThat(operation().write(throughText(partial))).as(c.toString()).isEqualTo(written);
        assertThat(operation().finish(args, c.tensor, throughText(partial)))
            .as(c.toString())
            .isEqualTo(operation().finish(args, c.tensor, partial));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("taken")
  void tensorsOfNoElementsHaveAnAnswer(DType dtype) {
    for (A args : parsed()) {
      for (List<Long> shape : List.of(List.of(0L), List.of(0L, 8L), List.of(8L, 0L))) {
        Case c = new Case(info(dtype, shape), Fill.ZEROS, new byte[0], 0);
        P empty = whole(args, c);
        assertAgrees(
            operation().finish(args, c.tensor, empty), naive(args, c.tensor, c.data), c.toString());
      }
    }
  }

  @Test
  void whatItDoesNotTakeHasAReason() {
    for (A args : parsed()) {
      for (DType dtype : DType.values()) {
        operation()
            .refusal(args, info(dtype, List.of(256L)))
            .ifPresent(reason -> assertThat(reason).contains(dtype.name()));
      }
    }
  }

  @Test
  void unknownArgumentsAreRefused() {
    assertThatThrownBy(() -> operation().parse(json("{\"no such argument\": 1}")))
        .isInstanceOfSatisfying(
            ComputeException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(ErrorKind.INVALID);
              assertThat(e).hasMessageContaining("no such argument");
            });
  }

  @Test
  void brokenPartialResultsAreRefused() {
    for (String text : List.of("{}", "[]", "1", "null", "\"\"", "{\"no such field\": 1}")) {
      assertThatThrownBy(() -> operation().read(json(text)))
          .as(text)
          .isInstanceOfSatisfying(
              ComputeException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT));
    }
  }
}
