/** Turns the JSON of {@code sluice bench} into the tables and the chart of the documentation. */
package io.sluice.bench.report;
