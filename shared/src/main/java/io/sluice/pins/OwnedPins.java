package io.sluice.pins;

import io.sluice.job.ShardPins;
import io.sluice.manifest.ObjectPins;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.time.Duration;
import java.util.Collection;
import java.util.UUID;

/** The pins of jobs as the manifests want them: each pin is an owner of its own. */
public final class OwnedPins implements ObjectPins {
  private static final Duration WAIT = Duration.ofSeconds(30);

  private final ShardPins pins;

  public OwnedPins(ShardPins pins) {
    this.pins = pins;
  }

  @Override
  public Pin pin(Collection<String> keys) {
    String owner = "manifest-" + UUID.randomUUID();
    try {
      pins.pin(owner, keys, WAIT);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SluiceException(ErrorKind.TRANSIENT, "interrupted", "interrupted while pinning", e);
    } catch (SluiceException e) {
      pins.unpin(owner);
      throw e;
    }
    return new Pin() {
      @Override
      public boolean renew() {
        return pins.renew(owner);
      }

      @Override
      public void close() {
        pins.unpin(owner);
      }
    };
  }

  @Override
  public boolean beginDelete(String key) {
    return pins.beginDelete(key);
  }

  @Override
  public void endDelete(String key) {
    pins.endDelete(key);
  }

  @Override
  public Duration deleteTtl() {
    return pins.deleteTtl();
  }
}
