"""Measures the kernels of stats and convert beside numpy and prints a table.

Usage: python3 infra/bench/kernels.py [--jar sluice-bench.jar] [--threads 1,2] [--only REGEX]
                                      [--dtypes F32,F16] [--to I8,F16]

The jar is made by: ./mvnw -q -DskipTests -pl infra/bench -am package
Needs numpy. All figures are GB/s of the tensors that are read: 8 MiB each, out of 512 MiB.
"""

import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import tempfile
import time

TENSOR = 8 << 20
TENSORS = 64
JAR = "infra/bench/target/sluice-bench/sluice-bench.jar"
BENCHMARKS = "StatsBenchmark.(read|vectors)|ConvertBenchmark.vectors"


def jmh(jar, threads, only, dtypes, to):
    java = os.path.join(os.environ["JAVA_HOME"], "bin", "java") if "JAVA_HOME" in os.environ else "java"
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "jmh.json")
        subprocess.run(
            [java, "-jar", jar, "jmh", only, "-t", str(threads),
             "-p", "dtype=" + dtypes, "-p", "to=" + to, "-rf", "json", "-rff", out],
            check=True, stdout=subprocess.DEVNULL)
        with open(out) as file:
            results = json.load(file)
    speeds = {}
    for result in results:
        name = ".".join(result["benchmark"].split(".")[-2:])
        parameters = result.get("params", {})
        micros = result["primaryMetric"]["score"]
        speeds[name, parameters.get("dtype", parameters.get("to"))] = (
            threads * TENSOR / micros / 1e3)
    return speeds


def numpy_speeds(threads):
    import numpy

    random = numpy.random.default_rng(1)
    data = numpy.empty((TENSORS, 2048, 1024), numpy.float32)
    data[:] = random.standard_normal((2048, 1024), numpy.float32) * numpy.float32(0.02)

    def stats(x):
        x = x.reshape(-1)
        return x.min(), x.max(), x.mean(), x.std(), numpy.linalg.norm(x), numpy.count_nonzero(x)

    def rows(x):
        largest = numpy.abs(x).max(axis=1)
        factor = numpy.float32(127) / largest
        return numpy.rint(x * factor[:, None]).astype(numpy.int8), largest / numpy.float32(127)

    work = {
        ("StatsBenchmark.read", "F32"): lambda x: x.sum(),
        ("StatsBenchmark.vectors", "F32"): stats,
        ("ConvertBenchmark.vectors", "I8"): rows,
        ("ConvertBenchmark.vectors", "F16"): lambda x: x.astype(numpy.float16),
    }
    speeds = {}
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        for key, one in work.items():
            best = None
            for _ in range(4):
                start = time.perf_counter()
                list(pool.map(one, data))
                took = time.perf_counter() - start
                best = took if best is None else min(best, took)
            speeds[key] = TENSOR * TENSORS / best / 1e9
    return speeds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jar", default=JAR)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--only", default=BENCHMARKS)
    parser.add_argument("--dtypes", default="F32,F16,F64,I64", help="what stats reads")
    parser.add_argument("--to", default="I8,F16", help="what F32 is converted to")
    arguments = parser.parse_args()
    counts = [int(t) for t in arguments.threads.split(",")]
    ours = {t: jmh(arguments.jar, t, arguments.only, arguments.dtypes, arguments.to) for t in counts}
    theirs = {t: numpy_speeds(t) for t in counts}
    keys = sorted(set().union(*ours.values()), key=str)
    print("| Kernel | Type |" + "".join(" Sluice ×%d | numpy ×%d |" % (t, t) for t in counts))
    print("|---|---|" + "---:|---:|" * len(counts))
    for key in keys:
        name = re.sub("Benchmark", "", key[0]).lower().replace(".vectors", "").replace("stats.read", "read")
        cells = ""
        for t in counts:
            other = theirs[t].get(key)
            cells += " %.1f | %s |" % (ours[t][key], "%.1f" % other if other else "")
        print("| %s | %s |%s" % (name, key[1], cells))


main()
