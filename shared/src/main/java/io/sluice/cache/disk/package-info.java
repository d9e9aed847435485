/** Chunks in a local folder that several processes may share. */
package io.sluice.cache.disk;
