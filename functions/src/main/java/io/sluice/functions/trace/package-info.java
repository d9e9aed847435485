/** Traces that span callers, the worker that is asked, and those that do the tasks (OTLP). */
package io.sluice.functions.trace;
