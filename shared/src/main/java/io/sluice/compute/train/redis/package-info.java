/** What the rounds of a training leave for each other, in Redis. */
package io.sluice.compute.train.redis;
