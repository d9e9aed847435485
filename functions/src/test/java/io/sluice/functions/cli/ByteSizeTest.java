package io.sluice.functions.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.InvalidValueException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteSizeTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "512, 512",
    "512B, 512",
    "64MiB, 67108864",
    "64m, 67108864",
    "64 MiB, 67108864",
    "64MB, 64000000",
    "1GiB, 1073741824",
    "2T, 2199023255552",
  })
  void readsWhatPeopleWrite(String text, long bytes) {
    assertThat(ByteSize.parse(text).bytes()).isEqualTo(bytes);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "-1", "1.5G", "MiB", "9XB", "999999999999999999G", "1e6", "0x10"})
  void refusesTheRest(String text) {
    assertThatThrownBy(() -> ByteSize.parse(text))
        .isInstanceOf(InvalidValueException.class)
        .hasMessageContaining("'" + text + "'");
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0 B",
    "1023, 1023 B",
    "1024, 1.0 KiB",
    "90984153, 86.8 MiB",
    "104857600, 100 MiB",
    "1073741823, 1.0 GiB",
    "9223372036854775807, 8388608 TiB",
  })
  void writesWithTheDigitsThatCount(long bytes, String text) {
    assertThat(ByteSize.format(bytes)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({"2000000000, 4, 0.50 GB/s", "1, 0, -"})
  void ratesAreDecimal(long bytes, double seconds, String text) {
    assertThat(ByteSize.rate(bytes, seconds)).isEqualTo(text);
  }
}
