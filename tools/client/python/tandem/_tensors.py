"""safetensors files in memory. Results are mapped, not copied; torch tensors are taken too."""
from __future__ import annotations

import json
import mmap
import os
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from . import _memory
from .errors import BadFrame

Array = np.ndarray[Any, Any]

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2",
          "I8": "i1", "U8": "u1", "BOOL": "?"}
NAMES = {np.dtype(code): name for name, code in DTYPES.items()}


def is_torch(value: Any) -> bool:
    """Whether it is a torch tensor, without importing torch."""
    return type(value).__module__.partition(".")[0] == "torch" and hasattr(value, "detach")


def as_array(value: Any) -> tuple[str, Array]:
    """(safetensors' name of its type, contiguous array) of an array or a torch tensor."""
    if is_torch(value):
        value = value.detach().cpu().contiguous()
        if str(value.dtype) == "torch.bfloat16":
            import torch
            return "BF16", value.view(torch.int16).numpy()
        value = value.numpy()
    array = np.asarray(value)
    shape = array.shape  # ascontiguousarray makes a 1-d array of a number
    array = np.ascontiguousarray(array).reshape(shape)
    if array.dtype not in NAMES:
        raise TypeError(f"a tensor of {array.dtype} cannot be sent; it can be {', '.join(DTYPES)}")
    return NAMES[array.dtype], array


def _bytes_of(array: Array) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def pack(tensors: Mapping[str, Any]) -> list[memoryview]:
    """The parts of a safetensors file, its tensors not copied."""
    entries: dict[str, Any] = {}
    parts: list[memoryview] = []
    offset = 0
    for name, value in tensors.items():
        dtype, array = as_array(value)
        entries[name] = {"dtype": dtype, "shape": list(array.shape),
                         "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
        parts.append(_bytes_of(array))
    text = json.dumps(entries).encode()
    text += b" " * (-(len(text) + 8) % 64)
    return [memoryview(struct.pack("<Q", len(text)) + text), *parts]


def sealed_file(tensors: Mapping[str, Any]) -> int:
    """A sealed descriptor of the tensors' file; the caller closes it."""
    return _memory.sealed(pack(tensors))


def _array_at(memory: mmap.mmap, entry: Mapping[str, Any], start: int) -> Array:
    begin, end = entry["data_offsets"]
    shape: list[int] = entry["shape"]
    if entry["dtype"] == "BF16":  # NumPy has none: widened to float32, the only case that copies
        halves = np.frombuffer(memory, "<u2", (end - begin) // 2, start + begin)
        widened: Array = (halves.astype("<u4") << 16).view("<f4").reshape(shape)
        return widened
    dtype = np.dtype(DTYPES[entry["dtype"]])
    whole: Array = np.frombuffer(memory, dtype, (end - begin) // dtype.itemsize, start + begin)
    return whole.reshape(shape)


def mapped(fd: int) -> dict[str, Array]:
    """The tensors of a descriptor that the service sent, which is closed.

    The arrays are private views of its pages: they may be written to, which changes nothing for
    others, and the memory goes with the last of them.
    """
    try:
        memory = _memory.mapping(fd, mmap.ACCESS_COPY)
    except (ValueError, OSError) as error:
        raise BadFrame(f"A result's memory cannot be mapped: {error}.", fault="service") from error
    finally:
        os.close(fd)
    try:
        (length,) = struct.unpack_from("<Q", memory)
        entries = json.loads(memory[8:8 + length])
        return {name: _array_at(memory, entry, 8 + length) for name, entry in entries.items()
                if name != "__metadata__"}
    except (KeyError, TypeError, ValueError, struct.error) as error:
        raise BadFrame(f"A result is no safetensors file: {error}.", fault="service") from error
