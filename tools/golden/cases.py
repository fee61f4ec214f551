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


def on_default_device(job, dtype):
    """The job on the service's default device, not on the CPU that the reference names, with its models
    in this type, None being their own choice; VAEs overflow in fp16. Its sampler draws from the CPU's
    generator on any device, as the reference's did."""
    job.setdefault("noise", {}).setdefault("sampler_device", "cpu")
    model = job.setdefault("model", {})
    model["device"] = "default"
    if dtype:
        model.update(dtype=dtype, vae_dtype="bf16" if dtype == "fp16" else dtype)
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
    """The folders of all cases below root whose GROUP/NAME has one of these texts."""
    found = sorted(p.parent for p in Path(root).resolve().glob("*/*/case.json"))
    return [f for f in found if any(t in f"{f.parent.name}/{f.name}" for t in only.split(","))]
