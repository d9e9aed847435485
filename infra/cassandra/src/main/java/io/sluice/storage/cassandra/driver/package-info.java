/** Shards as rows of Cassandra, through the Java driver of Apache Cassandra. */
package io.sluice.storage.cassandra.driver;
