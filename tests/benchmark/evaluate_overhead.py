#!/usr/bin/env python3
"""What an evaluate costs beyond the units' own time, through slots, with a client in Python.

    tests/benchmark/evaluate_overhead.py [--repeats N] [--cells N] [--json FILE]

Two simulated workers that take 1 ms per unit; each row is a number of lists of one cond each, so
that lists / 2 units follow each other on each worker. `seconds` is the median of an evaluate by the
clock of this process. Of it the units' own time is taken: `unit`, what the workers themselves measure
of one, smoothed over the last ones (they sleep for 1 ms and wake late, and compute a little).
`overhead` is what is left: messages, merging, this client. `ping` is the median of a request that
does nothing. Run it on an idle machine.
"""
import argparse
import json
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools/harness"), str(ROOT / "tests/system"),
                str(ROOT / ".deps/test-python")]

import numpy as np  # noqa: E402
from service import Service  # noqa: E402

from evaluator_client import Evaluator  # noqa: E402
from host_client import Client  # noqa: E402

MODEL = ROOT / "tests/golden/models/sd1.safetensors"
WORKERS, UNIT = 2, 1e-3


def median_of(call, repeats):
    call()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def unit_of(client):
    """Seconds of a unit, by the workers that computed some."""
    return max(1 / w["units_per_second"] for w in client.workers() if w.get("units_per_second"))


def measure(client, lists, cells, repeats):
    evaluator = Evaluator(client, (1, 4, cells, cells), lists=lists, model={"file": str(MODEL)},
                          tensors={"c": np.zeros((1, 77, 32), np.float32)},
                          conds={"c": {"cond": "c"}}, workers={"batching": "exact"})
    keys = {"evaluator": evaluator.id, "sigma": 1.0, "lists": [["c"]] * lists, "slot": True}
    seconds = median_of(lambda: client.request("evaluate", **keys), repeats)
    unit = unit_of(client)
    evaluator.release()
    return {"lists": lists, "seconds": seconds, "unit": unit,
            "overhead": seconds - unit * -(-lists // WORKERS)}


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--repeats", type=int, default=500)
    options.add_argument("--cells", type=int, default=64)
    options.add_argument("--json")
    given = options.parse_args()
    with Service(f"sim:{WORKERS}@{UNIT * 1e3:g}ms") as service:
        client = Client(service.socket)
        rows = [measure(client, lists, given.cells, given.repeats) for lists in (1, 2, 4)]
        ping = median_of(lambda: client.request("ping"), given.repeats)
        client.close()
    text = json.dumps({"cells": given.cells, "repeats": given.repeats, "ping": ping, "rows": rows}, indent=2)
    if given.json:
        Path(given.json).write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
