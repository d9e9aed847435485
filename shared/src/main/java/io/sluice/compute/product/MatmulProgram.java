package io.sluice.compute.product;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.compute.ComputeException;
import io.sluice.compute.ComputeProgram;
import io.sluice.compute.ComputeSpec;
import io.sluice.compute.ShardAccess;
import io.sluice.compute.StoredTensors;
import io.sluice.compute.kernel.FloatReader;
import io.sluice.compute.kernel.Gemm;
import io.sluice.compute.kernel.LittleEndian;
import io.sluice.compute.kernel.Parallel;
import io.sluice.compute.kernel.Weights;
import io.sluice.compute.publish.ModelDraft;
import io.sluice.compute.publish.ModelPublisher;
import io.sluice.compute.publish.OutputBlock;
import io.sluice.compute.publish.StoredShard;
import io.sluice.job.CommitOutcome;
import io.sluice.job.Job;
import io.sluice.job.JobContext;
import io.sluice.job.JobPlan;
import io.sluice.job.Lease;
import io.sluice.job.TaskResult;
import io.sluice.job.TaskResults;
import io.sluice.json.JsonObject;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.ByteRange;
import io.sluice.model.DType;
import io.sluice.model.Digest;
import io.sluice.model.ModelRef;
import io.sluice.model.SluiceException;
import io.sluice.model.TensorInfo;
import io.sluice.placement.ChunkRuns;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * {@code matmul}: y = x Wᵀ + b for a matrix W that is split over shards by rows.
 *
 * <p>Each task computes those elements of y that belong to the rows of W in one shard, and the
 * commit puts them in their places: nothing is summed over tasks, so a task that was done twice
 * counts once. The order of the sums is that of {@link Gemm}; the answer has the same bits however
 * W is split, on any number of workers and threads.
 *
 * <p>Arguments:
 *
 * <ul>
 *   <li>{@code weight}: name of W, [out, in] of F32, F16, BF16, Q8_0 or I8; the one tensor of the
 *       request if absent
 *   <li>{@code scales}: name of a tensor of one float for each row of an I8 weight
 *   <li>{@code transposed}: true if W lies as [in, out]; it must then lie in one shard
 *   <li>{@code x}: rows of {@code in} numbers, or one such row, or a tensor by reference
 *   <li>{@code bias}: name of a tensor of {@code out} floats
 *   <li>{@code output}: a model to store y in as tensor {@code y}, F32; y is in the answer if
 *       absent
 * </ul>
 */
public final class MatmulProgram implements ComputeProgram {
  /** Most elements of y in an answer. */
  public static final int MAX_ANSWER = 1 << 18;

  /** Floats of x, and of y, that a task has on the heap at a time, unless a row has more. */
  private static final int PART = 1 << 22;

  /** Bytes of a shard of y. */
  private static final long OUTPUT_SHARD = 64L << 20;

  private static final String Y = "y";

  private final MatrixSource source;
  private final ModelPublisher publisher;
  private final Parallel parallel;
  private final int partFloats;
  private final SharedInputs inputs = new SharedInputs();

  public MatmulProgram(MatrixSource source, ModelPublisher publisher, Parallel parallel) {
    this(source, publisher, parallel, PART);
  }

  /**
   * @param partFloats see {@link #PART}
   */
  MatmulProgram(MatrixSource source, ModelPublisher publisher, Parallel parallel, int partFloats) {
    this.source = source;
    this.publisher = publisher;
    this.parallel = parallel;
    this.partFloats = partFloats;
  }

  private record Arguments(
      String weight,
      Optional<String> scales,
      boolean transposed,
      InputRows x,
      Optional<String> bias,
      Optional<ModelRef> output) {
    static Arguments read(ComputeSpec spec) {
      JsonObject json = new JsonObject("arguments of 'matmul'", spec.arguments());
      Arguments arguments =
          new Arguments(
              Named.tensor("weight", json, spec),
              json.optionalText("scales"),
              json.flag("transposed", false),
              Named.rows("x", json),
              json.optionalText("bias"),
              json.optionalText("output").map(ModelRef::parse));
      json.end();
      arguments.output.ifPresent(ModelPublisher::requireTarget);
      return arguments;
    }
  }

