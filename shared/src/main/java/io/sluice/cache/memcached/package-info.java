/** Hot chunks on Memcached servers. */
package io.sluice.cache.memcached;
