package io.sluice.compute.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.job.Claim;
import io.sluice.job.Job;
import io.sluice.job.Lease;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.DType;
import io.sluice.model.Keys;
import io.sluice.model.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code train} and {@code predict} as jobs of several workers. */
@Timeout(300)
class TrainingTest {
  private static final String GOLDEN = "../src/test/resources/datasets/digits-golden.json";
  private static final String ARGUMENTS =
      "'epochs': 4, 'batch': 200, 'learningRate': 0.4, 'l2': 0.001, 'momentum': 0.5, 'seed': 7";

  @TempDir Path temp;
  private TrainingBed bed;

  @BeforeEach
  void start() throws Exception {
    bed = new TrainingBed(temp);
  }

  @AfterEach
  void stop() {
    bed.close();
  }

  private void digits(long shardBytes) throws Exception {
    bed.uploadFile("digits", "digits-train.safetensors", shardBytes);
    bed.uploadFile("digits-test", "digits-test.safetensors", 1 << 20);
  }

  private String train(String dataset, String into, String more) throws Exception {
    return bed.compute(dataset, "train", "{'output': '" + into + "', " + more + "}")
        .at("/result/version")
        .textValue();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "sync|'epochs': 40, 'batch': 128, 'learningRate': 0.3, 'momentum': 0.8, 'decay': 0.1",
        "local|'epochs': 40, 'batch': 8, 'learningRate': 0.3, 'decay': 0.1",
      })
  void digitsAreLearnedAsScikitLearnDoes(String method, String more) throws Exception {
    bed.worker("w1");
    bed.worker("w2");
    digits(20_000);
    assertThat(bed.manifest("digits").shards().size()).isGreaterThan(4);
    JsonNode golden = new ObjectMapper().readTree(Path.of(GOLDEN).toFile());
    String id =
        bed.start(
            "digits",
            "train",
            "{'output': 'net', 'method': '" + method + "', 'l2': 0.001, " + more + "}");
    JsonNode trained = TrainingBed.result(bed.run(id));
    assertThat(trained.get("N").intValue()).isEqualTo(4);
    assertThat(trained.get("P").intValue()).isEqualTo(2);
    JsonNode epochs = trained.at("/result/epochs");
    double loss = epochs.get(epochs.size() - 1).get("loss").doubleValue();
    assertThat(loss).isCloseTo(golden.get("trainLoss").doubleValue(), within(0.03));
    assertThat(epochs.get(0).get("loss").doubleValue()).isGreaterThan(5 * loss);

    JsonNode predicted =
        bed.compute("net", "predict", "{'data': 'digits-test', 'probabilities': true}")
            .get("result");
    JsonNode metrics = predicted.get("metrics");
    assertThat(metrics.get("rows").intValue()).isEqualTo(360);
    assertThat(metrics.get("accuracy").doubleValue())
        .isGreaterThanOrEqualTo(0.95)
        .isGreaterThanOrEqualTo(golden.get("rawAccuracy").doubleValue() - 0.01)
        .isCloseTo(golden.get("accuracy").doubleValue(), within(0.01));
    assertThat(metrics.get("loss").doubleValue())
        .isCloseTo(golden.get("testLoss").doubleValue(), within(0.02));
    assertThat(predicted.get("classes")).hasSize(360);
    int same = 0;
    for (int i = 0; i < 360; i++) {
      same += predicted.get("classes").get(i).equals(golden.get("classes").get(i)) ? 1 : 0;
      double sum = 0;
      for (JsonNode p : predicted.get("probabilities").get(i)) {
        sum += p.doubleValue();
      }
      assertThat(sum).isCloseTo(1, within(1e-5));
    }
    assertThat(same).isGreaterThanOrEqualTo(355);
    long total = 0;
    for (JsonNode line : metrics.get("confusion")) {
      for (JsonNode n : line) {
        total += n.longValue();
      }
    }
    assertThat(total).isEqualTo(360);
    List<JsonNode> rounds = bed.rounds(id);
    assertThat(rounds.getFirst().get("phase").textValue()).isEqualTo("scan");
    assertThat(rounds)
        .filteredOn(n -> n.get("phase").textValue().equals("epoch"))
        .hasSizeGreaterThan(10)
        .allSatisfy(n -> assertThat(n.get("accuracy").doubleValue()).isGreaterThan(0.5));
  }

  /** Neither workers nor shards nor where values lie change a bit of the result. */
  @ParameterizedTest
  @CsvSource({"sync,0", "local,0", "local,5"})
  void oneResultForAnyNumberOfWorkersAndShards(String method, int localSteps) throws Exception {
    String arguments =
        (localSteps == 0 ? ARGUMENTS : ARGUMENTS.replace("'batch': 200", "'batch': 20"))
            + ", 'partitions': 11, 'method': '"
            + method
            + "'"
            + (localSteps == 0 ? "" : ", 'localSteps': " + localSteps);
    bed.worker("w1");
    digits(1 << 20);
    String alone = train("digits", "alone", arguments);
    bed.uploadFile("digits", "digits-train.safetensors", 9_000);
    bed.spill = 100;
    bed.workers.remove("w1").close();
    for (int i = 2; i <= 4; i++) {
      bed.worker("w" + i);
    }
    JsonNode many =
        bed.compute("digits", "train", "{'output': 'many', " + arguments + "}").get("result");
    assertThat(bed.manifest("many").provenance().orElseThrow().parents().getFirst().version())
        .isNotEqualTo(
            bed.manifest("alone").provenance().orElseThrow().parents().getFirst().version());
    assertThat(many.get("version").textValue()).isNotEqualTo(alone);
    for (String tensor : List.of("weight", "bias", "velocity.weight", "velocity.bias")) {
      assertThat(bed.bytes("many", tensor)).isEqualTo(bed.bytes("alone", tensor));
    }
    assertThat(weights("many")).isEqualTo(weights("alone"));
    // only what is published lasts, apart from the last round
    List<String> scratch = new ArrayList<>();
    bed.store.list(Keys.SCRATCH, o -> scratch.add(o.key()));
    assertThat(scratch).isNotEmpty().allSatisfy(k -> assertThat(k).doesNotContain("/1/"));
    assertThat(scratch.size()).isLessThan(60);
  }

  /** Digests of the shards: the weights without the file that names the dataset. */
  private List<String> weights(String ref) {
    return bed.manifest(ref).shards().stream().map(s -> s.digest().toString()).toList();
  }

  @Test
  void deadAndLateWorkersChangeNothing() throws Exception {
    bed.close();
    bed = new TrainingBed(temp, Duration.ofSeconds(2));
    bed.worker("w1");
    digits(1 << 20);
    String undisturbed = train("digits", "a", ARGUMENTS);
    bed.worker("w2");
    String id = bed.start("digits", "train", "{'output': 'b', " + ARGUMENTS + "}");
    Random random = new Random(5);
    Thread killer =
        Thread.ofVirtual()
            .start(
                () -> {
                  // takes steps and dies with them, again and again
                  try {
                    for (int deaths = 0; deaths < 3; ) {
                      Claim claim = bed.jobs.claim(id, "w2", 1 << 20);
                      if (claim instanceof Claim.Finished) {
                        return;
                      }
                      deaths += claim instanceof Lease ? 1 : 0;
                      Thread.sleep(random.nextInt(60));
                    }
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                });
    Job job = bed.run(id);
    killer.join();
    assertThat(TrainingBed.result(job).at("/result/version").textValue()).isEqualTo(undisturbed);
  }

  @Test
  void noWorkerKeepsRowsOfAJobThatIsOver() throws Exception {
    for (int i = 1; i <= 3; i++) {
      bed.worker("w" + i);
    }
    digits(8 << 10);
    train("digits", "net", ARGUMENTS);
    assertThat(rowsKept()).containsOnly(0L);
    String error =
        bed.failure(
            "digits",
            "train",
            "{'output': 'n', 'learningRate': 1e6, 'task': 'linear', 'epochs': 99}");
    assertThat(error).contains("training-diverged");
    assertThat(rowsKept()).containsOnly(0L);
  }

  private List<Long> rowsKept() {
    return bed.workers.values().stream().map(worker -> worker.cache.bytes()).toList();
  }

  @Test
  void goesOnFromAnEpochAsIfItHadNeverStopped() throws Exception {
    bed.worker("w1");
    digits(1 << 20);
    String whole = train("digits", "whole", ARGUMENTS);
    train("digits", "part", ARGUMENTS.replace("'epochs': 4", "'epochs': 2"));
    String resumed = train("digits", "resumed", ARGUMENTS + ", 'resume': 'part:epoch-2'");
    assertThat(resumed).isEqualTo(whole);
    assertThat(bed.manifests.model("whole").toString())
        .contains("epoch-1", "epoch-2", "epoch-3", "epoch-4", "latest");
    String error =
        bed.failure("digits", "train", "{'output': 'x', 'epochs': 2, 'resume': 'part:epoch-2'}");
    assertThat(error).contains("operation-arguments-invalid", "epoch 2", "'epochs'");
    error =
        bed.failure(
            "digits",
            "train",
            "{'output': 'x', 'epochs': 5, 'standardize': false, 'resume': 'part'}");
    assertThat(error).contains("standardize true");
    error = bed.failure("digits", "train", "{'output': 'x', 'resume': 'digits-test'}");
    assertThat(error).contains("training-invalid", "training.json");
  }

  @Test
  void checkpointsSayWhatTheyAre() throws Exception {
    bed.worker("w1");
    digits(1 << 20);
    bed.compute(
        "digits",
        "train",
        "{'output': 'net:mine', 'epochs': 5, 'checkpointEvery': 2, 'batch': 700}");
    ModelManifest manifest = bed.manifest("net:mine");
    assertThat(manifest.tensors())
        .extracting(t -> t.info().name() + t.info().shape())
        .containsExactlyInAnyOrder(
            "weight[10, 64]", "bias[10]", "feature.mean[64]", "feature.scale[64]");
    assertThat(manifest.files())
        .extracting(ModelManifest.File::path)
        .containsExactly("model.safetensors", "training.json");
    ModelManifest.Provenance provenance = manifest.provenance().orElseThrow();
    assertThat(provenance.operation()).isEqualTo("train");
    assertThat(provenance.parents().getFirst().model()).isEqualTo("digits");
    JsonNode arguments = new ObjectMapper().readTree(provenance.arguments());
    assertThat(arguments.get("epoch").intValue()).isEqualTo(5);
    assertThat(arguments.get("batch").intValue()).isEqualTo(700);
    assertThat(arguments.get("accuracy").doubleValue()).isBetween(0.5, 1.0);
    assertThat(bed.manifests.model("net").toString())
        .contains("epoch-2", "epoch-4", "epoch-5", "mine")
        .doesNotContain("epoch-3", "latest");
    // means and deviations as scikit-learn's StandardScaler has them: of the first pixels
    float[] mean = bed.floats("net:mine", "feature.mean");
    float[] scale = bed.floats("net:mine", "feature.scale");
    assertThat(mean[0]).isZero();
    assertThat(scale[0]).as("a pixel that is always 0").isEqualTo(1);
    byte[] x = bed.bytes("digits", "x");
    for (int c : new int[] {1, 10, 63}) {
      double sum = 0;
      double squares = 0;
      for (int r = 0; r < 1437; r++) {
        sum += x[64 * r + c];
        squares += x[64 * r + c] * x[64 * r + c];
      }
      double m = sum / 1437;
      assertThat(mean[c]).isEqualTo((float) m);
      assertThat((double) scale[c])
          .isCloseTo(Math.sqrt(squares / 1437 - m * m), within(1e-6 * (1 + scale[c])));
    }
  }

  private static TrainingBed.Content floats(String name, float[] values, long... shape) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return new TrainingBed.Content(
        new TensorInfo(name, DType.F32, Arrays.stream(shape).boxed().toList()), bytes.array());
  }

  /** Against the solution of the normal equations, with ridge and two targets. */
  @ParameterizedTest
  @CsvSource({"sync,0", "sync,0.1", "local,0"})
  void linearRegressionFindsTheClosedForm(String method, double l2) throws Exception {
    bed.worker("w1");
    bed.worker("w2");
    int n = 900;
    int d = 5;
    Random random = new Random(3);
    float[] x = new float[n * d];
    float[] y = new float[n * 2];
    for (int r = 0; r < n; r++) {
      for (int c = 0; c < d; c++) {
        x[r * d + c] = (float) (random.nextGaussian() * (c + 1) + c);
      }
      for (int t = 0; t < 2; t++) {
        double sum = 3 - t;
        for (int c = 0; c < d; c++) {
          sum += (c - 2 + t) * x[r * d + c];
        }
        y[r * 2 + t] = (float) (sum + (method.equals("sync") ? random.nextGaussian() : 0));
      }
    }
    bed.upload("data", 4_000, floats("features", x, n, d), floats("goal", y, n, 2));
    String arguments =
        "'task': 'linear', 'x': 'features', 'y': 'goal', 'seed': 3, 'l2': "
            + l2
            + ", "
            + (method.equals("sync")
                ? "'epochs': 150, 'batch': 900, 'learningRate': 0.5, 'checkpointEvery': 1000"
                : "'method': 'local', 'epochs': 30, 'batch': 32, 'learningRate': 0.1,"
                    + " 'checkpointEvery': 1000");
    JsonNode trained =
        bed.compute("data", "train", "{'output': 'line', " + arguments + "}").get("result");
    double[][] expected = closedForm(x, y, n, d, l2);
    float[] weight = bed.floats("line", "weight");
    float[] bias = bed.floats("line", "bias");
    for (int t = 0; t < 2; t++) {
      for (int c = 0; c < d; c++) {
        assertThat((double) weight[t * d + c])
            .as("weight %d %d", t, c)
            .isCloseTo(expected[t][c], within(2e-4));
      }
      assertThat((double) bias[t]).isCloseTo(expected[t][d], within(2e-4));
    }
    JsonNode predicted = bed.compute("line", "predict", "{'data': 'data'}").get("result");
    double mse = predicted.at("/metrics/meanSquaredError").doubleValue();
    JsonNode epochs = trained.get("epochs");
    assertThat(mse)
        .isCloseTo(epochs.get(epochs.size() - 1).get("loss").doubleValue(), within(1e-3));
    assertThat(predicted.at("/metrics/r2").doubleValue()).isBetween(0.9, 1.0);
    assertThat(predicted.get("targets")).hasSize(n);
    assertThat(predicted.get("targets").get(0)).hasSize(2);

    JsonNode stored =
        bed.compute("line", "predict", "{'data': 'data', 'labels': false, 'output': 'out:best'}")
            .get("result");
    assertThat(stored.has("metrics")).isFalse();
    assertThat(stored.has("targets")).isFalse();
    float[] out = bed.floats("out:best", "target");
    for (int i = 0; i < 20; i++) {
      assertThat(out[i])
          .isEqualTo((float) predicted.get("targets").get(i / 2).get(i % 2).doubleValue());
    }
    assertThat(bed.manifest("out:best").provenance().orElseThrow().parents()).hasSize(2);
  }

  /** Of standardised features: weights, then the bias. */
  private static double[][] closedForm(float[] x, float[] y, int n, int d, double l2) {
    double[] mean = new double[d];
    double[] scale = new double[d];
    for (int c = 0; c < d; c++) {
      for (int r = 0; r < n; r++) {
        mean[c] += (double) x[r * d + c] / n;
      }
      for (int r = 0; r < n; r++) {
        scale[c] += Math.pow(x[r * d + c] - mean[c], 2) / n;
      }
      scale[c] = Math.sqrt(scale[c]);
    }
    double[][] solutions = new double[2][];
    for (int t = 0; t < 2; t++) {
      double[][] a = new double[d + 1][d + 2];
      for (int r = 0; r < n; r++) {
        double[] row = new double[d + 2];
        for (int c = 0; c < d; c++) {
          row[c] = (x[r * d + c] - mean[c]) / scale[c];
        }
        row[d] = 1;
        row[d + 1] = y[r * 2 + t];
        for (int i = 0; i <= d; i++) {
          for (int j = 0; j <= d + 1; j++) {
            a[i][j] += row[i] * row[j] / n;
          }
        }
      }
      for (int i = 0; i < d; i++) {
        a[i][i] += l2;
      }
      solutions[t] = solve(a);
    }
    return solutions;
  }

  private static double[] solve(double[][] a) {
    int n = a.length;
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < n; k++) {
        double factor = k == i ? 0 : a[k][i] / a[i][i];
        for (int j = i; j <= n && k != i; j++) {
          a[k][j] -= factor * a[i][j];
        }
      }
    }
    double[] solution = new double[n];
    for (int i = 0; i < n; i++) {
      solution[i] = a[i][n] / a[i][i];
    }
    return solution;
  }

  @Test
  void largePredictionsAreStoredOrLeftOut() throws Exception {
    bed.worker("w1");
    digits(1 << 20);
    train("digits", "net", "'epochs': 2");
    // 1437 rows of 64 columns have few enough numbers, with all probabilities of ten too
    int n = 30_000;
    byte[] x = new byte[n * 64];
    new Random(2).nextBytes(x);
    for (int i = 0; i < x.length; i++) {
      x[i] &= 15;
    }
    bed.upload(
        "large",
        300_000,
        new TrainingBed.Content(new TensorInfo("x", DType.U8, List.of((long) n, 8L, 8L)), x));
    JsonNode left =
        bed.compute("net", "predict", "{'data': 'large', 'probabilities': true}").get("result");
    assertThat(left.has("classes")).isFalse();
    assertThat(left.has("metrics")).isFalse();
    assertThat(left.get("omitted").textValue()).contains("output");
    bed.compute(
        "net",
        "predict",
        "{'data': 'large', 'probabilities': true, 'output': 'said', 'partitions': 7}");
    float[] probabilities = bed.floats("said", "probability");
    byte[] classes = bed.bytes("said", "class");
    assertThat(probabilities).hasSize(10 * n);
    for (int r = 0; r < n; r += 997) {
      int best = LinearTrainer.argmax(probabilities, 10 * r, 10);
      assertThat((int) classes[4 * r]).isEqualTo(best);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{}|field-missing|'output'",
        "{'output': 'n', 'epochs': 0}|field-invalid|'epochs'",
        "{'output': 'n', 'learningRate': -1}|operation-arguments-invalid|'learningRate'",
        "{'output': 'n', 'learningRate': 'x'}|operation-arguments-invalid|'learningRate'",
        "{'output': 'n', 'momentum': 1}|operation-arguments-invalid|'momentum'",
        "{'output': 'n', 'speed': 1}|field-unknown|'speed'",
        "{'output': 'n', 'task': 'trees'}|operation-arguments-invalid|trees",
        "{'output': 'n', 'method': 'async'}|operation-arguments-invalid|async",
        "{'output': 'n', 'localSteps': 3}|operation-arguments-invalid|localSteps",
        "{'output': 'n', 'partitions': 1438}|operation-arguments-invalid|1437",
        "{'output': 'n', 'x': 'z'}|tensors-unknown|'z'",
        "{'output': 'n', 'y': 'x'}|tensor-not-accepted|one label a row",
        "{'output': 'n', 'x': 'y'}|tensor-not-accepted|[rows, features]",
        "{'output': 'n', 'resume': 'no'}|model-missing|no",
        "{'output': 'n', 'learningRate': 1e6, 'task': 'linear', 'epochs': 99}|training-diverged|rate",
      })
  void whatCannotBeTrainedIsRefused(String arguments, String code, String word) throws Exception {
    bed.worker("w1");
    bed.uploadFile("digits", "digits-train.safetensors", 1 << 20);
    String error = bed.failure("digits", "train", arguments);
    assertThat(error).startsWith(code + ": ").contains(word);
  }

  @Test
  void dataThatIsNoNumberIsRefusedWithItsRow() throws Exception {
    bed.worker("w1");
    float[] x = new float[40];
    x[4 * 7 + 1] = Float.NaN;
    byte[] y = new byte[10];
    y[3] = 1;
    bed.upload(
        "holes",
        1 << 20,
        floats("x", x, 10, 4),
        new TrainingBed.Content(new TensorInfo("y", DType.I8, List.of(10L)), y));
    assertThat(bed.failure("holes", "train", "{'output': 'n'}"))
        .startsWith("tensor-not-accepted")
        .contains("row 7 of 'x'");
    y[9] = -1;
    bed.upload(
        "negative",
        1 << 20,
        floats("x", new float[40], 10, 4),
        new TrainingBed.Content(new TensorInfo("y", DType.I8, List.of(10L)), y));
    assertThat(bed.failure("negative", "train", "{'output': 'n'}")).contains("row 9 of 'y' has -1");
    bed.upload(
        "one",
        1 << 20,
        floats("x", new float[40], 10, 4),
        new TrainingBed.Content(new TensorInfo("y", DType.U8, List.of(10L)), new byte[10]));
    assertThat(bed.failure("one", "train", "{'output': 'n'}")).contains("two classes");
  }

  @Test
  void theGoldenFileIsOfThisData() throws Exception {
    JsonNode golden = new ObjectMapper().readTree(Files.readString(Path.of(GOLDEN)));
    assertThat(golden.get("trainRows").intValue()).isEqualTo(1437);
    assertThat(golden.get("rawAccuracy").doubleValue()).isBetween(0.95, 0.97);
  }
}