  /** Everything about a product that its tasks have in common. */
  private final class Product {
    final ComputeSpec spec;
    final Arguments arguments;
    final Matrix weight;
    final RowReader x;
    final Operands operands;
    final Optional<StoredTensors.Located> bias;
    final int in;
    final long out;

    Product(ComputeSpec spec, Operands.Versions versions) {
      Digest version = versions.matrix();
      this.spec = spec;
      this.arguments = Arguments.read(spec);
      this.weight =
          Matrix.locate("weight", spec, version, arguments.weight, arguments.scales, source);
      if (arguments.transposed) {
        requireOnePiece();
      }
      this.in = arguments.transposed ? Math.toIntExact(weight.rows()) : weight.columns();
      this.out = arguments.transposed ? weight.columns() : weight.rows();
      this.x = RowReader.open("x", arguments.x, versions.rows(), in, source.tensors());
      this.operands = new Operands(weight, x);
      this.bias =
          arguments.bias.map(
              name ->
                  Matrix.perRow(
                      "bias", source.tensors().locate(spec.model().name(), version, name), out));
    }

    private void requireOnePiece() {
      TensorInfo info = weight.tensor().info();
      if (weight.pieces().size() > 1) {
        throw ComputeException.refused(
            "a transposed weight lies in one shard, since sums are not split over workers; tensor '"
                + info.name()
                + "' lies in "
                + weight.pieces().size()
                + ": upload it with larger shards, or as [out, in]");
      }
      if (!FloatReader.supports(info.dtype())) {
        throw ComputeException.refused(
            "a transposed weight is F32, F16 or BF16, tensor '"
                + info.name()
                + "' is "
                + info.dtype());
      }
    }

    /** Elements of y. */
    long elements() {
      try {
        return Math.multiplyExact(x.rows(), out);
      } catch (ArithmeticException e) {
        throw ComputeException.tooLarge(
            "y of " + x.rows() + " x " + out + " exceeds 2^63 - 1 elements");
      }
    }

    TensorInfo y() {
      return new TensorInfo(Y, DType.F32, x.vector() ? List.of(out) : List.of(x.rows(), out));
    }

    /** First row of y that a piece of the weight makes, and their number. */
    long firstOutput(ModelManifest.Piece piece) {
      return arguments.transposed ? 0 : piece.firstRow();
    }

    int outputs(ModelManifest.Piece piece) {
      return Math.toIntExact(arguments.transposed ? out : piece.rows());
    }

    /** The part of y that a piece makes, as it is kept until the commit. */
    TensorInfo slice(long firstOutput, long outputs) {
      return new TensorInfo(Y + "." + firstOutput, DType.F32, List.of(x.rows(), outputs));
    }
  }

  @Override
  public String name() {
    return "matmul";
  }

  @Override
  public JobPlan plan(ComputeSpec spec, Job job, JobContext context) {
    Product product = new Product(spec, Operands.Versions.resolve(spec, source.manifests()));
    if (product.arguments.output.isEmpty()) {
      if (product.elements() > MAX_ANSWER) {
        throw ComputeException.tooLarge(
            "an answer holds at most "
                + MAX_ANSWER
                + " elements, y has "
                + product.x.rows()
                + " x "
                + product.out
                + ": have it stored as a model by the argument 'output', or give fewer rows of x");
      }
    } else {
      for (ModelManifest.Piece piece : product.weight.pieces()) {
        publisher.requireFits(
            List.of(
                OutputBlock.whole(
                    product.slice(product.firstOutput(piece), product.outputs(piece)))));
      }
      publisher.requireFits(List.of(output(product, 0)));
    }
    return product.operands.plan(spec, context, source.registry());
  }

