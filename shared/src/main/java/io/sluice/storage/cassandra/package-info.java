/** How to reach shards in Cassandra; the store itself is a module that not every build has. */
package io.sluice.storage.cassandra;
