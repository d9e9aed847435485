/** The Quarkus application around the Sluice library. */
package io.sluice.functions;
