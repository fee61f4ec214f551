"""Memory of a service's workers, after a job, with one worker and with several.

    PYTHONPATH=.deps/test-python:tools/harness tests/system/measure_memory.py MODEL [--workers 1 3]

MODEL is a checkpoint, or a manifest of one (tests/models/manifests/sd15.json.gz), of which a file
in half precision is made up: its numbers are random, its sizes are the published model's. Prints,
for each number of workers, the sum of their proportional set sizes (/proc/PID/smaps): all of it, and
that of weights, mapped from the file or converted.
"""
import argparse
import gzip
import json
import struct
import tempfile
from pathlib import Path

import numpy as np
from service import Service

from host_client import Client

GIB = 1 << 30


def make_up(manifest, path):
    """Writes the manifest's tensors in fp16, random and small, so that a forward pass is finite."""
    tensors = json.loads(gzip.open(manifest).read())["tensors"]
    block = (np.random.default_rng(0).standard_normal(1 << 20) * 0.02).astype("<f2").tobytes()
    header, offset = {}, 0
    for name, (_, shape) in tensors.items():
        count = int(np.prod(shape, dtype=np.int64))
        header[name] = {"dtype": "F16", "shape": shape,
                        "data_offsets": [offset, offset + 2 * count]}
        offset += 2 * count
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 64 + 56)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for entry in header.values():
            begin, end = entry["data_offsets"]
            whole, rest = divmod(end - begin, len(block))
            for _ in range(whole):
                file.write(block)
            file.write(block[:rest])


def job_for(model):
    """Two conds in each step and a picture: every part is used, the network by two workers."""
    return {"version": 1, "model": {"file": str(model), "device": "cpu"},
            "positive": [{"text": "a"}, {"text": "b"}], "negative": [{"text": "c"}],
            "latent": {"width": 64, "height": 64}, "sampler": {"steps": 2},
            "workers": {"batching": "exact"}, "output": {"latent": True, "image": True}}


def figures(pid, model):
    """(proportional bytes of the process, of its weights)"""
    total, weights, is_weights = 0, 0, False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        name, *rest = line.split(maxsplit=5)
        if not name.endswith(":"):  # a mapping begins
            is_weights = bool(rest[4:]) and ("memfd:tandem-weights" in rest[4] or
                                             rest[4] == str(model))
        elif name == "Pss:":
            total += int(rest[0]) * 1024
            weights += int(rest[0]) * 1024 * is_weights
    return total, weights


def measure(model, workers):
    """(proportional bytes of all workers, of their weights) after two jobs."""
    with Service(f"cpu:{workers}", threads=1) as service:
        client = Client(service.socket, timeout=600)
        for _ in range(2):
            client.run(job_for(model))
        found = [figures(pid, model) for pid in service.pids_of("tandem-worker")]
        client.close()
    return [sum(column) for column in zip(*found)]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("model", type=Path)
    arguments.add_argument("--workers", type=int, nargs="+", default=[1, 3])
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="tandem-measure-") as folder:
        model = options.model.resolve()
        if model.name.endswith(".json.gz"):
            model = Path(folder) / "made_up.safetensors"
            make_up(options.model, model)
        print(f"{model.name}: {model.stat().st_size / GIB:.3f} GiB on disk")
        for workers in options.workers:
            total, weights = measure(model, workers)
            print(f"{workers} workers: PSS {total / GIB:.3f} GiB, of it weights "
                  f"{weights / GIB:.3f} GiB", flush=True)


if __name__ == "__main__":
    main()
