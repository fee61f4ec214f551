"""The jobs of the system tests: a tiny checkpoint, so that a step takes milliseconds."""
import json
import os
from pathlib import Path

import numpy
import tensor_file
from service import ROOT

GOLDEN = ROOT / "tests/golden"
MODEL = str(GOLDEN / "models/sd1.safetensors")
FULL = os.environ.get("TANDEM_FULL") == "1"


def picture_job(steps=8, size=128, seed=1, **keys):
    """Text to latent with two conds, so that two workers share each step."""
    return {
        "version": 1,
        "model": {"file": MODEL, "device": "cpu"},
        "positive": [{"text": "a red circle"}],
        "negative": [{"text": "blue"}],
        "latent": {"width": size, "height": size, "batch": 1},
        "noise": {"seed": seed},
        "sampler": {"name": "euler", "scheduler": "normal", "steps": steps, "cfg": 7.0},
        "workers": {"batching": "exact"},
        "output": {"latent": True},
        **keys,
    }


def long_job(**keys):
    """Goes on for many seconds if nothing ends it."""
    return picture_job(steps=2000, size=256, **keys)


def small_upscaler(path, blocks=2, filters=16, growth=8):
    """Writes an x4 model of the ESRGAN family whose weights are drawn; returns the path."""
    random = numpy.random.default_rng(1)
    layers = [("conv_first", 3, filters)]
    for block in range(blocks):
        for rdb in (1, 2, 3):
            layers += [(f"body.{block}.rdb{rdb}.conv{k}", filters + (k - 1) * growth,
                        growth if k < 5 else filters) for k in range(1, 6)]
    layers += [(name, filters, filters) for name in ("conv_body", "conv_up1", "conv_up2", "conv_hr")]
    layers += [("conv_last", filters, 3)]
    tensors = {}
    for name, fan_in, fan_out in layers:
        weight = random.standard_normal((fan_out, fan_in, 3, 3)) / (3 * fan_in ** 0.5)
        tensors[f"{name}.weight"] = weight.astype(numpy.float32)
        tensors[f"{name}.bias"] = numpy.full(fan_out, 0.1, numpy.float32)
    Path(path).write_bytes(tensor_file.pack(tensors))
    return str(path)


def golden_job(name):
    """(job for a host, tensors, expected tensors, tolerances) of a case of the selection."""
    folder = GOLDEN / "cases" / name
    job = json.loads((folder / "case.json").read_text())
    job["model"]["file"] = str((folder / job["model"]["file"]).resolve())
    job["output"] = {key: True for key in job["output"]}
    given = folder / "tensors.safetensors"
    check = json.loads((folder / "check.json").read_text())
    expected = tensor_file.load(folder / "expected.safetensors")
    expected = {k: v for k, v in expected.items() if not k.startswith("debug.")}
    return job, tensor_file.load(given) if given.exists() else {}, expected, check["tolerance"]


def truncated_model(folder, keep):
    """A copy of the checkpoint cut to this share of its bytes."""
    data = Path(MODEL).read_bytes()
    path = Path(folder) / f"truncated-{keep}.safetensors"
    path.write_bytes(data[:int(len(data) * keep)])
    return str(path)
