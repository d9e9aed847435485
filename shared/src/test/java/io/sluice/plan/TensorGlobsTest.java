package io.sluice.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.InvalidValueException;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TensorGlobsTest {
  @ParameterizedTest
  @CsvSource({
    "model.layers.0.*, model.layers.0.mlp.weight, true",
    "model.layers.0.*, model.layers.01.mlp.weight, false",
    "model.layers.0.*, modelXlayers.0.mlp, false",
    "*.bias, a.b.bias, true",
    "*.bias, a.bias.b, false",
    "h.?.w, h.1.w, true",
    "h.?.w, h.12.w, false",
    "a+(b)[c]\\E, a+(b)[c]\\E, true",
    "**, anything, true",
    "a**b, aXXb, true",
    "exact, exact, true",
    "exact, exactly, false",
  })
  void matches(String glob, String name, boolean expected) {
    assertThat(new TensorGlobs(List.of(glob)).matches(name)).isEqualTo(expected);
  }

  @Test
  void noGlobMatchesAll() {
    assertThat(new TensorGlobs(List.of()).matches("x")).isTrue();
  }

  @Test
  void anyGlobIsEnough() {
    assertThat(new TensorGlobs(List.of("a", "b")).matches("b")).isTrue();
  }

  @Test
  void thereAreBounds() {
    assertThatThrownBy(() -> new TensorGlobs(Collections.nCopies(1001, "a")))
        .isInstanceOf(InvalidValueException.class)
        .hasMessageContainingAll("1000", "1001");
    assertThatThrownBy(() -> new TensorGlobs(List.of("a".repeat(5000))))
        .isInstanceOf(InvalidValueException.class)
        .hasMessageContainingAll("4096", "5000");
  }
}
