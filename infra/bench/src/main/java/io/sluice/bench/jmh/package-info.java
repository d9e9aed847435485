/**
 * JMH benchmarks. Those of what is package-private in the library lie in packages of its name.
 *
 * <p>Each class has its own {@code @Fork}, which names the options of the JVM that its code needs.
 */
package io.sluice.bench.jmh;
