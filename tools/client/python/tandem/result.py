"""What a job made: arrays that are mapped, not copied, and views of them for other libraries."""
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ._tensors import Array

if TYPE_CHECKING:
    import torch
    from PIL import Image


def as_torch(array: Array) -> torch.Tensor:
    """A torch tensor over the same memory. Needs torch."""
    import torch
    return torch.from_numpy(array)


def as_pictures(image: Array) -> list[Image.Image]:
    """A picture per item of (batch, height, width, 3). Needs Pillow.

    uint8 is taken as it is; floats from 0 to 1 are converted as ComfyUI saves them. Pillow keeps
    four bytes a pixel, so it copies.
    """
    from PIL import Image
    if image.dtype != np.uint8:
        image = (image * 255.0).clip(0, 255).astype(np.uint8)
    return [Image.fromarray(item) for item in image]


class Result:
    """`outputs`: for each output of the job the names of its tensors, or its JSON."""

    def __init__(self, reply: Mapping[str, Any], tensors: Mapping[str, Array]) -> None:
        self.outputs: dict[str, Any] = dict(reply.get("outputs", {}))
        self.types: dict[str, str] = dict(reply.get("types", {}))
        self.tensors = dict(tensors)

    def __getitem__(self, name: str) -> Array:
        return self.tensors[name]

    @property
    def latent(self) -> Array:
        """float32, (batch, channels, height, width); KeyError where the job did not ask for it."""
        return self.tensors["samples"]

    @property
    def image(self) -> Array:
        """(batch, height, width, 3), float32 from 0 to 1, or uint8 if the job asked for it."""
        return self.tensors["image"]

    def pictures(self) -> list[Image.Image]:
        """The images as PIL pictures. Needs Pillow."""
        return as_pictures(self.image)

    def torch(self, name: str) -> torch.Tensor:
        """A tensor over the same memory. Needs torch."""
        return as_torch(self.tensors[name])
