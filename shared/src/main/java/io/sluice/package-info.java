/** Sluice: functions that store, load and compute on large AI models. */
package io.sluice;
