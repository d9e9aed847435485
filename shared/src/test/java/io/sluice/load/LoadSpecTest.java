package io.sluice.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.model.SluiceException;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LoadSpecTest {
  private static JsonNode json(String text) {
    try {
      return new ObjectMapper().readTree(text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static LoadSpec read(String replicas) {
    return LoadSpec.read(json("{\"model\":\"m\",\"replicas\":" + replicas + "}"));
  }

  @Test
  void replicasAreANumberOrAll() {
    assertThat(LoadSpec.read(json("{\"model\":\"m\"}")).replicas()).isEqualTo(Replicas.ONE);
    assertThat(read("1").replicas()).isEqualTo(Replicas.ONE);
    assertThat(read("3").replicas().among(8)).isEqualTo(3);
    assertThat(read("\"all\"").replicas().among(8)).isEqualTo(8);
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "7", "10000", "\"all\""})
  void whatIsWrittenIsRead(String replicas) {
    LoadSpec spec = read(replicas);
    assertThat(LoadSpec.read(spec.toJson())).isEqualTo(spec);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"0", "-1", "10001", "1.5", "\"ALL\"", "\"2\"", "true", "[1]", "99999999999"})
  void anythingElseIsRefused(String replicas) {
    assertThatThrownBy(() -> read(replicas))
        .isInstanceOfSatisfying(
            SluiceException.class, e -> assertThat(e.code()).isEqualTo("field-invalid"))
        .hasMessageContainingAll("1 to 10000", replicas);
  }
}
