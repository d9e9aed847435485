"""Opens shard objects with the reference implementation of safetensors and puts the tensors of a
source file together from them.

Usage: shards.py SOURCE SHARD...
Prints "ok <tensors> tensors of <shards> shards", or what is wrong and exits with 1.
"""

import sys

import numpy
import safetensors
import safetensors.numpy

# numpy has no type for these: only their bytes are compared.
RAW = {"BF16", "F8_E4M3", "F8_E5M2", "F8_E8M0"}


def raw(path):
    with open(path, "rb") as file:
        return dict(safetensors.deserialize(file.read()))


def metadata(path):
    with safetensors.safe_open(path, framework="np") as file:
        return file.metadata() or {}


def main(source, shards):
    pieces = {}
    for shard in shards:
        rows = metadata(shard)
        for name, entry in raw(shard).items():
            first = int(rows.get("sluice.rows." + name, "0:").split(":")[0])
            array = None
            if entry["dtype"] not in RAW:
                with safetensors.safe_open(shard, framework="np") as file:
                    array = file.get_tensor(name)
            pieces.setdefault(name, []).append((first, entry, array))
    expected = {n: e for n, e in raw(source).items() if len(e["data"]) > 0}
    if set(expected) != set(pieces):
        sys.exit("tensors differ: " + str(set(expected) ^ set(pieces)))
    for name, entry in expected.items():
        parts = sorted(pieces[name], key=lambda part: part[0])
        if any(part[1]["dtype"] != entry["dtype"] for part in parts):
            sys.exit(name + " has another dtype")
        if b"".join(bytes(part[1]["data"]) for part in parts) != bytes(entry["data"]):
            sys.exit(name + " has other bytes")
        if entry["dtype"] in RAW:
            continue
        with safetensors.safe_open(source, framework="np") as file:
            whole = file.get_tensor(name)
        arrays = [part[2] for part in parts]
        joined = arrays[0] if len(arrays) == 1 else numpy.concatenate(arrays, axis=0)
        if joined.dtype != whole.dtype or joined.shape != whole.shape:
            sys.exit("%s is %s %s, was %s %s" % (
                name, joined.dtype, joined.shape, whole.dtype, whole.shape))
        if joined.tobytes() != whole.tobytes():
            sys.exit(name + " has other elements")
    print("ok %d tensors of %d shards" % (len(expected), len(shards)))


main(sys.argv[1], sys.argv[2:])
