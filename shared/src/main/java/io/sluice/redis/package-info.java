/**
 * One small blocking client of Redis, shared by every adapter that talks to it. It knows nothing of
 * what is stored.
 */
package io.sluice.redis;
