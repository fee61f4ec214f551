"""Whether a model's weights are those of a checkpoint's file: a sample of them is compared."""
import json
import struct

import numpy as np

PREFIX = "model."  # of the diffusion model's keys in a file, before ComfyUI's own
SAMPLED, VALUES = 12, 256
TYPES = {"F32": "<f4", "F16": "<f2", "F64": "<f8", "BF16": "<u2"}


def read_header(file):
    """(entries, where the data begin) of an open safetensors file."""
    (length,) = struct.unpack("<Q", file.read(8))
    if length > 100 << 20:
        raise ValueError("its header is longer than any checkpoint's")
    return json.loads(file.read(length)), 8 + length


def first_values(file, entry, start):
    """The first values of a tensor, as float32; None for a type that is not compared."""
    if entry["dtype"] not in TYPES:
        return None
    begin, end = entry["data_offsets"]
    dtype = np.dtype(TYPES[entry["dtype"]])
    file.seek(start + begin)
    raw = file.read(min(end - begin, VALUES * dtype.itemsize))
    values = np.frombuffer(raw, dtype)
    if entry["dtype"] == "BF16":
        return (values.astype("<u4") << 16).view("<f4")
    return values.astype(np.float32)


def sampled_keys(keys):
    """Some of the keys, spread over the network; those of its ends are among them."""
    keys = sorted(keys)
    count = min(SAMPLED, len(keys))
    return [keys[n * (len(keys) - 1) // max(count - 1, 1)] for n in range(count)]


def difference(path, weight_of, keys):
    """What differs between the file and the model, in words; None where the sample is the same.

    `weight_of(key)` gives (shape, values_as): values_as(float32 array) rounds the file's first
    values as the model holds them, and returns the model's and these.
    """
    with open(path, "rb") as file:
        entries, start = read_header(file)
        named = {key: entries[PREFIX + key] for key in keys if PREFIX + key in entries}
        if not named:
            return "the file holds none of the model's weights"
        for key in sampled_keys(named):
            shape, values_as = weight_of(key)
            if list(shape) != named[key]["shape"]:
                return f"{key} has the shape {list(shape)}, in the file {named[key]['shape']}"
            values = first_values(file, named[key], start)
            if values is not None and not np.array_equal(*values_as(values)):
                return f"{key} has other values in the file"
    return None
