"""Anonymous shared memory: sealed files of tensors, and the slots of an evaluator."""
from __future__ import annotations

import fcntl
import math
import mmap
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

ADD_SEALS = getattr(fcntl, "F_ADD_SEALS", 1033)
SEAL_SHRINK, SEAL_GROW, SEAL_WRITE = 2, 4, 8
SLOT_ALIGNMENT = 64
MOST_AT_ONCE = 1 << 30  # bytes of one write(2), which takes no more than 2 GiB


def _create(name: str) -> int:
    return os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)


def _write(fd: int, part: memoryview) -> None:
    while part:
        part = part[os.write(fd, part[:MOST_AT_ONCE]):]


def sealed(parts: Iterable[memoryview]) -> int:
    """A descriptor of memory that holds the parts and cannot change; the caller closes it."""
    fd = _create("tandem-tensors")
    try:
        for part in parts:
            _write(fd, part)
        fcntl.fcntl(fd, ADD_SEALS, SEAL_SHRINK | SEAL_GROW | SEAL_WRITE)
    except BaseException:
        os.close(fd)
        raise
    return fd


def mapping(fd: int, access: int = mmap.ACCESS_WRITE) -> mmap.mmap:
    """All of the descriptor's memory; it stays when the descriptor is closed."""
    if sys.version_info >= (3, 13):  # before, the mapping keeps a descriptor of its own
        return mmap.mmap(fd, 0, access=access, trackfd=False)
    return mmap.mmap(fd, 0, access=access)


class Slot:
    """Memory of `count` float32 arrays of one shape, which both sides map; `arrays` are views."""

    def __init__(self, shape: Sequence[int], count: int) -> None:
        nbytes = 4 * math.prod(shape)
        stride = -(-nbytes // SLOT_ALIGNMENT) * SLOT_ALIGNMENT
        self.fd = _create("tandem-slot")
        os.ftruncate(self.fd, max(stride * count, 1))
        fcntl.fcntl(self.fd, ADD_SEALS, SEAL_SHRINK | SEAL_GROW)
        memory = mapping(self.fd)
        self.arrays: list[np.ndarray[Any, np.dtype[np.float32]]] = [
            np.frombuffer(memory, np.float32, math.prod(shape), k * stride).reshape(shape)
            for k in range(count)]

    def close(self) -> None:
        """Closes the descriptor; the arrays live as long as they are used."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
