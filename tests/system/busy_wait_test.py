#!/usr/bin/env python3
"""Threads and workers that poll before they sleep, and messages that go through shared memory then."""
import os
import signal
import time
import unittest
from pathlib import Path

from host_client import Client, same_bits
from service import Service, wait_until

MODEL = Path(__file__).resolve().parents[1] / "golden/models/sd1.safetensors"
JOB = {"version": 1, "model": {"file": str(MODEL)}, "positive": [{"text": "a red circle"}],
       "negative": [{"text": "blue"}], "latent": {"width": 128, "height": 128, "batch": 1},
       "noise": {"seed": 3}, "sampler": {"name": "euler", "scheduler": "normal", "steps": 10, "cfg": 7.0},
       "workers": {"batching": "exact"}, "output": {"latent": True}}


def lanes_of(pid):
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps:
        return sum("tandem-lane" in line for line in maps)


class BusyWait(unittest.TestCase):
    def test_the_same_bits_with_and_without_and_after_a_kill(self):
        results = {}
        for choice in ("off", "on"):
            with Service("cpu:1", arguments=("--busy-wait", choice)) as service:
                client = Client(service.socket)
                results[choice] = client.run(JOB)
                worker = client.workers()[0]["pid"]
                self.assertEqual(lanes_of(worker), 1 if choice == "on" else 0)
                number = client.submit(JOB)
                client.wait_for(number, lambda e: e["event"] == "step" and e["step"] == 3)
                os.kill(worker, signal.SIGKILL)
                results["killed, " + choice] = client.result(number)[1]
                self.assertEqual([e["what"] for e in client.events_of(number, "worker")],
                                 ["lost", "rerun", "replaced"])
                client.close()
        for name, result in results.items():
            self.assertTrue(same_bits(result, results["off"]), name)

    def test_a_service_that_polled_sleeps_again(self):
        with Service("sim:2@1ms", arguments=("--busy-wait", "on")) as service:
            client = Client(service.socket)
            client.run(JOB)

            def used():
                fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
                return int(fields[11]) + int(fields[12])

            for pid in service.pids_of("tandem-coordinator") + [worker["pid"] for worker in client.workers()]:
                wait_until(lambda: is_idle(used), 20, f"process {pid} sleeps")
            client.run(JOB)
            client.close()


def is_idle(used):
    """Whether a process takes no time of a processor for a while, in ticks of 10 ms."""
    before = used()
    time.sleep(0.3)
    return used() - before <= 1


if __name__ == "__main__":
    unittest.main()
