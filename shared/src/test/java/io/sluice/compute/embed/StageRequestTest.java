package io.sluice.compute.embed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.SluiceException;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StageRequestTest {
  private static StageRequest request(int first, int[] ids, float[] activations) {
    return new StageRequest(
        "org/model",
        StoredEncoder.VERSION,
        new byte[16],
        7,
        new EncoderSettings(12, 1e-12f, Pooling.CLS, false),
        first,
        List.of(new StageRequest.Hop("worker-1", 3), new StageRequest.Hop("b", 7)),
        new int[] {2, 1},
        ids,
        activations);
  }

  @Test
  void comesOutAsItWentIn() {
    StageRequest ids = StageRequest.decode(request(0, new int[] {5, 6, 7}, null).encode());
    assertThat(ids.ids()).containsExactly(5, 6, 7);
    assertThat(ids.activations()).isNull();
    assertThat(ids.hops())
        .containsExactly(new StageRequest.Hop("worker-1", 3), new StageRequest.Hop("b", 7));
    assertThat(ids.lengths()).containsExactly(2, 1);
    assertThat(ids.settings()).isEqualTo(new EncoderSettings(12, 1e-12f, Pooling.CLS, false));
    assertThat(ids.model()).isEqualTo("org/model");
    assertThat(ids.version()).isEqualTo(StoredEncoder.VERSION);
    assertThat(ids.batch()).isEqualTo(7);
    StageRequest next =
        StageRequest.decode(ids.next(new float[] {1, 2, 3, 4, 5, Float.NaN}).encode());
    assertThat(next.activations()).containsExactly(1, 2, 3, 4, 5, Float.NaN);
    assertThat(next.first()).isEqualTo(3);
    assertThat(next.hops()).containsExactly(new StageRequest.Hop("b", 7));
  }

  @Test
  void everyBeginningIsRefused() {
    byte[] good = request(0, new int[] {5, 6, 7}, null).encode();
    for (int length = 0; length < good.length; length++) {
      byte[] cut = Arrays.copyOf(good, length);
      assertThatThrownBy(() -> StageRequest.decode(cut)).isInstanceOf(EmbedException.class);
    }
    byte[] longer = Arrays.copyOf(good, good.length + 4);
    assertThatThrownBy(() -> StageRequest.decode(longer)).hasMessageContaining("got 16");
  }

  @Test
  void anyBytesAreReadOrRefused() {
    Random random = new Random(1);
    byte[] good = request(1, null, new float[3 * 8]).encode();
    int refused = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] broken = good.clone();
      for (int flips = 1 + random.nextInt(3); flips > 0; flips--) {
        broken[random.nextInt(broken.length)] = (byte) random.nextInt();
      }
      try {
        StageRequest.decode(broken);
      } catch (SluiceException e) {
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(5_000);
  }
}
