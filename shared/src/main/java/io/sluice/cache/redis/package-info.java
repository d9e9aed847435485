/** Hot chunks in a Redis of their own. */
package io.sluice.cache.redis;
