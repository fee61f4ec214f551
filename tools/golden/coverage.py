"""THE list of what this version does not cover yet. Such a job is refused, never run otherwise.

A row: what it is, how a job is told to need it, and the error code of the refusal. When a
capability is added its row is removed; a row that no case needs any more fails in the runner.
"""
import json
from pathlib import Path

import tensor_file

UNSUPPORTED, UNKNOWN_FAMILY = "unsupported", "unknown_family"
FAMILIES = ("sd15", "sd20", "sdxl")


def model(job):
    return job.get("model", {})


def conds_have(*keys):
    return lambda job: any(key in cond for part in ("positive", "negative", "middle")
                           for cond in job.get(part, []) for key in keys)


def has(key):
    return lambda job: bool(job.get(key))


def model_config(job):
    """The sizes that a tiny checkpoint carries in its header."""
    file = model(job).get("file")
    if not file or not Path(file).is_file():
        return {}
    return json.loads(tensor_file.metadata(file).get("model_config", "{}"))


def other_family(job):
    return model_config(job).get("family", FAMILIES[0]) not in FAMILIES


def encoder_without_model(job):
    return bool(model(job).get("text_encoders")) and not model(job).get("file")


def video_vae(job):
    return "wan" in Path(model(job).get("vae", "")).name


NOT_YET = [
    ("model families past SD 1, SD 2 and SDXL", other_family, UNKNOWN_FAMILY),
    ("text encoders of other families", encoder_without_model, UNKNOWN_FAMILY),
    ("video VAEs", video_vae, UNKNOWN_FAMILY),
    ("reference latents", conds_have("reference_latents"), UNSUPPORTED),
    ("the bare model", has("forward"), UNSUPPORTED),
]


def missing(job):
    """[(name, code)] of the rows that the job, its paths absolute, needs."""
    return [(name, code) for name, needs, code in NOT_YET if needs(job)]
