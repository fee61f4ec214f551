"""Golden cases as they lie in a tree."""
import json
import struct
from pathlib import Path

# What the reference computed with where a model's own metadata says something else. The cases of `demo` were made
# with ComfyUI's 8 attention heads for SD1, though the file that they name says 4, with which it was trained and with
# which Tandem runs it. These cases are run on a copy that says what the reference did.
COMPUTED_WITH = {"demo": {"unet": {"num_heads": 8}}}


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


def with_config(model, changes, place):
    """A copy of a checkpoint in the folder, with these values in its model_config; its path."""
    copy = Path(place) / model.name
    data = model.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    config = json.loads(header["__metadata__"]["model_config"])
    for part, values in changes.items():
        config[part].update(values)
    header["__metadata__"]["model_config"] = json.dumps(config)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    copy.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length:])
    return copy


def as_computed(job, group, place):
    """The job on the model that the reference computed with."""
    if group in COMPUTED_WITH:
        model = Path(job["model"]["file"])
        job["model"]["file"] = str(with_config(model, COMPUTED_WITH[group], place))
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
