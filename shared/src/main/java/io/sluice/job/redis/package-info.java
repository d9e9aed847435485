/** Jobs, workers, signals and pins in Redis 6.2 or later. Everything atomic is a Lua script. */
package io.sluice.job.redis;
