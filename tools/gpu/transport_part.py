"""The part `transport` of tools/gpu-check: what the ways between coordinator and workers cost."""
import json
import subprocess
from pathlib import Path

from service import BIN


def benchmark(args):
    """Round trips between two processes; a way that does not work here says why."""
    command = [str(Path(BIN, "transport-benchmark")), "--seconds", "1"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=100, check=True)
    print(done.stdout, flush=True)
    return json.loads(done.stdout)["rows"]


def wrong(rows):
    """What is wrong with the rows; a way that the machine lacks is none of it."""
    failed = [f"{row['name']}: {row['failed']}" for row in rows if "failed" in row]
    other = [f"{row['name']}: other bytes came back" for row in rows
             if not all(size["same"] for size in row.get("sizes", ()))]
    return failed + other


def transport(args):
    report = {"benchmark": benchmark(args)}
    if found := wrong(report["benchmark"]):
        report["error"] = "; ".join(found)
    return report
