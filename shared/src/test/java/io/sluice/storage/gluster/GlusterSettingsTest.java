package io.sluice.storage.gluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.HostPort;
import io.sluice.model.InvalidValueException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GlusterSettingsTest {
  @ParameterizedTest
  @CsvSource({
    "gluster1, gluster1, 24007",
    "10.1.2.3:24008, 10.1.2.3, 24008",
    "[fd00::1], fd00::1, 24007",
    "[fd00::1]:24008, fd00::1, 24008",
  })
  void aServerHasAHostAndAPort(String text, String host, int port) {
    assertThat(GlusterSettings.server(text)).isEqualTo(new HostPort(host, port));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "host:0", "host:65536", "host:x", "a b", "fd00::1", "host/volume"})
  void otherTextIsNoServer(String text) {
    assertThatThrownBy(() -> GlusterSettings.server(text))
        .isInstanceOf(InvalidValueException.class)
        .hasMessageContaining("'" + text + "'");
  }

  @Test
  void theRootIsADirectoryOfTheVolume() {
    assertThat(below("/models/prod/").root()).isEqualTo("models/prod");
    assertThat(below("/").root()).isEmpty();
    for (String root : List.of("../up", "a//b", ".sluice-tmp", "a/./b")) {
      assertThatThrownBy(() -> below(root))
          .isInstanceOf(InvalidValueException.class)
          .hasMessageContaining("'" + root + "'");
    }
  }

  @Test
  void whatNoVolumeCanBeIsRefused() {
    HostPort server = new HostPort("host", 1);
    assertThatThrownBy(() -> GlusterSettings.of("volume"))
        .isInstanceOf(InvalidValueException.class)
        .hasMessageContaining("at least one server");
    assertThatThrownBy(() -> GlusterSettings.of("a volume", server))
        .isInstanceOf(InvalidValueException.class)
        .hasMessageContaining("'a volume'");
    assertThatThrownBy(
            () ->
                new GlusterSettings(
                    List.of(server), "v", "", 0, GlusterSettings.LIBRARY, Optional.empty()))
        .isInstanceOf(InvalidValueException.class)
        .hasMessageContaining("got 0");
  }

  private static GlusterSettings below(String root) {
    return GlusterSettings.of("volume", new HostPort("host", 1)).below(root);
  }
}
