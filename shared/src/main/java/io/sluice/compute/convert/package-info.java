/** Tensors of other types: floats of other widths and quantized ones. */
package io.sluice.compute.convert;
