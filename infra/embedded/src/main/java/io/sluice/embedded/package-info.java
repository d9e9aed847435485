/**
 * An S3 that checks signatures and a real Redis on loopback, without containers: in this JVM
 * ({@link io.sluice.embedded.EmbeddedStack}) or as a program ({@link
 * io.sluice.embedded.EmbeddedMain}). For development, tests and demonstrations; not for production.
 */
package io.sluice.embedded;
