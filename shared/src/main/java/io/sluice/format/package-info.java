/**
 * Reads the source files of a model: safetensors, GGUF, ONNX and anything else as opaque bytes.
 *
 * <p>Nothing here believes a file. A length or a count from a file is compared with the bytes that
 * are there before memory is taken for it, headers are read through small windows, and tensor data
 * is never read. Whatever a file holds, a reader returns a checked {@link
 * io.sluice.format.FileLayout} or throws a {@link io.sluice.format.FormatException}.
 */
package io.sluice.format;
