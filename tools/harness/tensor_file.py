"""safetensors as NumPy arrays: 8 bytes of length, a JSON header, the bytes of the tensors."""
import json
import struct
from pathlib import Path

import numpy as np

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2",
          "I8": "i1", "U8": "u1", "BOOL": "?"}
NAMES = {np.dtype(code): name for name, code in DTYPES.items()}


def header(data):
    """(header, where the tensors' bytes begin)"""
    (length,) = struct.unpack_from("<Q", data)
    if length > len(data) - 8:
        raise ValueError(f"a header of {length} bytes in a file of {len(data)}")
    return json.loads(bytes(data[8:8 + length])), 8 + length


def array(entry, raw):
    if entry["dtype"] == "BF16":  # the upper half of a float32
        values = (np.frombuffer(raw, "<u2").astype("<u4") << 16).view("<f4")
    else:
        values = np.frombuffer(raw, DTYPES[entry["dtype"]])
    return values.reshape(entry["shape"])


def unpack(data):
    """{name: array} of a whole file's bytes; arrays are copies, so `data` may go away."""
    entries, start = header(data)
    tensors = {}
    for name, entry in entries.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            tensors[name] = array(entry, bytes(data[start + begin:start + end]))
    return tensors


def pack(tensors, metadata=None):
    """The bytes of a file that holds these arrays."""
    entries, offset, parts = {"__metadata__": metadata} if metadata else {}, 0, []
    for name, value in tensors.items():
        value = np.ascontiguousarray(value)
        entries[name] = {"dtype": NAMES[value.dtype], "shape": list(value.shape),
                         "data_offsets": [offset, offset + value.nbytes]}
        offset += value.nbytes
        parts.append(value.tobytes())
    text = json.dumps(entries).encode()
    return b"".join([struct.pack("<Q", len(text)), text, *parts])


def load(path):
    return unpack(Path(path).read_bytes())


def metadata(path):
    """The header's `__metadata__` alone; a checkpoint's tensors are not read."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        return json.loads(file.read(length)).get("__metadata__", {})
