/**
 * Where chunks of shards may be found before the store is asked. A cache is content-addressed, may
 * forget at any time, is never believed without its CRC32C, and never fails a load.
 */
package io.sluice.cache;
