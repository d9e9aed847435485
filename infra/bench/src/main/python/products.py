"""What numpy takes for the products of ProductBenchmark and NearestBenchmark, in milliseconds, best of several.

Usage: OPENBLAS_NUM_THREADS=2 python3 products.py [million]
"""

import sys
import time

import numpy


def best(what, function, times):
    elapsed = []
    for _ in range(times):
        begin = time.perf_counter()
        function()
        elapsed.append(time.perf_counter() - begin)
    print("%-24s %8.2f ms" % (what, 1000 * min(elapsed)), flush=True)
    return min(elapsed)


def products():
    random = numpy.random.default_rng(1)
    w = random.random((4096, 4096), dtype=numpy.float32)
    for n in (1, 16, 512):
        x = random.random((n, 4096), dtype=numpy.float32)
        product = (lambda: w @ x[0]) if n == 1 else (lambda: x @ w.T)
        seconds = best("product, n = %d" % n, product, 40 if n == 1 else 8)
        print("%-24s %8.1f GB/s, %.1f GFLOP/s" % ("", w.nbytes / seconds / 1e9, 2 * n * w.size / seconds / 1e9))


def nearest(n, metric, w, norms, queries):
    x = queries[:n]
    scores = w @ x.T if n > 1 else (w @ x[0])[:, None]
    if metric == "cosine":
        scores = scores / norms[:, None]
    elif metric == "l2":
        scores = 2 * scores - (norms * norms)[:, None]
    for query in range(n):
        column = scores[:, query]
        top = numpy.argpartition(-column, 10)[:10]
        top[numpy.argsort(-column[top], kind="stable")]


def million():
    random = numpy.random.default_rng(1)
    w = random.random((1_000_000, 384), dtype=numpy.float32)
    w -= 0.5
    norms = numpy.sqrt(numpy.einsum("ij,ij->i", w, w))
    best("norms of a million rows", lambda: numpy.sqrt(numpy.einsum("ij,ij->i", w, w)), 3)
    queries = random.random((32, 384), dtype=numpy.float32) - 0.5
    for n in (1, 32):
        for metric in ("cosine", "dot", "l2"):
            # The norms are given: numpy's pass over the matrix for them comes on top.
            best("%s, n = %d" % (metric, n), lambda: nearest(n, metric, w, norms, queries), 3)


million() if sys.argv[1:] == ["million"] else products()
