"""Checks answers of matmul and topk against numpy.

Usage: products.py CASE...
A case is a JSON document: {"kind": "matmul", "weight": FILE, "shape": [..], "x": FILE, "n": n,
"bias": FILE or null, "y": [[..]]} or {"kind": "topk", "metric": .., "weight": .., "x": .., "queries":
[{"rows": .., "scores": ..}]}, or {"kind": "stored", .., "file": safetensors with the tensor y}. FILEs hold
little-endian F32. Prints "ok <cases>", or what is wrong and exits with 1.
"""

import json
import sys

import numpy
import safetensors.numpy


def floats(path, *shape):
    return numpy.fromfile(path, dtype="<f4").reshape(shape)


def product(case, w, x):
    y = x.astype(numpy.float64) @ w.astype(numpy.float64).T
    if case.get("bias"):
        y = y + floats(case["bias"], -1)
    return y


def check_product(case, w, x, y):
    expected = product(case, w, x)
    bound = 1e-6 * (numpy.abs(x) @ numpy.abs(w).T + 1)
    if y.shape != expected.shape:
        sys.exit("shape %s, expected %s" % (y.shape, expected.shape))
    error = numpy.abs(y - expected)
    if not (error <= bound).all():
        sys.exit("y differs from numpy by %g" % error.max())


def scores(metric, w, x):
    w, x = w.astype(numpy.float64), x.astype(numpy.float64)
    if metric == "dot":
        return x @ w.T
    if metric == "l2":
        return -numpy.sqrt(((x[:, None, :] - w[None, :, :]) ** 2).sum(axis=2))
    norms = numpy.linalg.norm(x, axis=1)[:, None] * numpy.linalg.norm(w, axis=1)[None, :]
    return x @ w.T / norms


def check_search(case, w, x):
    expected = scores(case["metric"], w, x)
    order = numpy.argsort(-expected, axis=1, kind="stable")
    for i, query in enumerate(case["queries"]):
        k = len(query["rows"])
        best = order[i, :k]
        got = numpy.array(query["scores"]) * (-1 if case["metric"] == "l2" else 1)
        if not numpy.allclose(got, expected[i, best], rtol=1e-5, atol=1e-6):
            sys.exit("query %d by %s: scores %s, expected %s" % (i, case["metric"], got, expected[i, best]))
        if not numpy.allclose(got, expected[i, query["rows"]], rtol=1e-5, atol=1e-6):
            sys.exit("query %d by %s: rows %s, expected %s" % (i, case["metric"], query["rows"], best))
        if len(set(query["rows"])) != k:
            sys.exit("query %d has a row twice" % i)


def main(paths):
    for path in paths:
        with open(path) as file:
            case = json.load(file)
        w = floats(case["weight"], *case["shape"])
        x = floats(case["x"], case["n"], case["shape"][1])
        if case["kind"] == "matmul":
            check_product(case, w, x, numpy.array(case["y"]))
        elif case["kind"] == "stored":
            tensors = safetensors.numpy.load_file(case["file"])
            if set(tensors) != {"y"} or tensors["y"].dtype != numpy.float32:
                sys.exit("the stored answer holds %s" % tensors.keys())
            check_product(case, w, x, tensors["y"])
        else:
            check_search(case, w, x)
    print("ok %d" % len(paths))


main(sys.argv[1:])