  @Override
  public JsonNode execute(ComputeSpec spec, Lease.TaskLease lease, JobContext context)
      throws InterruptedException {
    Product product = new Product(spec, Operands.Versions.of(context));
    ArrayNode pieces = JsonNodeFactory.instance.arrayNode();
    ObjectNode result =
        product.operands.execute(
            lease,
            source.shards(),
            context,
            (piece, open) -> pieces.add(multiply(product, piece, open, context)));
    result.set("pieces", pieces);
    return result;
  }

  private ObjectNode multiply(
      Product product, ModelManifest.Piece piece, ShardAccess.Open open, JobContext context)
      throws InterruptedException {
    Weights stored = product.weight.weights(piece, open, source.tensors(), context::addBytes);
    long first = product.firstOutput(piece);
    int outputs = product.outputs(piece);
    Weights w = stored;
    if (product.arguments.transposed) {
      w =
          Weights.transposed(
              open.bytes(new ByteRange(piece.offset(), piece.length())),
              product.weight.tensor().info().dtype(),
              outputs,
              product.in);
    }
    Weights rows = w;
    float[] bias =
        product.bias.isEmpty()
            ? new float[0]
            : StoredFloats.read(
                source.tensors(), product.bias.get(), first, outputs, context::addBytes);
    ObjectNode json =
        JsonNodeFactory.instance.objectNode().put("first", first).put("outputs", outputs);
    long n = product.x.rows();
    if (product.arguments.output.isEmpty()) {
      float[] y = new float[Math.multiplyExact((int) n, outputs)];
      parts(
          product,
          rows,
          bias,
          context,
          (at, part) -> {
            System.arraycopy(part, 0, y, (int) at * outputs, part.length);
          });
      return json.put("y", Floats.write(y));
    }
    StoredShard slice =
        publisher.store(
            context.job().id(),
            ModelDraft.fresh().chunkBytes(),
            List.of(OutputBlock.whole(product.slice(first, outputs))),
            targets ->
                parts(
                    product,
                    rows,
                    bias,
                    context,
                    (at, part) ->
                        MemorySegment.copy(
                            part,
                            0,
                            targets.getFirst(),
                            LittleEndian.FLOATS,
                            4 * at * outputs,
                            part.length)));
    json.set("slice", slice.toJson());
    return json;
  }

  /** Receives rows of a slice of y. */
  @FunctionalInterface
  private interface Part {
    void put(long firstRow, float[] rows);
  }

  /**
   * The product in parts of so many rows of x that x and y fit the heap. Which rows of x are read
   * together depends on their length only, so all tasks of a job can share them.
   */
  private void parts(Product product, Weights w, float[] bias, JobContext context, Part target)
      throws InterruptedException {
    int most = Math.max(1, partFloats / w.columns());
    int step = Math.clamp(partFloats / w.rows(), 1, most);
    long n = product.x.rows();
    for (long row = 0; row < n; row += most) {
      context.check();
      int count = (int) Math.min(most, n - row);
      float[] x = product.x.read(row, count, inputs, context);
      for (int done = 0; done < count; done += step) {
        context.check();
        int rows = Math.min(step, count - done);
        float[] y = new float[Math.multiplyExact(rows, w.rows())];
        Gemm.multiply(w, x, done * w.columns(), rows, bias, y, parallel);
        target.put(row + done, y);
      }
    }
  }

  @Override
  public void left(String job) {
    inputs.forget(job);
  }

  /** Bytes of x that tasks share. */
  long inputBytes() {
    return inputs.bytes();
  }

