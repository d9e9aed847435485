"""Checks what computations made against numpy, ml_dtypes, safetensors and gguf.

Usage: compute.py CHECK SOURCE RESULT [ANSWER]
SOURCE is the safetensors file that was uploaded, RESULT a folder or a file that was pulled, ANSWER
the JSON answer of the computation. Prints "ok ..." or what is wrong and exits with 1.
"""

import json
import os
import sys

import ml_dtypes
import numpy
import safetensors

TYPES = {
    "F32": numpy.float32,
    "F16": numpy.float16,
    "BF16": ml_dtypes.bfloat16,
    "I8": numpy.int8,
    "U8": numpy.uint8,
    "I64": numpy.int64,
}


def load(path):
    """The tensors of all safetensors files of a folder, or of one file; the index has to agree."""
    if not os.path.isdir(path):
        with open(path, "rb") as file:
            return {n: array(e) for n, e in safetensors.deserialize(file.read())}
    tensors = {}
    place = {}
    for name in sorted(os.listdir(path)):
        if name.endswith(".safetensors"):
            with safetensors.safe_open(os.path.join(path, name), framework="np") as file:
                place.update({key: name for key in file.keys()})
            tensors.update(load(os.path.join(path, name)))
    index = os.path.join(path, "model.safetensors.index.json")
    if os.path.exists(index):
        with open(index) as file:
            check(json.load(file)["weight_map"] == place, "the index is wrong")
    else:
        check(set(place.values()) == {"model.safetensors"}, "there is no index")
    return tensors


def array(entry):
    return numpy.frombuffer(bytes(entry["data"]), TYPES[entry["dtype"]]).reshape(entry["shape"])


def check(right, message):
    if not right:
        sys.exit(message)


