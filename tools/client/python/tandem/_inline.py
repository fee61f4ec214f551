"""Arrays that stand in a request in place of a tensor's name."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ._tensors import is_torch


def is_tensor(value: Any) -> bool:
    return isinstance(value, np.ndarray) or is_torch(value)


def _name_of(value: Any, tensors: dict[str, Any]) -> str:
    """The name under which it is there already, or a new one."""
    for name, other in tensors.items():
        if other is value:
            return name
    number = len(tensors)
    while (name := f"inline.{number}") in tensors:
        number += 1
    tensors[name] = value
    return name


def named(value: Any, tensors: dict[str, Any]) -> Any:
    """The value with a name for each array in it; `tensors` gets the arrays under these names."""
    if is_tensor(value):
        return _name_of(value, tensors)
    if isinstance(value, Mapping):
        return {key: named(item, tensors) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [named(item, tensors) for item in value]
    return value
