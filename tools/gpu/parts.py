"""The parts of tools/gpu-check. Each returns what is to be reported; an exception is its failure."""
import collections
import subprocess

import faults
import golden_part
import pair
import speed
import transport_part
from common import device_of, one_worker
from host_client import Client
from service import BIN, Service, wait_until


def devices(args):
    """The device's own words, and what a driver says beside them."""
    with Service(one_worker(args)) as service:
        client = Client(service.socket)
        wait_until(lambda: device_of(client)["state"] in ("ready", "quarantined"), 100, "an answer")
        report = device_of(client)
        report["accelerators"] = client.request("devices")["accelerators"]
    print(report)
    if report["state"] != "ready":
        report["error"] = report.get("reason", "not ready")
    elif args.device != "cpu" and not is_listed(report):
        report["error"] = "the accelerators do not have the device"
    return report


def is_listed(device):
    """Whether LibTorch lists the GPU too, under the same name, as one that Tandem computes on."""
    number = device["name"].partition(":")[2]
    cuda = next(kind for kind in device["accelerators"]["types"] if kind["type"] == "cuda")
    entry = {"name": f"cuda:{number}", "description": device["description"]}
    return entry in cuda["devices"] and cuda["backend"] == "gpu" and "reason" not in cuda


def test_program(name):
    """What a test program's last lines say; an error where a test failed or none was run."""
    ran = subprocess.run([str(BIN / name)], capture_output=True, text=True, timeout=100, check=False)
    print(ran.stdout, ran.stderr, flush=True)
    skipped = ran.stdout.count("[  SKIPPED ] ") // 2
    report = {"says": ran.stdout.splitlines()[-3:], "skipped": skipped}
    if ran.returncode or "[       OK ]" not in ran.stdout:
        report["error"] = "a test failed, or none was run"
    return report


def conformance(args):
    """The same cases for every transport, on this machine's devices."""
    report = test_program("transport_conformance_test")
    if report["skipped"] and args.device != "cpu":
        report.setdefault("note", "some were skipped: with one GPU, those of two")
    return report


def kernels(args):
    """Tandem's own kernels against LibTorch's, and what they were compiled for."""
    if args.device == "cpu":
        return {"skipped": "no device"}
    report = test_program("cuda_kernels_test")
    listed = subprocess.run(["cuobjdump", "-lelf", "-lptx", str(BIN / "libtandem_cuda.so")],
                            capture_output=True, text=True, check=False)
    report["compiled_for"] = sorted({word for word in listed.stdout.split() if word.startswith("libtandem")})
    if report["skipped"]:
        report["error"] = "a kernel was not run"
    return report


Part = collections.namedtuple("Part", "function seconds")
PARTS = {
    "devices": Part(devices, 120),
    "kernels": Part(kernels, 100),
    "conformance": Part(conformance, 100),
    "processes": Part(faults.processes, 60),
    "checkpoint": Part(speed.checkpoint, 60),
    "full": Part(speed.full, 120),
    "overhead": Part(speed.overhead, 60),
    "checkpoint_sdxl": Part(speed.checkpoint, 120),
    "full_sdxl": Part(speed.full, 180),
    "peer": Part(speed.peer, 180),
    "identity": Part(faults.identity, 60),
    "transport": Part(transport_part.transport, 200),
    "golden_fp32": Part(golden_part.golden, 120),
    "kills": Part(faults.kills, 240),
    "unloads": Part(faults.unloads, 60),
    "sticky_error": Part(faults.sticky_error, 60),
    "out_of_memory": Part(faults.out_of_memory, 60),
    "golden_fp16": Part(golden_part.golden, 60),
    "golden_bf16": Part(golden_part.golden, 60),
}
# Of two GPUs; not run unless they are asked for.
PAIR_PARTS = {
    "pair_identity": Part(pair.pair_identity, 120),
    "pair_sd15": Part(pair.pair_sd15, 120),
    "pair_sdxl": Part(pair.pair_sdxl, 240),
    "pair_conds": Part(pair.pair_conds, 180),
    "pair_slowed": Part(pair.pair_slowed, 180),
}
ALL_PARTS = {**PARTS, **PAIR_PARTS}
