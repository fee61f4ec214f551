#!/usr/bin/env python3
"""The demo model on two CPU workers, one of them at half its speed: learned speeds, and given ones.

    tests/benchmark/slowed_worker.py [--steps N] [--json FILE]

The second worker is stopped and continued in turns of 4 ms, so that its units take about twice as long. A row is
a job with so many conds, each a unit of a step. 'best' is the least time of a step that any assignment could have
given with the unit times seen in that job; 'alone' is the step of a service that has only the fast worker. Medians
over the last half of the steps. Two workers need two cores: run it on an idle machine.
"""
import argparse
import json
import os
import signal
import statistics
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools/harness"), str(ROOT / "tests/system"), str(ROOT / "tests/benchmark"),
                str(ROOT / ".deps/test-python")]

from placement import best_possible  # noqa: E402
from service import Service, wait_until  # noqa: E402

from host_client import Client  # noqa: E402
from timed_steps import timed_steps  # noqa: E402

MODEL = ROOT / "tools/demo_model/demo.safetensors"
TURN = 0.004
WORDS = ("a red circle", "a blue square", "a green triangle", "a purple heart", "a star", "a tree", "a house", "a cat")


class Brake:
    """Lets a process run half of the time."""

    def __init__(self, pid):
        self.pid, self.ended = pid, threading.Event()
        self.thread = threading.Thread(target=self.work)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def work(self):
        while not self.ended.is_set():
            os.kill(self.pid, signal.SIGSTOP)
            time.sleep(TURN)
            os.kill(self.pid, signal.SIGCONT)
            time.sleep(TURN)


def job(units, steps, speeds):
    workers = {"batching": "exact", **({"relative_speed": speeds} if speeds else {})}
    return {"version": 1, "model": {"file": str(MODEL)}, "positive": [{"text": WORDS[i]} for i in range(units)],
            "latent": {"width": 256, "height": 256, "batch": 1}, "guider": {"kind": "basic"}, "noise": {"seed": 1},
            "sampler": {"name": "euler", "scheduler": "normal", "steps": steps, "cfg": 1.0},
            "workers": workers, "output": {"latent": True}}


def measured(client, work):
    """(median step in ms, {worker: median ms of its units})"""
    _, steps, told = timed_steps(client, work)
    units = {}
    for event in told[len(told) // 2:]:
        for worker, seconds in event["busy_seconds"].items():
            units.setdefault(worker, []).append(1e3 * seconds / event["units"][worker])
    return statistics.median(steps[len(steps) // 2:]), {w: statistics.median(u) for w, u in units.items()}


def pid_of(client, index):
    return wait_until(lambda: len(client.workers()) > index and client.workers()[index]["pid"], 60, "the worker is up")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    rows = []
    print(f"{'units':>5}  {'speeds':8} {'step ms':>9} {'best ms':>9} {'over best':>10} {'over alone':>11}   unit ms")
    for units in (1, 2, 3, 4, 6, 8):
        with Service("cpu:1", threads=1) as service:
            client = Client(service.socket, timeout=300)
            client.run(job(units, 4, None))
            alone, fast = measured(client, job(units, args.steps, None))
        for name, speeds in (("learned", None), ("given", {"cpu#0": 1.0, "cpu#1": 0.5})):
            with Service("cpu:2", threads=1) as service:
                client = Client(service.socket, timeout=300)
                client.run(job(units, 4, None))
                with Brake(pid_of(client, 1)):
                    step, each = measured(client, job(units, args.steps, speeds))
            times = [each.get("cpu#0", next(iter(fast.values()))), each.get("cpu#1", 2 * next(iter(fast.values())))]
            best = best_possible(times, units)
            rows.append({"units": units, "speeds": name, "step_ms": round(step, 3), "best_ms": round(best, 3),
                         "alone_ms": round(alone, 3), "unit_ms": {w: round(t, 3) for w, t in each.items()}})
            print(f"{units:5}  {name:8} {step:9.2f} {best:9.2f} {step / best - 1:10.1%} {step / alone - 1:11.1%}   "
                  f"{rows[-1]['unit_ms']}", flush=True)
            if args.json:
                args.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