def same(a, b):
    """Equal bits, but any NaN is as good as another."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    nan = numpy.isnan(a.astype(numpy.float64))
    equal = a.view("u%d" % a.itemsize) == b.view("u%d" % b.itemsize)
    return bool(numpy.all(equal | (nan & numpy.isnan(b.astype(numpy.float64)))))


def floats(source, result, answer):
    to = TYPES[answer["arguments"]["to"]]
    converted = 0
    check(set(source) == set(result), "tensors differ: %s" % (set(source) ^ set(result)))
    for name, x in source.items():
        taken = x.dtype in (numpy.float32, numpy.float16, ml_dtypes.bfloat16) and x.dtype != to
        with numpy.errstate(over="ignore", invalid="ignore"):
            expected = x.astype(to) if taken and x.size else x
        check(same(result[name], expected), name + " has other elements")
        if taken and x.size:
            converted += 1
            metrics(x, expected.astype(numpy.float64), answer["result"]["tensors"][name], name)
    return converted


def metrics(x, y, answer, name):
    x = x.astype(numpy.float64)
    finite = numpy.isfinite(x) & numpy.isfinite(y)
    error = (x - y)[finite]
    rmse = numpy.sqrt(numpy.mean(error * error)) if error.size else 0
    check(numpy.isclose(answer["rmse"], rmse, rtol=1e-9), "%s: rmse %s, not %s" % (
        name, answer["rmse"], rmse))
    most = numpy.max(numpy.abs(error)) if error.size else 0
    check(answer["max"] == most, "%s: max %s, not %s" % (name, answer["max"], most))
    if rmse > 0:
        snr = 10 * numpy.log10(numpy.sum(x[finite] ** 2) / numpy.sum(error * error))
        check(numpy.isclose(answer["snr"], snr), "%s: snr %s, not %s" % (
            name, answer["snr"], snr))


def rows(source, result, answer):
    converted = 0
    for name, x in source.items():
        if x.ndim < 2 or x.size == 0 or x.dtype == numpy.int64:
            check(same(result[name], x), name + " was to be copied")
            continue
        flat = x.astype(numpy.float32).reshape(x.shape[0], -1)
        largest = numpy.max(numpy.abs(flat), axis=1)
        scale = largest / numpy.float32(127)
        with numpy.errstate(divide="ignore"):
            factor = numpy.where(largest == 0, numpy.float32(0), numpy.float32(127) / largest)
        q = numpy.rint(flat * factor[:, None]).astype(numpy.int8).reshape(x.shape)
        check(same(result[name], q), name + " has other elements")
        check(same(result[name + ".scale"], scale.astype(numpy.float32)), name + " other scales")
        back = q.astype(numpy.float32).reshape(flat.shape) * scale[:, None]
        metrics(flat, back.astype(numpy.float64), answer["result"]["tensors"][name], name)
        converted += 1
    return converted


def blocks(source, path, answer):
    import gguf

    kind = gguf.GGMLQuantizationType[answer["arguments"]["to"]]
    tensors = {t.name: t for t in gguf.GGUFReader(path).tensors}
    check(set(tensors) == set(source), "tensors differ: %s" % (set(tensors) ^ set(source)))
    converted = 0
    for name, x in source.items():
        tensor = tensors[name]
        check([int(d) for d in tensor.shape][::-1] == list(x.shape or (1,)), name + " has another shape")
        if x.ndim >= 2 and x.shape[-1] % 32 == 0 and x.size and x.dtype != numpy.int64:
            wide = x.astype(numpy.float32)
            expected = gguf.quants.quantize(wide, kind)
            check(tensor.tensor_type == kind, name + " is " + str(tensor.tensor_type))
            check(
                tensor.data.reshape(-1).tobytes() == expected.reshape(-1).tobytes(),
                name + " has other blocks",
            )
            back = gguf.quants.dequantize(tensor.data, kind).reshape(x.shape)
            metrics(wide, back.astype(numpy.float64), answer["result"]["tensors"][name], name)
            converted += 1
        else:
            check(tensor.data.tobytes() == x.tobytes(), name + " was to be copied")
    return converted


def stats(source, answer):
    for name, x in source.items():
        told = answer["result"]["tensors"][name]
        x = x.astype(numpy.float64).reshape(-1)
        finite = x[numpy.isfinite(x)]
        if finite.size == 0:
            continue
        for q, value in told["quantiles"].items():
            exact = numpy.quantile(finite, float(q), method="inverted_cdf")
            check(abs(value - exact) <= abs(exact) / 64, "%s: quantile %s is %s, not %s" % (
                name, q, value, exact))
        counts = told["histogram"]
        check(sum(c["count"] for c in counts) == finite.size, name + ": histogram")
        for c in counts:
            if c["from"] < 0:
                inside = (finite > c["from"]) & (finite <= c["to"])
            elif c["from"] == c["to"]:
                inside = finite == 0
            else:
                inside = (finite >= c["from"]) & (finite < c["to"])
            if c["from"] != 0 and c["to"] != 0:
                check(numpy.count_nonzero(inside) == c["count"], "%s: bucket %s" % (name, c))
        check(numpy.isclose(told["mean"], finite.mean(), rtol=1e-9, atol=1e-12), name + ": mean")
        check(numpy.isclose(told["std"], finite.std(), rtol=1e-9), name + ": std")
    return len(source)


def compare(source, other, answer):
    told = answer["result"]["tensors"]
    compared = 0
    for name, a in source.items():
        if name not in told:
            continue
        a = a.astype(numpy.float64).reshape(-1)
        b = other[name].astype(numpy.float64).reshape(-1)
        finite = numpy.isfinite(a) & numpy.isfinite(b)
        unequal = ~((a == b) | (numpy.isnan(a) & numpy.isnan(b)))
        check(told[name]["differing"] == numpy.count_nonzero(unequal), name + ": differing")
        check(told[name]["unlike"] == numpy.count_nonzero(unequal & ~finite), name + ": unlike")
        a, b = a[finite], b[finite]
        most = numpy.max(numpy.abs(a - b)) if a.size else 0
        check(told[name]["maxAbs"] == most, name + ": maxAbs")
        compared += 1
        if numpy.linalg.norm(a) == 0:
            check(told[name]["relative"] == 0 and told[name]["cosine"] is None, name + ": zeros")
            continue
        relative = numpy.linalg.norm(a - b) / numpy.linalg.norm(a)
        check(numpy.isclose(told[name]["relative"], relative), name + ": relative")
        cosine = a @ b / (numpy.linalg.norm(a) * numpy.linalg.norm(b))
        check(numpy.isclose(told[name]["cosine"], cosine, rtol=1e-12), name + ": cosine")
    return compared


def main(kind, source, result, answer):
    with open(answer) as file:
        answer = json.load(file)
    source = load(source)
    if kind == "floats":
        done = floats(source, load(result), answer)
    elif kind == "rows":
        done = rows(source, load(result), answer)
    elif kind == "blocks":
        done = blocks(source, result, answer)
    elif kind == "stats":
        done = stats(source, answer)
    else:
        done = compare(source, load(result), answer)
    print("ok %s %d tensors" % (kind, done))


main(*sys.argv[1:])
