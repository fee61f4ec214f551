"""What the parts of tools/gpu-check share: where they run, what they run, how they measure it."""
import hashlib
import os
import signal
import statistics

from service import ROOT
from timed_steps import timed_steps

GOLDEN = ROOT / "tests/golden/models/sd1.safetensors"
GIB = 1 << 30
WARM_UP_STEPS = 4  # libraries choose their kernels, graphs are recorded


def roomy_folder():
    """Where full-size checkpoints fit, in memory if they do."""
    for folder in ("/dev/shm", os.environ.get("TMPDIR", "/tmp")):
        stat = os.statvfs(folder)
        if stat.f_bavail * stat.f_frsize > 12 * GIB:
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


def timed(client, work, tensors=None):
    """(results, report) of a job: the time of a step is that between its event and the last one's."""
    results, steps, told = timed_steps(client, work, tensors)
    return results, {"steps": len(told), **spread(steps[WARM_UP_STEPS:] or steps),
                     "first_ms": [round(s, 1) for s in steps[:WARM_UP_STEPS]], "units": told[-1]["units"],
                     **beyond_the_units(steps, told[1:]), "sha256": digest(results)}


def beyond_the_units(steps, told):
    """Of each step what it took beyond the busiest worker's own time in units, for each of that worker's units."""
    if not steps:
        return {}
    unit, beyond = [], []
    for milliseconds, event in list(zip(steps, told))[WARM_UP_STEPS:] or zip(steps, told):
        worker, seconds = max(event["busy_seconds"].items(), key=lambda item: item[1])
        unit.append(1e3 * seconds / event["units"][worker])
        beyond.append((milliseconds - 1e3 * seconds) / event["units"][worker])
    return {"unit": spread(unit), "beyond_each_unit": spread(beyond)}


def spread(milliseconds):
    ended = sorted(milliseconds)
    return {"min_ms": round(ended[0], 3), "median_ms": round(statistics.median(ended), 3),
            "p99_ms": round(ended[int(0.99 * (len(ended) - 1))], 3), "max_ms": round(ended[-1], 3)}


def kill_at_step(client, work, pid, step):
    """(id, results, what was told of workers) of a job in whose middle a worker is killed."""
    number = client.submit(work)
    client.wait_for(number, lambda e: e["event"] == "step" and e["step"] == step)
    os.kill(pid, signal.SIGKILL)
    results = client.result(number)[1]
    return number, results, [e["what"] for e in client.events_of(number, "worker")]


def unload(client):
    return client.request("unload", all=True)
