/** The pins of jobs for the manifests, which know no jobs. */
package io.sluice.pins;