  @Override
  public CommitOutcome commit(ComputeSpec spec, Job job, TaskResults results, JobContext context)
      throws InterruptedException {
    Product product = new Product(spec, Operands.Versions.of(context));
    ObjectNode result = JsonNodeFactory.instance.objectNode();
    result.put("weight", product.arguments.weight);
    product.y().shape().forEach(result.putArray("shape")::add);
    if (product.arguments.output.isEmpty()) {
      result.set("y", inline(product, results));
    } else {
      Digest version = publish(product, job, results, context);
      publisher.release(job.id());
      result.put("model", product.arguments.output.get().name());
      result.put("version", version.toString());
      result.put("tensor", Y);
    }
    return product.operands.answer(spec, results, result);
  }

  private static ArrayNode inline(Product product, TaskResults results) {
    int n = (int) product.x.rows();
    int out = (int) product.out;
    float[] y = new float[n * out];
    for (TaskResult task : results) {
      for (JsonNode piece : task.result().get("pieces")) {
        int first = piece.get("first").intValue();
        int outputs = piece.get("outputs").intValue();
        float[] slice = Floats.read(piece.get("y").textValue(), n * outputs);
        for (int i = 0; i < n; i++) {
          System.arraycopy(slice, i * outputs, y, i * out + first, outputs);
        }
      }
    }
    ArrayNode rows = JsonNodeFactory.instance.arrayNode();
    for (int i = 0; i < n; i++) {
      ArrayNode row = product.x.vector() ? rows : rows.addArray();
      for (int j = 0; j < out; j++) {
        Floats.add(row, y[i * out + j]);
      }
    }
    return rows;
  }

  /** The shard of y that begins with a row of x. */
  private static OutputBlock output(Product product, long firstRow) {
    TensorInfo y = product.y();
    if (product.x.vector()) {
      return OutputBlock.whole(y);
    }
    long rows = Math.max(1, OUTPUT_SHARD / (4 * product.out));
    return new OutputBlock(y, firstRow, Math.min(rows, product.x.rows() - firstRow));
  }

  private Digest publish(Product product, Job job, TaskResults results, JobContext context)
      throws InterruptedException {
    Map<Long, StoredShard> slices = new TreeMap<>();
    for (TaskResult task : results) {
      for (JsonNode piece : task.result().get("pieces")) {
        slices.put(piece.get("first").longValue(), StoredShard.read(piece.get("slice")));
      }
    }
    ModelDraft draft = ModelDraft.fresh();
    for (long row = 0; row < product.x.rows(); ) {
      context.check();
      OutputBlock block = output(product, row);
      long first = row;
      long rows = product.x.vector() ? 1 : block.rows();
      draft.add(
          publisher.store(
              job.id(),
              draft.chunkBytes(),
              List.of(block),
              targets -> gather(product, slices, first, rows, targets.getFirst())));
      row += rows;
    }
    return publisher
        .publish(
            job.id(),
            product.arguments.output.orElseThrow(),
            Optional.empty(),
            draft,
            product.operands.provenance(product.spec))
        .version();
  }

  /** Puts the slices of some rows of y side by side. */
  private void gather(
      Product product,
      Map<Long, StoredShard> slices,
      long firstRow,
      long rows,
      MemorySegment target)
      throws InterruptedException {
    for (Map.Entry<Long, StoredShard> entry : slices.entrySet()) {
      StoredShard slice = entry.getValue();
      StoredShard.Placed placed = slice.blocks().getFirst();
      long width = placed.block().tensor().rowBytes();
      ByteRange range = new ByteRange(placed.offset() + firstRow * width, rows * width);
      List<ByteRange> runs = ChunkRuns.cover(slice.shard().checksums(), List.of(range));
      try (ShardAccess.Open open = source.shards().open(slice.shard(), runs, bytes -> {})) {
        MemorySegment data = open.bytes(range);
        for (long i = 0; i < rows; i++) {
          long at = 4 * (i * product.out + entry.getKey());
          MemorySegment.copy(data, i * width, target, at, width);
        }
      } catch (SluiceException e) {
        throw ComputeException.busy(e);
      }
    }
  }
}
