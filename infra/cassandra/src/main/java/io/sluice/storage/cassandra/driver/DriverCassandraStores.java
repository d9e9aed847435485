package io.sluice.storage.cassandra.driver;

import io.sluice.storage.RetryPolicy;
import io.sluice.storage.ShardStore;
import io.sluice.storage.cassandra.CassandraSettings;
import io.sluice.storage.cassandra.CassandraStores;

/** Found by its name in {@code META-INF/services}. */
public final class DriverCassandraStores implements CassandraStores {
  @Override
  public ShardStore open(CassandraSettings settings, RetryPolicy retry) {
    return new CassandraShardStore(settings, retry);
  }
}
