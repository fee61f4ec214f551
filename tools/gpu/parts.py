"""The parts of tools/gpu-check. Each returns what is to be reported; an exception is its failure."""
import collections
import hashlib
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import full_checkpoint
import transport_part
from host_client import Client, Refused, same_bits
from service import ROOT, Service, wait_until

GOLDEN = ROOT / "tests/golden/models/sd1.safetensors"
MANIFEST = ROOT / "tests/models/manifests/sd15.json.gz"
GIB = 1 << 30
SHARE_OF_CASES = 0.6  # of a golden part's time, for each of its two trees at the most


def roomy_folder():
    """Where a file of 2 GiB fits, in memory if it does."""
    for folder in ("/dev/shm", os.environ.get("TMPDIR", "/tmp")):
        stat = os.statvfs(folder)
        if stat.f_bavail * stat.f_frsize > 8 * GIB:
            return folder
    return None


def one_worker(args):
    return "cpu:1" if args.device == "cpu" else args.device


def two_workers(args):
    return "cpu:2" if args.device == "cpu" else args.device + "x2"


def job(model, steps, size, batching="auto", **keys):
    return {"version": 1, "model": {"file": str(model)},
            "positive": [{"text": "a red circle"}], "negative": [{"text": "blue"}],
            "latent": {"width": size, "height": size, "batch": 1},
            "noise": {"seed": 1, "sampler_device": "cpu"},
            "sampler": {"name": "euler", "scheduler": "normal", "steps": steps, "cfg": 7.0},
            "workers": {"batching": batching}, "output": {"latent": True}, **keys}


def digest(tensors):
    """SHA-256 over all results, in the order of their names."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        total.update(tensors[name].tobytes())
    return total.hexdigest()


def device_of(client):
    return client.request("devices")["devices"][0]


# ---- what there is ----

def devices(args):
    """The device's own words, and what a driver says beside them."""
    with Service(one_worker(args)) as service:
        client = Client(service.socket)
        wait_until(lambda: device_of(client)["state"] in ("ready", "quarantined"), 100, "an answer")
        report = device_of(client)
    print(report)
    if report["state"] != "ready":
        report["error"] = report.get("reason", "not ready")
    return report


# ---- numbers ----

Golden = collections.namedtuple("Golden", "dtype floor only")
GOLDENS = {
    "golden_fp32": Golden("fp32", 5e-3, ""),
    "golden_fp16": Golden("fp16", 5e-2, "conds/,hooks/,samplers/,vae/,whole/"),
    "golden_bf16": Golden("bf16", 1e-1, "conds/,hooks/,samplers/,vae/,whole/"),
}


def run_cases(args, chosen, root, only):
    command = [sys.executable, str(ROOT / "tools/golden/run.py"), "--root", str(root),
               "--devices", one_worker(args), "--dtype", chosen.dtype, "--floor", str(chosen.floor),
               "--only", only, "--jobs", "8"]
    with open(Path(args.work, f"{args.run}.txt"), "w+") as output:
        runner = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            runner.wait(PARTS[args.run].seconds * SHARE_OF_CASES)
        except subprocess.TimeoutExpired:
            runner.terminate()
            runner.wait()
        output.seek(0)
        text = output.read()
    print(text, flush=True)
    return summary_of(text, runner.returncode)


def summary_of(text, status):
    """What the runner's lines say; also of a run that was not done in time."""
    failures = re.findall(r"^FAIL (.*)", text, re.M)
    report = {"passed": len(re.findall(r"^pass ", text, re.M)), "failed": len(failures),
              "refused": len(re.findall(r": refused \(", text)),
              "units": dict(re.findall(r"^units: (\S+) (\d+) on", text, re.M)),
              "failures": failures[:20], "largest": largest_differences(text)}
    if not re.search(r"^\d+ passed, \d+ failed", text, re.M):
        report["cut_short"] = f"exit {status}: {text.strip().splitlines()[-1:]}"
    return report


def largest_differences(text):
    """{tensor: the greatest difference that a case had}"""
    largest = {}
    for name, value in re.findall(r"(\w+) (\d\.\de[-+]\d+) \(<=", text):
        largest[name] = max(largest.get(name, 0.0), float(value))
    return largest


def golden(args):
    chosen = GOLDENS[args.run]
    report = run_cases(args, chosen, ROOT / "tests/golden/cases", chosen.only)
    extra = Path(os.environ.get("TANDEM_EXTRA_CASES", "/nowhere")) / "cases"
    if extra.is_dir():
        report["sdxl"] = run_cases(args, chosen, extra, chosen.only)
    for part in (report, report.get("sdxl", report)):
        if part["failed"] or not any(int(n) for n in part["units"].values()):
            report["error"] = part.get("cut_short", f"{part['failed']} cases failed")
    return report


# ---- the same bits ----

def identity(args):
    """One worker, two workers, and one of two killed in the middle."""
    work = job(GOLDEN, 40, 256, "exact")
    with Service(one_worker(args), threads=1) as service:
        calm = Client(service.socket).run(work)
    with Service(two_workers(args), threads=1) as service:
        client = Client(service.socket, timeout=120)
        shared = client.run(work)
        victim = client.workers()[0]["pid"]
        number = client.submit(work)
        client.wait_for(number, lambda e: e["event"] == "step" and e["step"] == 5)
        os.kill(victim, signal.SIGKILL)
        disturbed = client.result(number)[1]
        told = [e["what"] for e in client.events_of(number, "worker")]
        busy = {w for e in client.events_of(number, "step") for w in e.get("units", {})}
    report = {"two_workers_same": same_bits(calm, shared), "killed_same": same_bits(calm, disturbed),
              "events": told, "busy": sorted(busy), "sha256": digest(calm)}
    if not (report["two_workers_same"] and report["killed_same"] and "lost" in told):
        report["error"] = "the bits differ, or the death was not noticed"
    return report


