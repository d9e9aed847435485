package io.sluice.storage.cassandra;

import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import io.sluice.storage.RetryPolicy;
import io.sluice.storage.ShardStore;
import java.util.ServiceLoader;

/**
 * Makes stores in Cassandra. The driver that this takes is 8 MB of jars and much configuration by
 * reflection, which builds without Cassandra leave out; so the implementation is found by {@link
 * ServiceLoader}, if it is there.
 */
public interface CassandraStores {
  /**
   * Makes a store; it connects when it is first used.
   *
   * @param settings where and how
   * @param retry for the rows of an object; all else is not repeated
   */
  ShardStore open(CassandraSettings settings, RetryPolicy retry);

  /**
   * What this build has.
   *
   * @throws SluiceException FATAL if it was built without Cassandra
   */
  static CassandraStores find() {
    return ServiceLoader.load(CassandraStores.class, CassandraStores.class.getClassLoader())
        .findFirst()
        .orElseThrow(
            () ->
                new SluiceException(
                    ErrorKind.FATAL,
                    "cassandra-not-built",
                    "this build has no Cassandra: it was made with -DskipCassandra"));
  }
}
