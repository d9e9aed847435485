/** Benchmarks: those of JMH, and the clients of others that {@code sluice bench} compares with. */
package io.sluice.bench;
