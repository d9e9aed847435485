/** What the adapters of stores that are reached by plain HTTP requests have in common. */
package io.sluice.storage.rest;
