/**
 * What benchmarks of transfers are made of: generated data, the ceiling that raw sockets reach,
 * what a process used, and how it is summed up.
 */
package io.sluice.measure;
