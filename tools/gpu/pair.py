"""Two GPUs of one machine: the same bits, and how much faster a step is."""
import subprocess
import sys
import time

from common import digest, job, kill_at_step, timed
from host_client import Client, same_bits
from service import Service, wait_until
from speed import MODELS, model_of, size_of

NEIGHBOUR = """
import torch
a = torch.randn(8192, 8192, device="cuda:1", dtype=torch.float16)
print("busy", flush=True)
while True:
    for _ in range(20):
        a @ a
    torch.cuda.synchronize("cuda:1")
"""


def devices(args):
    return ["cpu:1", "cpu:1", "cpu:2"] if args.device == "cpu" else ["gpu:0", "gpu:1", "gpu:0,gpu:1"]


def pair_identity(args):
    """Each of them alone, both, and either one killed in mid-job."""
    work = job(model_of(args), 12, size_of(args, "sd15"), "exact")
    results, told = {}, {}
    for name, listed in zip(("first", "second", "both"), devices(args)):
        with Service(listed) as service:
            client = Client(service.socket, timeout=300)
            results[name] = client.run(work)
            if name != "both":
                continue
            for victim in (0, 1):
                wait_until(lambda: all(w["pid"] for w in client.workers()), 60, "both are up")
                pid = client.workers()[victim]["pid"]
                name = f"killed_{victim}"
                _, results[name], told[name] = kill_at_step(client, work, pid, 4)
    report = {"sha256": {name: digest(result) for name, result in results.items()}, "events": told}
    if not all(same_bits(results["first"], result) for result in results.values()):
        report["error"] = "the bits differ"
    return report


def step_times(args, listed, work, *arguments, tensors=None):
    with Service(listed, arguments=arguments) as service:
        client = Client(service.socket, timeout=300)
        timed(client, {**work, "sampler": {**work["sampler"], "steps": 6}}, tensors)  # loads, records
        measured = [timed(client, work, tensors)[1] for _ in range(3)]
        best = min(measured, key=lambda m: m["median_ms"])
        return {**best, "medians_ms": [m["median_ms"] for m in measured]}


def compare(args, work, batchings=("exact", "auto"), tensors=None):
    """{one_exact, one_auto, two_exact, two_auto, ratios} of step times."""
    one, _, two = devices(args)
    report = {}
    for batching in batchings:
        asked = {**work, "workers": {"batching": batching}}
        report[f"one_{batching}"] = step_times(args, one, asked, tensors=tensors)
        report[f"two_{batching}"] = step_times(args, two, asked, tensors=tensors)
    base = report["two_exact"]["median_ms"]
    report["times_as_fast"] = {name: round(report[name]["median_ms"] / base, 3)
                               for name in report if name.startswith("one_")}
    return report


def pair_sd15(args):
    return compare(args, job(model_of(args), args.steps or 40, size_of(args, "sd15")))


def pair_sdxl(args):
    """The largest latent is one that a single cond fills the GPU with."""
    report = {}
    for cells, pixels, steps in ((128, 1024, MODELS["sdxl"].steps), (192, 1536, 16), (256, 2048, 10)):
        size = args.size or pixels
        report[f"latent_{cells}"] = compare(args, job(model_of(args, "sdxl"), args.steps or steps, size))
    return report


def pair_conds(args):
    """Four conds, each in a quarter of the picture's width and at cfg 1 alone; eight windows of a video."""
    size = size_of(args, "sd15")
    conds = [{"text": text, "area_percent": {"width": 0.25, "height": 1.0, "x": 0.25 * k, "y": 0.0}} for k, text in
             enumerate(("a lake", "a wood", "a hill", "a town"))]
    regional = {**job(model_of(args), args.steps or 30, size), "positive": conds}
    regional["sampler"] = {**regional["sampler"], "cfg": 1.0}
    windows = job(model_of(args), args.steps or 10, size)
    windows["latent"] = {**windows["latent"], "batch": 72}
    windows["context"] = {"length": 16, "overlap": 8, "schedule": "standard_static", "dim": 0}
    report = {"four_areas": compare(args, regional, ("exact",)), "eight_windows": compare(args, windows, ("exact",))}
    for part in report.values():
        part["efficiency"] = round(part["times_as_fast"]["one_exact"] / 2, 4)
    return report


def pair_slowed(args):
    """A neighbour keeps the second GPU busy: both together, against the first one alone."""
    if args.device == "cpu":
        return {"skipped": "no device"}
    work = job(model_of(args), args.steps or 150, size_of(args, "sd15"), "exact")
    areas = [{"text": text} for text in ("a", "b", "c", "d", "e", "f", "g")]
    many = {**work, "positive": areas}
    report = {"calm": step_times(args, "gpu:0,gpu:1", work)}
    neighbour = subprocess.Popen([sys.executable, "-c", NEIGHBOUR], stdout=subprocess.PIPE, text=True)
    try:
        neighbour.stdout.readline()
        time.sleep(1)
        for name, asked in (("two_units", work), ("eight_units", many)):
            alone = step_times(args, "gpu:0", asked)
            slowed = step_times(args, "gpu:1", {**asked, "sampler": {**asked["sampler"], "steps": 30}})
            both = step_times(args, "gpu:0,gpu:1", asked)
            report[name] = {"first_alone": alone, "slowed_alone": slowed, "both": both,
                            "both_over_first": round(both["median_ms"] / alone["median_ms"], 3)}
            if both["median_ms"] > 1.02 * alone["median_ms"]:
                report["error"] = "two GPUs were more than 2 % slower than the better one alone"
    finally:
        neighbour.kill()
        neighbour.wait()
    return report
