"""The part `transport` of tools/gpu-check: what the ways between coordinator and workers cost, and that they
change no bit."""
import json
import subprocess
from pathlib import Path

from common import GOLDEN, digest, job, kill_at_step
from host_client import Client, same_bits
from service import BIN, Service, wait_until


def benchmark(args):
    """Round trips between two processes; a way that does not work here says why."""
    command = [str(Path(BIN, "transport-benchmark")), "--seconds", "0.5"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=100, check=True)
    print(done.stdout, flush=True)
    return json.loads(done.stdout)["rows"]


def wrong(rows):
    """What is wrong with the rows; a way that the machine lacks is none of it."""
    failed = [f"{row['name']}: {row['failed']}" for row in rows if "failed" in row]
    other = [f"{row['name']}: other bytes came back" for row in rows
             if not all(size["same"] for size in row.get("sizes", ()))]
    return failed + other


def visible_gpus():
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], stdout=subprocess.PIPE, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return len([line for line in listed.stdout.splitlines() if line.startswith("GPU ")])


def device_lists(args):
    """Those on which two workers work at once: on one device, and on two."""
    if args.device == "cpu":
        return ["cpu:2"]
    return [args.device + "x2"] + (["gpu:0,gpu:1"] if visible_gpus() > 1 else [])


def ways(client):
    """{worker: how its tensors travel, and why not as asked}"""
    return {w["name"]: [w.get("transport", ""), w.get("transport_reason", "")] for w in client.workers()}


def all_up(client):
    wait_until(lambda: all(w["state"] in ("ready", "loading", "busy") for w in client.workers()), 60, "all workers are up")


def run_once(devices, transport, work):
    with Service(devices, threads=1, arguments=("--transport", transport)) as service:
        client = Client(service.socket, timeout=120)
        all_up(client)
        return client.run(work), ways(client)


def run_killed(devices, work):
    """The result with cuda-ipc where a worker was killed in the middle, and what was told."""
    with Service(devices, threads=1, arguments=("--transport", "cuda-ipc")) as service:
        client = Client(service.socket, timeout=120)
        all_up(client)
        client.run(work)
        _, tensors, told = kill_at_step(client, work, client.workers()[0]["pid"], 5)
        all_up(client)
        again = client.run(work)
        return tensors, again, told, ways(client)


def identity(args, devices):
    work = job(GOLDEN, 40, 256, "exact", output={"latent": True, "image": True})
    pinned, pinned_ways = run_once(devices, "pinned", work)
    through, through_ways = run_once(devices, "cuda-ipc", work)
    killed, again, told, after = run_killed(devices, work)
    return {"devices": devices, "ways": {"pinned": pinned_ways, "cuda-ipc": through_ways, "after a death": after},
            "same": same_bits(pinned, through), "killed_same": same_bits(pinned, killed),
            "again_same": same_bits(pinned, again), "events": told, "sha256": digest(through)}


def faults(args, report):
    """What is wrong with a job's report. A CPU worker's tensors are in shared memory in any case."""
    wanted = "shared memory" if args.device == "cpu" else "cuda ipc"
    if not (report["same"] and report["killed_same"] and report["again_same"]):
        yield f"{report['devices']}: the bits differ"
    if "lost" not in report["events"]:
        yield f"{report['devices']}: the death was not noticed"
    for when in ("cuda-ipc", "after a death"):
        for worker, (way, reason) in report["ways"][when].items():
            if way != wanted:
                yield f"{worker}: {way} instead of {wanted}: {reason}"


def transport(args):
    report = {"benchmark": benchmark(args)}
    found = wrong(report["benchmark"])
    report["jobs"] = []
    for devices in device_lists(args):
        try:
            report["jobs"].append(identity(args, devices))
            found += faults(args, report["jobs"][-1])
        except Exception as error:  # what was measured before is reported all the same
            found.append(f"{devices}: {type(error).__name__}: {error}"[:1000])
    if found:
        report["error"] = "; ".join(found)
    return report
