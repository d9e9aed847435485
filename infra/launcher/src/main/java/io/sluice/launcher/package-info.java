/**
 * Forks the embedded S3 and Redis ({@code sluice-embedded}) and tells where they are. JDK only, and
 * without reflection, so that it works in a native image too.
 */
package io.sluice.launcher;
