/** Clients of others, measured by {@code sluice bench} beside the product. */
package io.sluice.bench.peer;
