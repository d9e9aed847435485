/** Shards in a GlusterFS volume, through its client library. */
package io.sluice.storage.gluster;
