package io.sluice.format;

/** How a source file is read. The names are part of the manifest. */
public enum FileFormat {
  SAFETENSORS,
  GGUF,
  ONNX,
  /** External data of an ONNX file: tensors only, described by that file. */
  ONNX_DATA,
  /** Anything else: bytes without meaning to Sluice. */
  OPAQUE
}
