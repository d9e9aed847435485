/** The manifests of Kubernetes and Knative, checked without a cluster. */
package io.sluice.acceptance.kubernetes;
