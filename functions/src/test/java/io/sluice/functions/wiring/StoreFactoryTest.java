package io.sluice.functions.wiring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.quarkus.test.junit.QuarkusTest;
import io.sluice.functions.config.SluiceConfig.StoreKind;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import jakarta.inject.Inject;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The stores by kind, of which the dev services configure only S3. */
@QuarkusTest
class StoreFactoryTest {
  @Inject StoreFactory stores;

  @Test
  void aStoreIsMadeOnce() {
    assertThat(stores.open(StoreKind.S3)).isSameAs(stores.open(StoreKind.S3));
  }

  @ParameterizedTest
  @CsvSource({
    "FILE, sluice.file.root",
    "GLUSTER, sluice.gluster.servers",
    "CASSANDRA, sluice.cassandra.contact-points",
    "HDFS, sluice.hdfs.name-nodes",
    "HBASE, sluice.hbase.gateways"
  })
  void whatAStoreLacksIsNamedWhenItIsOpened(StoreKind kind, String setting) {
    SluiceException e = catchThrowableOfType(SluiceException.class, () -> stores.open(kind));
    assertThat(e.kind()).isEqualTo(ErrorKind.INVALID);
    assertThat(e.code()).isEqualTo("config-invalid");
    assertThat(e).hasMessageContaining("'" + kind.text() + "'").hasMessageContaining(setting);
  }
}
