"""A checkpoint of a published model's full size, with random weights that no type overflows with.

    tools/gpu/full_checkpoint.py MANIFEST.json.gz FILE [--seed N]

The weights are fp16. Matrices are normal, their deviation 1 / sqrt(inputs), less for those that end a
branch beside a skip, so that values stay near 1 however deep the network is; norms are the identity.
"""
import argparse
import gzip
import json
import math
import struct
from pathlib import Path

import numpy as np

POOL = 1 << 22  # numbers; every tensor is cut from them, which is faster than to draw them all
BRANCH_ENDS = ("out_layers.3.weight", "to_out.0.weight", "ff.net.2.weight", "proj_out.weight",
               "conv2.weight", "out_proj.weight", "fc2.weight")
BRANCH_GAIN = 0.3


def deviation(name, shape):
    """Of a tensor's weights; None for a norm's scale, which is 1, and 0 for an offset."""
    if len(shape) < 2:
        return None if name.endswith("weight") else 0.0
    if "embedding" in name:
        return 0.02
    gain = BRANCH_GAIN if name.endswith(BRANCH_ENDS) else 1.0
    return gain / math.sqrt(math.prod(shape[1:]))


class Weights:
    """Bytes of tensors, cut from one pool of random numbers per deviation."""

    def __init__(self, seed):
        self.normal = np.random.default_rng(seed).standard_normal(POOL, np.float32)
        self.pools, self.offset = {}, 0

    def pool(self, scale):
        if scale not in self.pools:
            self.pools[scale] = (self.normal * np.float32(scale)).astype(np.float16)
        return self.pools[scale]

    def parts(self, name, shape):
        """Arrays that, one after the other, are the tensor."""
        left, scale = math.prod(shape), deviation(name, shape)
        if not scale:
            yield np.full(left, 0.0 if scale == 0 else 1.0, np.float16)
            return
        while left:
            # Another place of the pool for each tensor, so that no two of them are the same.
            self.offset = (self.offset + 99991) % (POOL // 2)
            part = self.pool(scale)[self.offset:self.offset + left]
            left -= part.size
            yield part


def header_of(tensors):
    entries, end = {}, 0
    for name, (_, shape) in tensors.items():
        begin, end = end, end + 2 * math.prod(shape)
        entries[name] = {"dtype": "F16", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def write(manifest, path, seed=1):
    """Writes the checkpoint; its bytes."""
    tensors = json.loads(gzip.decompress(Path(manifest).read_bytes()))["tensors"]
    weights = Weights(seed)
    with open(path, "wb") as file:
        file.write(header_of(tensors))
        for name, (_, shape) in tensors.items():
            for part in weights.parts(name, shape):
                file.write(part.data)
        return file.tell()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    print(f"{write(args.manifest, args.file, args.seed)} bytes in {args.file}")


if __name__ == "__main__":
    main()
