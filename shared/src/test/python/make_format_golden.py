"""Makes the golden files of the format tests with the formats' own Python libraries.

Run it with a Python that has safetensors, gguf, onnx, numpy and ml_dtypes:

    python make_format_golden.py ../resources/format

Beside every file it writes what the library reads back from it (name, dtype, shape and
SHA-256 of each tensor) to <file>.json, which the Java tests compare with their own reading.
Last made with safetensors 0.8.0, gguf 0.19.0, onnx 1.23.1, numpy 2.4.6 and ml_dtypes 0.6.0.
"""

import ctypes
import hashlib
import json
import pathlib
import sys

import gguf
import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import load_external_data_for_model
from safetensors import TensorSpec, deserialize, serialize

RNG = np.random.default_rng(20260101)


def describe(name, dtype, shape, data):
    return {
        "name": name,
        "dtype": dtype,
        "shape": [int(d) for d in shape],
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def expect(path, tensors):
    lines = ",\n".join("  " + json.dumps(t) for t in sorted(tensors, key=lambda t: t["name"]))
    path.with_name(path.name + ".json").write_text("[\n" + lines + "\n]\n")


SAFETENSORS_TYPES = {
    "bool": 8, "uint8": 8, "int8": 8, "uint16": 16, "int16": 16, "uint32": 32, "int32": 32,
    "uint64": 64, "int64": 64, "float16": 16, "bfloat16": 16, "float32": 32, "float64": 64,
    "complex64": 64, "float8_e4m3fn": 8, "float8_e5m2": 8, "float8_e8m0fnu": 8,
    "float8_e4m3fnuz": 8, "float8_e5m2fnuz": 8, "float4_e2m1fn_x2": 8,
}


def safetensors_file(path, tensors, metadata=None):
    specs, keep = {}, []
    for name, (dtype, shape) in tensors.items():
        size = int(np.prod(shape, dtype=np.int64)) * SAFETENSORS_TYPES[dtype] // 8
        buffer = ctypes.create_string_buffer(RNG.bytes(size), max(size, 1))
        keep.append(buffer)
        specs[name] = TensorSpec(
            dtype=dtype, shape=list(shape), data_ptr=ctypes.addressof(buffer), data_len=size)
    path.write_bytes(serialize(specs, metadata))
    expect(path, [describe(n, t["dtype"], t["shape"], bytes(t["data"]))
                  for n, t in deserialize(path.read_bytes())])


def make_safetensors(out):
    tensors = {f"type.{t}": (t, (3, 2)) for t in SAFETENSORS_TYPES}
    tensors["scalar"] = ("float32", ())
    tensors["empty"] = ("float32", (4, 0, 2))
    tensors["model.layers.12.mlp.up_proj.weight"] = ("bfloat16", (5, 7))
    tensors["größe/重み \"quoted\" \\ 😀"] = ("int8", (3,))
    safetensors_file(out / "types.safetensors", tensors, {"format": "pt", "note": "a\nb \"c\" é"})
    safetensors_file(out / "empty.safetensors", {})
    # Written by SafetensorsHeader in Java, see SafetensorsHeaderTest: only read here.
    ours = out / "sluice.safetensors"
    expect(ours, [describe(n, t["dtype"], t["shape"], bytes(t["data"]))
                  for n, t in deserialize(ours.read_bytes())])


def make_gguf(out):
    path = out / "types.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_uint8("t.u8", 200)
    writer.add_int8("t.i8", -5)
    writer.add_uint16("t.u16", 60000)
    writer.add_int16("t.i16", -6)
    writer.add_uint32("t.u32", 7)
    writer.add_int32("t.i32", -7)
    writer.add_uint64("t.u64", 2**63 + 1)
    writer.add_int64("t.i64", -8)
    writer.add_float32("t.f32", 1.5)
    writer.add_float64("t.f64", 2.5)
    writer.add_bool("t.bool", True)
    writer.add_string("t.string", "schön")
    writer.add_array("tokenizer.ggml.tokens", ["<s>", "</s>", "ä", ""])
    writer.add_array("tokenizer.ggml.scores", [0.5, -1.0, 2.0, 0.0])
    writer.add_array("tokenizer.ggml.token_type", [1, 2, 3, 4])
    writer.add_array("t.bools", [True, False])
    for i, (name, dtype) in enumerate([
            ("F32", np.float32), ("F16", np.float16), ("I8", np.int8), ("I16", np.int16),
            ("I32", np.int32), ("I64", np.int64), ("F64", np.float64)]):
        data = np.frombuffer(RNG.bytes(3 * 5 * np.dtype(dtype).itemsize), dtype).reshape(3, 5)
        writer.add_tensor(f"blk.{i}.{name}", data)
    # The library's Q8_1 block has 40 bytes, ggml's has 36; no file has tensors of that type.
    for kind, (elements, size) in gguf.GGML_QUANT_SIZES.items():
        if elements > 1 and kind.name != "Q8_1" or kind.name == "BF16":
            width = elements if elements > 1 else 6
            data = np.frombuffer(RNG.bytes(2 * size * width // elements), np.uint8)
            writer.add_tensor(f"q.{kind.name}", data.reshape(2, -1), raw_dtype=kind)
    writer.add_tensor("cube", RNG.standard_normal((2, 3, 4, 5), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    reader = gguf.GGUFReader(path)
    expect(path, [describe(t.name, t.tensor_type.name, list(reversed(t.shape.tolist())),
                           t.data.tobytes()) for t in reader.tensors])


ONNX_TYPES = {
    "FLOAT": "F32", "UINT8": "U8", "INT8": "I8", "UINT16": "U16", "INT16": "I16", "INT32": "I32",
    "INT64": "I64", "BOOL": "BOOL", "FLOAT16": "F16", "DOUBLE": "F64", "UINT32": "U32",
    "UINT64": "U64", "COMPLEX64": "C64", "BFLOAT16": "BF16", "FLOAT8E4M3FN": "F8_E4M3",
    "FLOAT8E4M3FNUZ": "F8_E4M3FNUZ", "FLOAT8E5M2": "F8_E5M2", "FLOAT8E5M2FNUZ": "F8_E5M2FNUZ",
    "FLOAT4E2M1": "F4", "FLOAT8E8M0": "F8_E8M0",
}


def raw_tensor(name, kind, shape):
    data_type = TensorProto.DataType.Value(kind)
    elements = int(np.prod(shape, dtype=np.int64))
    width = {"FLOAT4E2M1": 4, "UINT4": 4, "INT4": 4, "UINT2": 2, "COMPLEX128": 128}.get(kind)
    width = width or helper.tensor_dtype_to_np_dtype(data_type).itemsize * 8
    return helper.make_tensor(name, data_type, shape, RNG.bytes(-(-elements * width // 8)), raw=True)


def onnx_model(initializers, nodes):
    graph = helper.make_graph(
        nodes, "golden",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])],
        initializers)
    graph.sparse_initializer.append(helper.make_sparse_tensor(
        helper.make_tensor("sparse", TensorProto.FLOAT, [2], [1.0, 2.0]),
        helper.make_tensor("sparse_at", TensorProto.INT64, [2], [1, 3]), [8]))
    return helper.make_model(graph, producer_name="make_format_golden")


def layered(name, x, y, weight):
    return helper.make_node("MatMul", [x, weight], [y], name=name)


def make_onnx(out):
    tensors = [raw_tensor(f"raw.{kind}", kind, (2, 4)) for kind in ONNX_TYPES]
    tensors += [
        helper.make_tensor("float_data", TensorProto.FLOAT, (3,), [1.0, 2.0, 3.0]),
        helper.make_tensor("complex_data", TensorProto.COMPLEX64, (2,), [1 + 2j, 3 + 4j]),
        helper.make_tensor("double_data", TensorProto.DOUBLE, (2, 1), [1.0, 2.0]),
        raw_tensor("scalar", "FLOAT", ()),
        raw_tensor("empty", "FLOAT", (0, 3)),
        raw_tensor("onnx::MatMul_1", "FLOAT", (4, 4)),
        raw_tensor("onnx::MatMul_2", "FLOAT", (4, 4)),
        raw_tensor("onnx::MatMul_3", "FLOAT", (4, 4)),
        raw_tensor("encoder.layer.7.bias", "FLOAT", (4,)),
    ]
    skeleton = [
        helper.make_tensor("int64_data", TensorProto.INT64, (3,), [1, -2, 3]),
        helper.make_tensor("int32_data", TensorProto.INT32, (2,), [1, -2]),
        helper.make_tensor("half_in_int32_data", TensorProto.FLOAT16, (2,), [1.0, 2.0]),
        helper.make_tensor("uint64_data", TensorProto.UINT64, (2,), [1, 2]),
        helper.make_tensor("strings", TensorProto.STRING, (2,), ["a", "b"]),
        raw_tensor("raw.UINT4", "UINT4", (2, 4)),
        raw_tensor("raw.INT4", "INT4", (2, 4)),
        raw_tensor("raw.UINT2", "UINT2", (2, 4)),
        raw_tensor("raw.COMPLEX128", "COMPLEX128", (2,)),
        raw_tensor("odd.FLOAT4E2M1", "FLOAT4E2M1", (3,)),
    ]
    nodes = [
        layered("/encoder/layer.0/attention/query/MatMul", "x", "a", "onnx::MatMul_1"),
        # Without a name, the output says where the node is.
        layered("", "a", "/encoder/layer.1/MatMul_output_0", "onnx::MatMul_2"),
        layered("/encoder/layer.2/MatMul", "/encoder/layer.1/MatMul_output_0", "b",
                "onnx::MatMul_3"),
        layered("/encoder/layer.3/MatMul", "b", "y", "onnx::MatMul_3"),
        layered("/encoder/layer.4/Add", "b", "z", "encoder.layer.7.bias"),
        helper.make_node("Constant", [], ["c"], name="/layer.5/Constant",
                         value=raw_tensor("value", "FLOAT", (4,))),
    ]
    path = out / "types.onnx"
    onnx.save_model(onnx_model(tensors + skeleton, nodes), path)
    read = {t.name: t for t in onnx.load(path).graph.initializer}
    expect(path, [describe(t.name, ONNX_TYPES[TensorProto.DataType.Name(t.data_type)], t.dims,
                           onnx_bytes(read[t.name])) for t in tensors])

    path = out / "external" / "model.onnx"
    path.parent.mkdir(exist_ok=True)
    tensors = [raw_tensor("decoder.layers.0.w", "FLOAT", (5, 3)),
               raw_tensor("onnx::MatMul_9", "FLOAT16", (4, 4)),
               raw_tensor("lm_head", "BFLOAT16", (6,)),
               raw_tensor("packed", "INT4", (8,))]
    nodes = [layered("/model/layers.1/MatMul", "x", "y", "onnx::MatMul_9")]
    data = path.with_name("model.onnx_data")
    data.unlink(missing_ok=True)
    onnx.save_model(onnx_model(tensors, nodes), path, save_as_external_data=True,
                    location=data.name, size_threshold=0)
    model = onnx.load(path, load_external_data=False)
    load_external_data_for_model(model, str(path.parent))
    read = {t.name: t for t in model.graph.initializer}
    expect(data, [describe(t.name, ONNX_TYPES[TensorProto.DataType.Name(t.data_type)], t.dims,
                           onnx_bytes(read[t.name])) for t in tensors if t.name != "packed"])


def onnx_bytes(tensor):
    if tensor.HasField("raw_data"):
        return tensor.raw_data
    return numpy_helper.to_array(tensor).tobytes()


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    make_safetensors(target)
    make_gguf(target)
    make_onnx(target)
