package io.sluice.functions.wiring;

import io.sluice.copy.ModelStores;
import io.sluice.functions.audit.AuditLog;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.functions.config.SluiceConfig.StoreKind;
import io.sluice.manifest.ManifestRepository;
import io.sluice.manifest.ObjectPins;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import io.sluice.redis.RedisClient;
import io.sluice.storage.ShardStore;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.stream.Collectors;

/** The configured stores with their models; each is opened when a copy first names it. */
@Singleton
public class ConfiguredModelStores implements ModelStores {
  @Inject SluiceConfig config;
  @Inject StoreFactory stores;
  @Inject ManifestRepository main;
  @Inject ObjectPins pins;
  @Inject RedisClient redis;
  @Inject AuditLog audit;

  private final Map<StoreKind, ModelStore> open = new EnumMap<>(StoreKind.class);

  @Override
  public synchronized ModelStore open(String name) {
    return open.computeIfAbsent(kind(name), this::make);
  }

  private ModelStore make(StoreKind kind) {
    ShardStore store = stores.open(kind);
    ManifestRepository manifests =
        kind == config.store()
            ? main
            : ManifestWiring.manifests(
                store, ManifestWiring.index(redis, config.redis().prefix(), kind), pins, audit);
    return new ModelStore(store, manifests);
  }

  private static StoreKind kind(String name) {
    return Arrays.stream(StoreKind.values())
        .filter(kind -> kind.text().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new SluiceException(
                    ErrorKind.INVALID,
                    "store-unknown",
                    "there is no store '"
                        + name
                        + "', there are "
                        + Arrays.stream(StoreKind.values())
                            .map(StoreKind::text)
                            .collect(Collectors.joining(", "))));
  }
}
