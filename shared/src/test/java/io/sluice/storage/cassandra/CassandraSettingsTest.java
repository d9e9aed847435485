package io.sluice.storage.cassandra;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sluice.model.ErrorKind;
import io.sluice.model.InvalidValueException;
import io.sluice.model.SluiceException;
import io.sluice.storage.cassandra.CassandraSettings.Consistency;
import io.sluice.storage.cassandra.CassandraSettings.Credentials;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CassandraSettingsTest {
  @ParameterizedTest
  @ValueSource(strings = {"", "1st", "key space", "a\"; DROP KEYSPACE b", "größe"})
  void aKeyspaceIsAName(String keyspace) {
    assertThatThrownBy(() -> settings("dc1", keyspace, Map.of(), 4))
        .isInstanceOf(InvalidValueException.class)
        .hasMessageContaining("'" + keyspace + "'");
  }

  @Test
  void otherSettingsAreChecked() {
    assertThatThrownBy(() -> settings("d'c", "sluice", Map.of(), 4))
        .isInstanceOf(InvalidValueException.class)
        .hasMessageContaining("d'c");
    assertThatThrownBy(() -> settings("dc1", "sluice", Map.of("dc1", 0), 4))
        .isInstanceOf(InvalidValueException.class)
        .hasMessageContaining("'dc1': 0");
    assertThatThrownBy(() -> settings("dc1", "sluice", Map.of(), 65))
        .isInstanceOf(InvalidValueException.class)
        .hasMessageContaining("got 65");
    assertThatThrownBy(() -> CassandraSettings.contactPoint("node:0"))
        .isInstanceOf(InvalidValueException.class)
        .hasMessageContaining("'node:0'");
    assertThat(CassandraSettings.contactPoint("node")).hasToString("node:9042");
  }

  @Test
  void replicationIsReadByDataCenter() {
    assertThat(CassandraSettings.replication(List.of("dc1:3", " dc2:2 ")))
        .isEqualTo(Map.of("dc1", 3, "dc2", 2));
    for (String wrong : List.of("dc1", "3", "dc1:", ":3", "dc1:three")) {
      assertThatThrownBy(() -> CassandraSettings.replication(List.of(wrong)))
          .isInstanceOf(InvalidValueException.class)
          .hasMessageContaining(wrong);
    }
    assertThatThrownBy(() -> CassandraSettings.replication(List.of("dc1:1", "dc1:2")))
        .isInstanceOf(InvalidValueException.class);
  }

  @Test
  void passwordsAreNotTold() {
    assertThat(new Credentials("user", "secret").toString())
        .contains("user")
        .doesNotContain("secret");
  }

  @Test
  void aBuildWithoutCassandraSaysSo() {
    SluiceException e = catchThrowableOfType(SluiceException.class, CassandraStores::find);
    assertThat(e.kind()).isEqualTo(ErrorKind.FATAL);
    assertThat(e.code()).isEqualTo("cassandra-not-built");
  }

  private static CassandraSettings settings(
      String datacenter, String keyspace, Map<String, Integer> replication, int window) {
    return new CassandraSettings(
        List.of(CassandraSettings.contactPoint("node")),
        datacenter,
        keyspace,
        Consistency.LOCAL_QUORUM,
        false,
        replication,
        Optional.empty(),
        Optional.empty(),
        window,
        Duration.ofSeconds(1));
  }
}