# ---- full size ----

def checkpoint(args):
    """SD 1.5 with random weights in fp16, where the other parts find it."""
    if args.checkpoint:
        return {"file": str(args.checkpoint)}
    return {"bytes": full_checkpoint.write(MANIFEST, model_of(args))}


def model_of(args):
    return args.checkpoint or Path(args.work, "sd15-random.safetensors")


def timed(client, work):
    """(tensors, report) of a job: the time of each step is that between its event and the last."""
    number, moments = client.submit(work), []
    seen = len(client.events)
    while not any(e.get("phase") in ("done", "failed") for e in client.events_of(number)):
        client.take_one()
        new, seen = client.events[seen:], len(client.events)
        moments += [time.monotonic() for e in new if e["event"] == "step"]
    tensors = client.result(number)[1]
    steps = [1e3 * (b - a) for a, b in zip(moments, moments[1:])]
    ended = sorted(steps[4:] or steps)
    return tensors, {"steps": len(moments), "min_ms": round(ended[0], 3),
                     "median_ms": round(statistics.median(ended), 3),
                     "largest_ms": round(ended[-1], 3), "first_ms": [round(s, 1) for s in steps[:4]],
                     "sha256": digest(tensors)}


def unload(client):
    """The reply, of a service that has the request."""
    try:
        return client.request("unload", all=True)
    except Refused as refused:
        if refused.error["code"] != "unsupported":
            raise
        return "unsupported"


def measure(args, graphs):
    """Step times, conds together and apart, and memory before and with the model."""
    arguments = () if args.device == "cpu" else ("--cuda-graphs", graphs)
    with Service(one_worker(args), arguments=arguments) as service:
        client = Client(service.socket, timeout=300)
        wait_until(lambda: device_of(client)["state"] == "ready", 60, "the worker is up")
        report = {"memory": {"before": device_of(client)["memory_free"]}}
        began = time.monotonic()
        client.run(job(model_of(args), 1, args.size))
        report["first_job_s"] = round(time.monotonic() - began, 2)
        for batching in ("auto", "exact"):
            work = job(model_of(args), args.steps, args.size, batching)
            report[batching] = timed(client, work)[1]
            again = timed(client, work)[1]
            report[batching]["again_same"] = again["sha256"] == report[batching]["sha256"]
            report[batching]["again_min_ms"] = again["min_ms"]
            report[batching]["again_median_ms"] = again["median_ms"]
            device = device_of(client)
            rate = device["workers"][0].get("units_per_second")
            report[batching]["unit_ms"] = round(1e3 / rate, 3) if rate else None
        picture = job(model_of(args), 4, args.size)
        picture["output"] = {"image": True}
        began = time.monotonic()
        client.run(picture)
        report["picture_of_4_steps_s"] = round(time.monotonic() - began, 3)
        report["memory"]["loaded"] = device_of(client)["memory_free"]
        report["memory"]["held"] = device_of(client)["models"]
        report["unload"] = unload(client)
    return report


def full(args):
    report = {"eager": measure(args, "off")}
    if args.device != "cpu":
        report["graphs"] = measure(args, "auto")
        for batching in ("auto", "exact"):
            same = report["eager"][batching]["sha256"] == report["graphs"][batching]["sha256"]
            report[f"{batching}_same_bits"] = same
            if not same:
                report["error"] = "a graph gives other bits than the kernels it was made of"
    if not all(measured[b]["again_same"] for measured in report.values() if isinstance(measured, dict)
               for b in ("auto", "exact")):
        report["error"] = "the same job gave other bits the second time"
    return report


def out_of_memory(args):
    """A job too large for a worker's share of the memory fails by name; the next one runs."""
    if args.device == "cpu":
        return {"skipped": "no device"}
    os.environ["PYTORCH_ALLOC_CONF"] = "per_process_memory_fraction:0.06"
    with Service(one_worker(args)) as service:
        client = Client(service.socket, timeout=120)
        small = job(model_of(args), 3, args.size)
        before = client.run(small)
        huge = job(model_of(args), 2, 2048)
        huge["latent"]["batch"] = 8
        error = None
        try:
            client.run(huge)
        except Refused as refused:
            error = refused.error
        report = {"refused": error, "same_after": same_bits(before, client.run(small)),
                  "workers": [w["state"] for w in client.workers()]}
    named = error and error["code"] == "out_of_memory" and error.get("needed_bytes", 0) > 0
    if not named or not report["same_after"]:
        report["error"] = "out of memory was not told by name, or the worker did not recover"
    return report


Part = collections.namedtuple("Part", "function seconds")
PARTS = {
    "devices": Part(devices, 120),
    "checkpoint": Part(checkpoint, 60),
    "full": Part(full, 120),
    "identity": Part(identity, 60),
    "transport": Part(transport_part.transport, 200),
    "golden_fp32": Part(golden, 120),
    "out_of_memory": Part(out_of_memory, 60),
    "golden_fp16": Part(golden, 60),
    "golden_bf16": Part(golden, 60),
}
