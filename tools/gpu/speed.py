"""Step times of full-size models with random weights, and what they are compared with."""
import collections
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import full_checkpoint
from common import device_of, job, one_worker, timed, unload
from host_client import Client
from service import ROOT, Service, wait_until

Model = collections.namedtuple("Model", "manifest size steps")
MODELS = {"sd15": Model("sd15", 512, 30), "sdxl": Model("sdxl_base", 1024, 20)}
PEER_SECONDS = 150
OVERHEAD_STEPS = 300


def model_of(args, name="sd15"):
    if args.checkpoint and name == "sd15":
        return args.checkpoint
    return Path(args.work, f"{name}-random.safetensors")


def size_of(args, name):
    return min(MODELS[name].size, args.size) if args.size else MODELS[name].size


def checkpoint(args):
    """A published model with random weights in fp16, where the other parts find it."""
    name = "sdxl" if args.run.endswith("sdxl") else "sd15"
    if model_of(args, name) == args.checkpoint:
        return {"file": str(args.checkpoint)}
    manifest = ROOT / f"tests/models/manifests/{MODELS[name].manifest}.json.gz"
    return {"bytes": full_checkpoint.write(manifest, model_of(args, name))}


def measure(args, name, *arguments):
    """Step times, conds together and apart, and memory before, with and after the model."""
    with Service(one_worker(args), arguments=arguments) as service:
        client = Client(service.socket, timeout=300)
        wait_until(lambda: device_of(client)["state"] == "ready", 60, "the worker is up")
        report = {"memory": {"before": device_of(client)["memory_free"]}}
        began = time.monotonic()
        client.run(job(model_of(args, name), 1, size_of(args, name)))
        report["first_job_s"] = round(time.monotonic() - began, 2)
        for batching in ("auto", "exact"):
            work = job(model_of(args, name), args.steps or MODELS[name].steps, size_of(args, name), batching)
            report[batching] = timed(client, work)[1]
            again = timed(client, work)[1]
            report[batching].update(
                again_same=again["sha256"] == report[batching]["sha256"], again_min_ms=again["min_ms"],
                again_median_ms=again["median_ms"])
        report["memory"]["loaded"] = device_of(client)["memory_free"]
        report["memory"]["held"] = device_of(client)["models"]
        report["unload"] = unload(client)
    return report


def full(args):
    """Without and with CUDA graphs, which must give the same bits."""
    name = "sdxl" if args.run.endswith("sdxl") else "sd15"
    report = {"no_graphs": measure(args, name, "--cuda-graphs", "off")}
    if args.device != "cpu":
        report["graphs"] = measure(args, name)
        for batching in ("auto", "exact"):
            same = report["no_graphs"][batching]["sha256"] == report["graphs"][batching]["sha256"]
            report[f"{batching}_same_bits"] = same
            if not same:
                report["error"] = "a graph gives other bits than the kernels it was made of"
    if not all(measured[b]["again_same"] for measured in report.values() if isinstance(measured, dict)
               for b in ("auto", "exact")):
        report["error"] = "the same job gave other bits the second time"
    return report


def peer(args):
    """ComfyUI's modules under PyTorch on the same GPU: eager, and as a graph."""
    checkout = os.environ.get("TANDEM_COMFYUI_MODULES", "")
    if args.device == "cpu" or not Path(checkout, "comfy").is_dir():
        return {"skipped": "TANDEM_COMFYUI_MODULES names no checkout of ComfyUI, or there is no GPU"}
    ran = subprocess.run([sys.executable, str(ROOT / "tools/gpu/eager_peer.py"), "--comfyui", checkout],
                         capture_output=True, text=True, timeout=PEER_SECONDS, check=False)
    print(ran.stderr[-3000:], flush=True)
    if ran.returncode:
        return {"error": ran.stderr.strip().splitlines()[-1:]}
    return json.loads(ran.stdout.splitlines()[-1])


def overhead(args):
    """Many steps of one unit, and of two, on one worker: what a step takes beyond the units' own time."""
    report = {}
    for choice in ("off", "auto"):
        with Service(one_worker(args), arguments=("--busy-wait", choice)) as service:
            client = Client(service.socket, timeout=300)
            for units, cfg in ((1, 1.0), (2, 7.0)):
                work = job(model_of(args), args.steps or OVERHEAD_STEPS, size_of(args, "sd15"), "exact")
                work["sampler"]["cfg"] = cfg
                report[f"busy_wait_{choice}_{units}"] = timed(client, work)[1]
    return report
