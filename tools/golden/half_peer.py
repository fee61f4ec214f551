#!/usr/bin/env python3
"""How far ComfyUI's own code in half precision is from the golden cases, which it gave in float32.

    TANDEM_COMFYUI=CHECKOUT PYTHON tools/golden/half_peer.py [--root CASES] [--only TEXT,TEXT] [--dtypes fp16,bf16]
        [--draws N] [--attention-fp32] [--tandem gpu-check.json] [--out FILE] [--write FOLDER]

CHECKOUT is ComfyUI's code, which is no part of this project; PYTHON has what it needs. It computes on the CPU, in one
thread: the diffusion model in fp16 or bf16, the VAE in bf16, texts in fp32, as run.py asks Tandem to, attention PyTorch's,
as on an NVIDIA GPU (--attention-fp32: in float32, as Tandem's is for SD 2). Which types the network's layers gave is
looked at: a case counts only if all of it was of the type. Each case is computed in float32 first; one that is not within
its own tolerance then is left out by name.

--draws   computes each case so often, since roundings are chance: first as it is, then with the noise (latent, picture)
          changed by 1e-5 of itself. The table has the least, the middle and the greatest distance.
--tandem  a report of tools/gpu-check with the parts golden_fp16 and golden_bf16: Tandem's distances beside ComfyUI's
--out     gets the distances as JSON
--write   makes trees of golden cases, FOLDER/fp16 and FOLDER/bf16, that hold what ComfyUI gave in that type:
          run.py --root FOLDER/fp16 --dtype fp16 --devices cpu:1 --threads 1
"""
import argparse
import json
import os
import shutil
import statistics
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "harness")]

import cases  # noqa: E402
import comfy_jobs  # noqa: E402
import comfy_models  # noqa: E402
import compare  # noqa: E402
import tensor_file  # noqa: E402
import torch  # noqa: E402


def watch(model, seen):
    """Types of what the network's layers give, into `seen`."""
    def note(_, __, given):
        seen.add(str(given.dtype).removeprefix("torch."))
    for module in model.model.diffusion_model.modules():
        if not list(module.children()):
            module.register_forward_hook(note)


def draw(folder, dtype, index):
    """({tensor: array}, types of what the network's layers gave)"""
    job, seen = cases.read_job(folder), set()
    parts = comfy_models.load(job, dtype)
    watch(parts.model, seen)
    with torch.inference_mode():
        return comfy_jobs.results(folder, job, parts, index), seen


def distances(folder, got):
    want = tensor_file.load(folder / "expected.safetensors")
    return {name: compare.distance(name, got[name], value) for name, value in want.items()
            if not name.startswith("debug.")}


def failures(folder, off):
    check = json.loads((folder / "check.json").read_text()) if (folder / "check.json").exists() else {}
    return [f"{name} {value:.1e}" for name, value in off.items()
            if not value <= compare.tolerance_of(name, check)]


def write_case(folder, got, to):
    """The case with what ComfyUI gave in place of what is expected."""
    to.mkdir(parents=True, exist_ok=True)
    (to / "case.json").write_text(json.dumps(cases.read_job(folder)))
    (to / "expected.safetensors").write_bytes(tensor_file.pack(got))
    if (folder / "tensors.safetensors").exists():
        shutil.copy(folder / "tensors.safetensors", to)


def measure(folder, args):
    """{"fp32": {tensor: [distance]}, TYPE: {tensor: [distance of each draw]}}, or {"left_out": why}"""
    report = {}
    if not {"latent", "image"} & cases.read_job(folder)["output"].keys():
        return {"left_out": "gives neither a latent nor a picture"}
    for dtype in ("fp32", *args.dtypes.split(",")):
        told = {}
        for index in range(1 if dtype == "fp32" else args.draws):
            got, seen = draw(folder, dtype, index)
            off = distances(folder, got)
            if dtype == "fp32" and failures(folder, off):
                return {"left_out": "in float32 " + ", ".join(failures(folder, off))}
            if seen - {str(comfy_models.DTYPES[dtype]).removeprefix("torch.")}:
                return {"left_out": f"{dtype} was computed in {', '.join(sorted(seen))}"}
            for name, value in off.items():
                told.setdefault(name, []).append(value)
            if args.write and dtype != "fp32" and index == 0:
                write_case(folder, got, args.write / dtype / folder.parent.name / folder.name)
        report[dtype] = told
    return report


def tandem_distances(file):
    """{TYPE: {case: {tensor: distance}}}"""
    report = json.loads(file.read_text()) if file else {}
    return {part.removeprefix("golden_"): {name: case["off"] for name, case in told["cases"].items()}
            for part, told in report.items() if part.startswith("golden_")}


def print_rows(name, report, tandem):
    if "left_out" in report:
        print(f"{name}: left out: {report['left_out']}", flush=True)
    for dtype in (key for key in report if key in ("fp16", "bf16")):
        for tensor, draws in report[dtype].items():
            middle, other = statistics.median(draws), tandem.get(dtype, {}).get(name, {}).get(tensor)
            words = "" if other is None else f"  Tandem {other:.1e}, {other / middle if middle else 1:.2f} times"
            print(f"{name:45} {dtype} {tensor:8} ComfyUI {min(draws):.1e} {middle:.1e} {max(draws):.1e}{words}",
                  flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=HERE.parents[1] / "tests/golden/cases")
    parser.add_argument("--only", default="conds/,hooks/,samplers/,vae/,whole/",
                        help="only cases whose GROUP/NAME has one of these texts")
    parser.add_argument("--dtypes", default="fp16,bf16")
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--attention-fp32", action="store_true")
    parser.add_argument("--tandem", type=Path, help="a report of tools/gpu-check")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--write", type=Path)
    args = parser.parse_args()
    if not os.environ.get("TANDEM_COMFYUI"):
        sys.exit("TANDEM_COMFYUI must name a checkout of ComfyUI")
    torch.set_num_threads(1)
    comfy_models.setup(os.environ["TANDEM_COMFYUI"], args.attention_fp32)
    tandem, report = tandem_distances(args.tandem), {}
    for folder in cases.folders(args.root, args.only):
        name = f"{folder.parent.name}/{folder.name}"
        report[name] = measure(folder, args)
        print_rows(name, report[name], tandem)
        if args.out:
            args.out.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
