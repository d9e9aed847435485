package io.sluice.compute.train;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.job.Job;
import io.sluice.model.DType;
import io.sluice.model.TensorInfo;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/**
 * Not a test: how fast trainings are, as whole jobs. Rows of 784 bytes and ten classes, as MNIST
 * has them, made up; and the handwritten digits.
 */
final class TrainSpeed {
  private static final int ROWS = 60_000;

  private TrainSpeed() {}

  /** Prints a line for each training. */
  public static void main(String[] args) throws Exception {
    Path temp = Files.createTempDirectory("sluice-speed-");
    for (int workers = 1; workers <= 2; workers++) {
      try (TrainingBed bed = new TrainingBed(Files.createDirectories(temp.resolve("" + workers)))) {
        for (int w = 1; w <= workers; w++) {
          bed.worker("w" + w, 128 << 20, 256 << 20);
        }
        bed.uploadFile("digits", "digits-train.safetensors", 1 << 20);
        made(bed);
        for (int warm = 0; warm < 2; warm++) {
          run(bed, workers, "digits", 1437, "'epochs': 10, 'batch': 144, 'checkpointEvery': 100");
        }
        run(bed, workers, "digits", 1437, "'epochs': 20, 'batch': 144, 'checkpointEvery': 100");
        run(bed, workers, "digits", 1437, "'epochs': 20, 'batch': 144");
        run(bed, workers, "digits", 1437, "'epochs': 20, 'method': 'local', 'checkpointEvery': 99");
        for (String batch : List.of("600", "6000", "60000")) {
          run(
              bed,
              workers,
              "made",
              ROWS,
              "'epochs': 5, 'xScale': 0.004, 'checkpointEvery': 100, 'batch': " + batch);
        }
        run(
            bed,
            workers,
            "made",
            ROWS,
            "'epochs': 5, 'xScale': 0.004, 'checkpointEvery': 100, 'method': 'local', 'batch': 64,"
                + " 'learningRate': 0.02");
      }
    }
    System.exit(0);
  }

  private static void made(TrainingBed bed) throws Exception {
    Random random = new Random(1);
    byte[] y = new byte[ROWS];
    byte[] x = new byte[ROWS * 784];
    random.nextBytes(x);
    for (int r = 0; r < ROWS; r++) {
      y[r] = (byte) random.nextInt(10);
      x[r * 784 + y[r]] |= (byte) 0x80;
    }
    bed.upload(
        "made",
        16 << 20,
        new TrainingBed.Content(new TensorInfo("x", DType.U8, List.of((long) ROWS, 784L)), x),
        new TrainingBed.Content(new TensorInfo("y", DType.U8, List.of((long) ROWS)), y));
  }

  private static void run(TrainingBed bed, int workers, String dataset, int rows, String arguments)
      throws Exception {
    String id = bed.start(dataset, "train", "{'output': 'net', " + arguments + "}");
    Job job = bed.run(id);
    JsonNode result = TrainingBed.result(job).get("result");
    double seconds = Duration.between(job.createdAt(), job.updatedAt()).toMillis() / 1e3;
    int epochs = result.get("epochs").size();
    int rounds = epochs * result.get("steps").intValue() + 1;
    System.out.printf(
        Locale.ROOT,
        "%d workers %-6s %-90s %6.2f s %6.1f epochs/s %9.0f rows/s %6.1f ms/round%n",
        workers,
        dataset,
        arguments,
        seconds,
        epochs / seconds,
        (double) rows * epochs / seconds,
        1e3 * seconds / rounds);
  }
}
