#!/usr/bin/env python3
"""Step times on simulated workers against the best that any assignment of their units could give.

    tests/benchmark/placement.py [--steps N] [--json FILE]

One job per row: so many conds (each a unit) per step, on so many workers whose units take the times
given. 'best' is the least time in which they could end, without any message; 'alone' is the step of
a service that has the fastest worker only, measured in the same run. Step times are medians over the
last half of a job's steps. The workers only sleep, but the messages need a processor: run it on an
idle machine.
"""
import argparse
import json
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools/harness"), str(ROOT / "tests/system"),
                str(ROOT / ".deps/test-python")]

import numpy as np  # noqa: E402
from service import Service  # noqa: E402

from host_client import Client  # noqa: E402
from timed_steps import timed_steps  # noqa: E402

MODEL = ROOT / "tests/golden/models/sd1.safetensors"
EQUAL, MIXED = (1.0,), (1.0, 0.5, 0.25)


def job(units, steps):
    conds = [{"cond": f"c{i}"} for i in range(units)]
    return {"version": 1, "model": {"file": str(MODEL)}, "positive": conds,
            "latent": {"width": 64, "height": 64, "batch": 1}, "guider": {"kind": "basic"},
            "sampler": {"name": "euler", "scheduler": "normal", "steps": steps, "cfg": 1.0},
            "workers": {"batching": "exact"}, "output": {"latent": True}}


def best_possible(times, units):
    """Units of one cost, each to the worker on which it ends first: optimal for such units."""
    ends = [0.0] * len(times)
    for _ in range(units):
        worker = min(range(len(times)), key=lambda w: ends[w] + times[w])
        ends[worker] += times[worker]
    return max(ends)


def step_times(client, units, steps):
    """Seconds of each step, by the clock of this process."""
    tensors = {f"c{i}": np.zeros((1, 4, 32), np.float32) for i in range(units)}
    return [milliseconds / 1e3 for milliseconds in timed_steps(client, job(units, steps), tensors)[1]]


def measure(times, unit_counts, steps):
    """{units: median seconds of a step} on workers of these times."""
    devices = ",".join(f"sim:1@{t * 1e6:.0f}us" for t in times)
    with Service(devices) as service, Client(service.socket, timeout=600) as client:
        step_times(client, max(unit_counts), 4)  # every worker is known
        return {units: statistics.median(step_times(client, units, steps)[steps // 2:])
                for units in unit_counts}


def rows_of(milliseconds, speeds, args):
    alone = measure([milliseconds / 1e3], args.units, args.steps)
    for workers in args.workers:
        times = [milliseconds / speeds[i % len(speeds)] / 1e3 for i in range(workers)]
        for units, took in measure(times, args.units, args.steps).items():
            best = best_possible(times, units)
            yield {"unit_ms": milliseconds, "speeds": speeds, "workers": workers, "units": units,
                   "step_ms": took * 1e3, "best_ms": best * 1e3, "over_best": took / best - 1,
                   "over_alone": took / alone[units] - 1}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--workers", type=int, nargs="+", default=list(range(1, 9)))
    parser.add_argument("--units", type=int, nargs="+", default=[2, 3, 5, 8, 16, 32])
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    rows = []
    print("unit ms  speeds       workers  units   step ms   best ms  over best  over alone")
    for milliseconds in (20.0, 1.0):
        for speeds in (EQUAL, MIXED):
            for row in rows_of(milliseconds, speeds, args):
                rows.append(row)
                print(f"{milliseconds:7.0f}  {':'.join(map(str, speeds)):11}  {row['workers']:7}"
                      f"  {row['units']:5}  {row['step_ms']:8.2f}  {row['best_ms']:8.2f}"
                      f"  {row['over_best']:8.1%}  {row['over_alone']:9.1%}", flush=True)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
