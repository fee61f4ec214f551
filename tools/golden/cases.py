"""Golden cases as they lie in a tree."""
import json
from pathlib import Path


def with_absolute_paths(job, folder):
    """The job with its input files' paths absolute, so that it can stand anywhere."""
    def fix(part, key):
        if isinstance(part.get(key), str):
            part[key] = str((folder / part[key]).resolve())
    model = job.get("model", {})
    for key in ("file", "vae", "upscale", "tokenizer"):
        fix(model, key)
    if "text_encoders" in model:
        model["text_encoders"] = [str((folder / f).resolve()) for f in model["text_encoders"]]
    for name in model.get("embeddings", {}):
        fix(model["embeddings"], name)
    hooks = [hook for group in job.get("hooks", {}).values() for hook in group]
    for part in [*model.get("loras", []), *hooks, job.get("motion", {})]:
        fix(part, "file")
    return job


def read_job(folder):
    return with_absolute_paths(json.loads((folder / "case.json").read_text()), folder)


def files_of(job):
    """Absolute paths of the input files that the job names."""
    model = job.get("model", {})
    hooks = [hook for group in job.get("hooks", {}).values() for hook in group]
    named = [model.get(k) for k in ("file", "vae", "upscale", "tokenizer")]
    named += model.get("text_encoders", []) + list(model.get("embeddings", {}).values())
    named += [p.get("file") for p in [*model.get("loras", []), *hooks, job.get("motion", {})]]
    return [Path(name) for name in named if name]


def folders(root, only=""):
    """The folders of all cases below root whose GROUP/NAME has this text."""
    found = sorted(p.parent for p in Path(root).resolve().glob("*/*/case.json"))
    return [f for f in found if only in f"{f.parent.name}/{f.name}"]
