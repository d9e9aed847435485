/** Starts the embedded S3 and Redis in dev and test mode and configures their clients. */
package io.sluice.devservices.deployment;
