package io.sluice.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.model.Digest;
import io.sluice.model.ModelRef;
import io.sluice.model.SluiceException;
import java.io.IOException;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelUploadedTest {
  private static final Digest VERSION = Digest.sha256(new byte[] {1});

  private static ModelRef read(String type, String data) throws IOException {
    JsonNode json = new ObjectMapper().readTree(data);
    return ModelUploaded.read(
            new CloudEvent("1", "/ci", type, Optional.empty(), Optional.empty(), json))
        .model();
  }

  @Test
  void theVersionIsLoadedIfItIsSaidElseTheTag() throws IOException {
    String type = ModelUploaded.TYPE;
    assertThat(read(type, "{\"model\":\"a/b\"}")).isEqualTo(ModelRef.parse("a/b"));
    assertThat(read(type, "{\"model\":\"m\",\"tag\":\"v1\",\"new\":[]}"))
        .isEqualTo(ModelRef.parse("m:v1"));
    assertThat(read(type, "{\"model\":\"m\",\"tag\":\"v1\",\"version\":\"" + VERSION + "\"}"))
        .isEqualTo(ModelRef.parse("m@" + VERSION));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "io.sluice.Other         | {\"model\":\"m\"}                    | event-type-unknown",
        "io.sluice.ModelUploaded | [\"m\"]                              | event-data-invalid",
        "io.sluice.ModelUploaded | {}                                   | field-missing",
        "io.sluice.ModelUploaded | {\"model\":7}                        | field-invalid",
        "io.sluice.ModelUploaded | {\"model\":\"../x\"}                 | model-name-invalid",
        "io.sluice.ModelUploaded | {\"model\":\"m\",\"tag\":\"a b\"}    | tag-invalid",
        "io.sluice.ModelUploaded | {\"model\":\"m\",\"version\":\"v1\"} | digest-invalid",
      })
  void whatNamesNoModelIsRefused(String type, String data, String code) {
    assertThatThrownBy(() -> read(type, data))
        .isInstanceOfSatisfying(SluiceException.class, e -> assertThat(e.code()).isEqualTo(code));
  }
}
