/** Events that were received, in Redis. */
package io.sluice.event.redis;
