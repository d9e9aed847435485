/**
 * Which shards, and what of them, a request wants, and which workers hold or take them: what load
 * and compute share.
 */
package io.sluice.placement;
