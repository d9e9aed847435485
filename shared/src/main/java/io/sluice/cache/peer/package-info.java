/** Other workers as a cache: whoever holds a shard gives it to who asks. */
package io.sluice.cache.peer;
