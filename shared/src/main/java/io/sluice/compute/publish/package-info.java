/** How a computation stores tensors and publishes them as a version of a model. */
package io.sluice.compute.publish;
