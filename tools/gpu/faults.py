"""The same bits whatever happens to a worker, errors of the device, and memory afterwards."""
import os
import random
import tempfile
import time
from pathlib import Path

from common import GOLDEN, device_of, digest, job, kill_at_step, one_worker, two_workers, unload
from host_client import Client, Refused, same_bits
from service import BIN, Service, wait_until
from speed import model_of, size_of

KILLS = 20
MIB = 1 << 20
MOST_GROWTH = 64 * MIB
SMALL_SHARE = "per_process_memory_fraction:0.06"  # of a GPU's memory, for one worker


def identity(args):
    """One worker, two workers, and one of two killed in the middle."""
    work = job(GOLDEN, 40, 256, "exact")
    with Service(one_worker(args), threads=1) as service:
        calm = Client(service.socket).run(work)
    with Service(two_workers(args), threads=1) as service:
        client = Client(service.socket, timeout=120)
        shared = client.run(work)
        number, disturbed, told = kill_at_step(client, work, client.workers()[0]["pid"], 5)
        busy = {w for e in client.events_of(number, "step") for w in e.get("units", {})}
    report = {"two_workers_same": same_bits(calm, shared), "killed_same": same_bits(calm, disturbed),
              "events": told, "busy": sorted(busy), "sha256": digest(calm)}
    if not (report["two_workers_same"] and report["killed_same"] and "lost" in told):
        report["error"] = "the bits differ, or the death was not noticed"
    return report


def kills(args):
    """One of two workers killed in mid-job, again and again; then the memory of the device."""
    random.seed(1)
    work = job(GOLDEN, 30, 256, "exact")
    same, told = 0, 0
    with Service(two_workers(args), threads=1) as service:
        client = Client(service.socket, timeout=120)
        calm = client.run(work)
        unload(client)
        first = device_of(client)["memory_free"]
        for number in range(KILLS):
            workers = [w["pid"] for w in client.workers() if w["pid"]]
            step = random.randrange(2, work["sampler"]["steps"] - 4)
            results, events = kill_at_step(client, work, workers[number % len(workers)], step)[1:]
            same += same_bits(calm, results)
            told += "lost" in events
            # A slot is given time to count as healthy again; its back-off is no part of this.
            wait_until(lambda: all(w["state"] in ("idle", "ready") for w in client.workers()), 60, "both are back")
        unload(client)
        last = device_of(client)["memory_free"]
    report = {"kills": KILLS, "same_bits": same, "told": told, "memory_free": [first, last]}
    # A job that needed the dead worker no more may end before its process has.
    if same != KILLS or not told:
        report["error"] = "the bits differ, or no death was noticed"
    if args.device != "cpu" and first - last > MOST_GROWTH:
        report["error"] = "memory of the device stays in use after the kills"
    return report


def unloads(args):
    """The full-size model loaded and unloaded again and again: what of the device's memory comes back."""
    free = []
    with Service(one_worker(args)) as service:
        client = Client(service.socket, timeout=120)
        wait_until(lambda: device_of(client)["state"] == "ready", 60, "the worker is up")
        for _ in range(6):
            client.run(job(model_of(args), 3, size_of(args, "sd15")))
            loaded = device_of(client)["memory_free"]
            unload(client)
            free.append({"loaded": loaded, "unloaded": device_of(client)["memory_free"]})
    report = {"memory_free": free}
    after = [f["unloaded"] for f in free]
    if args.device != "cpu" and after[0] - min(after) > MOST_GROWTH:
        report["error"] = "memory of the device stays in use after unloading"
    return report


def processes(args):
    """Neither launcher nor coordinator has a CUDA library in its memory or a GPU's device file open."""
    with Service(one_worker(args)) as service:
        client = Client(service.socket)
        client.run(job(GOLDEN, 2, 64))
        found = {}
        for name in ("tandem", "tandem-coordinator", "tandem-worker"):
            for pid in service.pids_of(name):
                found.setdefault(name, []).append(traces_of_cuda(pid))
    clean = all(not trace for name in ("tandem", "tandem-coordinator") for trace in found[name])
    report = {"traces": found}
    if not clean or not (args.device == "cpu" or any(found["tandem-worker"])):
        report["error"] = "a process other than a worker holds CUDA, or no worker does"
    return report


def traces_of_cuda(pid):
    maps = Path(f"/proc/{pid}/maps").read_text()
    libraries = {line.split()[-1] for line in maps.splitlines() if "libcuda" in line.rsplit("/", 1)[-1]}
    files = {os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()}
    return sorted(libraries - {name for name in libraries if "libcudart" in name}) + \
        sorted(name for name in files if name.startswith("/dev/nvidia"))


def sticky_error(args):
    """A kernel writes where no memory is: its worker ends within a second, the other goes on."""
    plugin = BIN / "plugins/illegal_access.so"
    if args.device == "cpu" or not plugin.exists():
        return {"skipped": "no device, or no plug-in for this test in the bundle"}
    marker = Path(args.work, "illegal-access")
    def work(once):
        hook = {"type": "injection", "plugin": "illegal_access", "options": {"once": str(once)}}
        return {**job(GOLDEN, 20, 256, "exact"), "hooks": {"h": [hook]},
                "positive": [{"text": "a red circle", "hooks": "h"}]}
    with Service(two_workers(args), arguments=("--plugin", str(plugin))) as service:
        client = Client(service.socket, timeout=120)
        with tempfile.NamedTemporaryFile() as there:  # the hook does nothing
            calm = client.run(work(there.name))
        number = client.submit(work(marker))
        wait_until(marker.exists, 60, "the kernel was launched")
        began = time.monotonic()
        client.wait_for(number, lambda e: e["event"] == "worker" and e["what"] == "lost", 60)
        seconds = time.monotonic() - began
        disturbed = client.result(number)[1]
        lost = [e for e in client.events_of(number, "worker") if e["what"] == "lost"]
    report = {"seconds_to_the_end": round(seconds, 3), "same_bits": same_bits(calm, disturbed), "lost": lost}
    if seconds > 1 or not report["same_bits"] or len(lost) != 1:
        report["error"] = "the worker did not end at once, or the bits differ"
    return report


def out_of_memory(args):
    """A job too large for a worker's share of the memory fails by name; the next one runs."""
    if args.device == "cpu":
        return {"skipped": "no device"}
    os.environ["PYTORCH_ALLOC_CONF"] = SMALL_SHARE
    with Service(one_worker(args)) as service:
        client = Client(service.socket, timeout=120)
        small = job(model_of(args), 3, size_of(args, "sd15"))
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
