#!/usr/bin/env python3
"""Makes tests/golden out of a whole tree of golden cases, within a budget of bytes.

    tools/golden/select_cases.py TREE [--to tests/golden]

Taken are the groups of GROUPS as far as MODELS carries them; of what this version refuses, one
case for each row of coverage.py. A model that several groups use is taken once.
"""
import argparse
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "harness"))

import cases  # noqa: E402
import coverage  # noqa: E402

BUDGET = 20 << 20
# Of cases with larger files only these are taken.
LARGEST = 50_000
TAKEN_ALL_THE_SAME = ("samplers_sde/dpmpp_sde", "vae/decode", "vae/encode_tiled", "whole/sd1")
GROUPS = ("schedulers", "noise", "text", "vae", "whole", "conds", "samplers", "samplers_flow",
          "samplers_sde", "sampling", "hooks", "context", "esrgan")
# The SDXL model alone would take half of the budget, AnimateDiff's a third of it; their cases are in
# the whole tree only.
MODELS = ("sd1.safetensors", "sd2v.safetensors", "vae.safetensors", "sd1_lora_a.safetensors",
          "sd1_lora_b.safetensors", "sd1_dora.safetensors", "sd1_loha.safetensors",
          "sd1_lokr.safetensors", "rrdb_x2_new_unshuffle.safetensors")


def size_of(folder):
    return sum(file.stat().st_size for file in folder.iterdir())


def chosen(tree):
    """[(folder, job, whether it is covered)]"""
    taken, seen = [], set()
    for folder in cases.folders(tree / "cases"):
        job = cases.read_job(folder)
        group = folder.parent.name
        if group not in GROUPS or any(f.name not in MODELS for f in cases.files_of(job)):
            continue
        if size_of(folder) > LARGEST and f"{group}/{folder.name}" not in TAKEN_ALL_THE_SAME:
            continue
        rows = tuple(name for name, _ in coverage.missing(job))
        if not rows or not set(rows) <= seen:
            taken.append((folder, job, not rows))
        seen.update(rows)
    return taken


def copy(source, target):
    """The number of bytes copied: none if it is there already."""
    if target.exists():
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return target.stat().st_size


def copy_case(tree, folder, job, covered, to):
    names = ["case.json", "check.json", "tensors.safetensors"]
    if covered:  # nobody reads the expected result of a job that is refused
        names += ["expected.safetensors", "expected.json", "brownian.safetensors"]
    size = sum(copy(folder / n, to / folder.relative_to(tree) / n) for n in names
               if (folder / n).exists())
    for file in cases.files_of(job):
        size += copy(file, to / file.relative_to(tree))
    return size


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tree", type=Path)
    parser.add_argument("--to", type=Path, default=HERE.parents[1] / "tests/golden")
    args = parser.parse_args()
    tree, taken = args.tree.resolve(), chosen(args.tree.resolve())
    for name in ("cases", "models", "loras"):
        shutil.rmtree(args.to / name, ignore_errors=True)
    size = sum(copy_case(tree, *case, args.to) for case in taken)
    refused = sum(not covered for _, _, covered in taken)
    print(f"{len(taken)} cases ({refused} of them refused), {size} bytes of {BUDGET}")
    if size > BUDGET:
        sys.exit("over the budget: take fewer groups")


if __name__ == "__main__":
    main()
