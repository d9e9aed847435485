package io.sluice.compute.embed;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.ModelRef;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** all-MiniLM-L6-v2 against what Hugging Face's tokenizers and ONNX Runtime make of the texts. */
class MiniLmEmbedTest {
  private static final ModelRef REF = ModelRef.parse(StoredEncoder.NAME);
  private static final long MEMORY = 512 << 20;

  private static StoredEncoder model;
  private static List<MiniLm.Golden> golden;
  private static EmbedRequest request;

  @BeforeAll
  static void read() throws IOException {
    model = MiniLm.stored();
    golden = MiniLm.golden();
    request = request(golden.stream().map(MiniLm.Golden::text).toList());
  }

  private static EmbedRequest request(List<String> texts) {
    return new EmbedRequest(
        texts, Optional.empty(), Optional.empty(), OptionalInt.empty(), OptionalInt.empty(), false);
  }

  @Test
  void tokensAreThoseOfHuggingFace() throws IOException {
    BertTokenizer tokenizer = BertTokenizer.parse(MiniLm.file("tokenizer.json"));
    assertThat(golden).hasSizeGreaterThanOrEqualTo(50);
    assertThat(tokenizer.maxLength()).isEqualTo(128);
    for (MiniLm.Golden text : golden) {
      assertThat(tokenizer.encode(text.text(), 128)).as(text.text()).isEqualTo(text.ids());
    }
  }

  @Test
  void vectorsAreThoseOfOnnxRuntime() throws InterruptedException {
    try (LocalWorkers workers = new LocalWorkers(model, 1, MEMORY, 2)) {
      Embeddings answer = workers.first().embed(REF, request);
      double worst = 0;
      for (int i = 0; i < golden.size(); i++) {
        worst = Math.max(worst, distance(answer.vectors().get(i), golden.get(i).vector()));
      }
      assertThat(worst).isLessThan(1e-5);
      assertThat(answer.truncated()).isEqualTo(3);
      assertThat(answer.tokens())
          .isEqualTo(golden.stream().mapToLong(text -> text.ids().length).sum());
    }
  }

  @Test
  void oneTwoAndFourWorkersAnswerTheSameBits() throws InterruptedException {
    List<float[]> one = null;
    for (int count : new int[] {1, 2, 4}) {
      try (LocalWorkers workers = new LocalWorkers(model, count, MEMORY, count).spread()) {
        Embeddings answer = workers.first().embed(REF, request);
        assertThat(answer.parts()).hasSize(count);
        one = one == null ? answer.vectors() : one;
        for (int i = 0; i < one.size(); i++) {
          assertThat(answer.vectors().get(i)).as(golden.get(i).text()).isEqualTo(one.get(i));
        }
        assertThat(workers.sent.get() > 0).isEqualTo(count > 1);
      }
    }
  }

  @Test
  void textsAloneHaveTheSameBitsAsInABatch() throws InterruptedException {
    try (LocalWorkers workers = new LocalWorkers(model, 1, MEMORY, 2)) {
      List<float[]> together = workers.first().embed(REF, request).vectors();
      for (int i = 0; i < golden.size(); i += 7) {
        EmbedRequest alone = request(List.of(golden.get(i).text()));
        assertThat(workers.first().embed(REF, alone).vectors().getFirst())
            .isEqualTo(together.get(i));
      }
    }
  }

  @Test
  void workerThatDiesInTheMiddleChangesNothing() throws InterruptedException {
    try (LocalWorkers workers = new LocalWorkers(model, 3, MEMORY, 1).spread()) {
      List<float[]> before = workers.first().embed(REF, request).vectors();
      AtomicInteger calls = new AtomicInteger();
      workers.survives = id -> !(id.equals("w3") && calls.incrementAndGet() == 4);
      Embeddings after = workers.first().embed(REF, request);
      assertThat(workers.dead).containsExactly("w3");
      assertThat(after.vectors()).hasSameSizeAs(before);
      for (int i = 0; i < before.size(); i++) {
        assertThat(after.vectors().get(i)).isEqualTo(before.get(i));
      }
    }
  }

  @Test
  void weightsArePreparedOnceAndGoWithTheirShard() throws InterruptedException {
    StoredEncoder fresh = model;
    fresh.opened.set(0);
    try (LocalWorkers workers = new LocalWorkers(fresh, 1, MEMORY, 1)) {
      EmbedRequest one = request(List.of("a text"));
      workers.first().embed(REF, one);
      workers.first().embed(REF, one);
      assertThat(fresh.opened.get()).isEqualTo(7);
      long before = workers.first().stages().preparedBytes();
      workers.first().stages().dropped(fresh.manifest().shards().get(3).digest());
      assertThat(workers.first().stages().preparedBytes()).isLessThan(before);
      workers.first().embed(REF, one);
      assertThat(fresh.opened.get()).isEqualTo(8);
      assertThat(workers.first().stages().preparedBytes()).isEqualTo(before);
    }
  }

  @Test
  void memoryOfPreparedWeightsIsBounded() throws InterruptedException {
    long budget = 60 << 20;
    try (LocalWorkers workers = new LocalWorkers(model, 1, budget, 1)) {
      for (int i = 0; i < 3; i++) {
        workers.first().embed(REF, request(List.of("a text", "another")));
        assertThat(workers.first().stages().preparedBytes()).isLessThanOrEqualTo(budget);
      }
    }
  }

  private static double distance(float[] a, float[] b) {
    assertThat(a).hasSameSizeAs(b);
    double worst = 0;
    for (int i = 0; i < a.length; i++) {
      worst = Math.max(worst, Math.abs(a[i] - b[i]));
    }
    return worst;
  }
}
