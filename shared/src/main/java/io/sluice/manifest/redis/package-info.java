/** The index of models in Redis. */
package io.sluice.manifest.redis;
