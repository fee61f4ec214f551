"""Jobs from a few words."""
from __future__ import annotations

import os
import random
from collections.abc import Mapping, Sequence
from typing import Any

from .service import demo_model

DEMO_SIDE, USUAL_SIDE = 256, 512
DEMO_CFG, USUAL_CFG = 6.0, 8.0


def model_file(name: str | os.PathLike[str]) -> str:
    """A file's absolute path; a name that is no file here is the service's to find."""
    return os.path.abspath(name) if os.path.exists(name) else os.fspath(name)


def picture_job(prompt: str, negative: str = "", *, model: str | os.PathLike[str] | None = None,
                width: int | None = None, height: int | None = None, batch: int = 1,
                steps: int = 20, seed: int | None = None, cfg: float | None = None,
                sampler: str = "euler", scheduler: str = "normal", denoise: float = 1.0,
                loras: Sequence[Mapping[str, Any]] = (), outputs: Sequence[str] = ("image",),
                image_dtype: str = "uint8", workers: Mapping[str, Any] | None = None,
                ) -> dict[str, Any]:
    """The job of a picture, as `tandem txt2img` makes it; a dict that may be changed further.

    Without `model` it is the demo model's (256 x 256, cfg 6; else 512 x 512, cfg 8); without `seed`
    one is drawn. `outputs` are keys of the job format: image, latent ...
    """
    side = USUAL_SIDE if model else DEMO_SIDE
    job: dict[str, Any] = {
        "version": 1,
        "model": {"file": model_file(model) if model else demo_model()},
        "positive": [{"text": prompt}],
        "negative": [{"text": negative}],
        "latent": {"width": width or side, "height": height or side, "batch": batch},
        "noise": {"seed": random.getrandbits(32) if seed is None else seed},
        "sampler": {"name": sampler, "scheduler": scheduler, "steps": steps, "denoise": denoise,
                    "cfg": cfg if cfg is not None else USUAL_CFG if model else DEMO_CFG},
        "output": {key: True for key in outputs},
    }
    if "image" in outputs:
        job["output"]["image_dtype"] = image_dtype
    if loras:
        job["model"]["loras"] = [dict(lora) for lora in loras]
    if workers:
        job["workers"] = dict(workers)
    return job
