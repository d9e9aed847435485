/** Blocking connections for caches that are servers: bytes come straight into their memory. */
package io.sluice.cache.net;
