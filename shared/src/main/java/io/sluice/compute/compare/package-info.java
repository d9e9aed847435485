/** How far the tensors of two versions lie apart. */
package io.sluice.compute.compare;
