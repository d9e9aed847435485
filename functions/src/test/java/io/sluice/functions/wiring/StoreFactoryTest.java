package io.sluice.functions.wiring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.quarkus.test.junit.QuarkusTest;
import io.sluice.functions.config.SluiceConfig.StoreKind;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import jakarta.inject.Inject;
import org.junit.jupiter.api.Test;

/** The stores by kind, of which the dev services configure only S3. */
@QuarkusTest
class StoreFactoryTest {
  @Inject StoreFactory stores;

  @Test
  void aStoreIsMadeOnce() {
    assertThat(stores.open(StoreKind.S3)).isSameAs(stores.open(StoreKind.S3));
  }

  @Test
  void whatAStoreLacksIsNamedWhenItIsOpened() {
    SluiceException e =
        catchThrowableOfType(SluiceException.class, () -> stores.open(StoreKind.FILE));
    assertThat(e.kind()).isEqualTo(ErrorKind.INVALID);
    assertThat(e.code()).isEqualTo("config-invalid");
    assertThat(e).hasMessageContaining("'file'").hasMessageContaining("sluice.file.root");
  }
}
