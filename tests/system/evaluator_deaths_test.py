"""Evaluators whose worker or host is killed, and evaluates that are cancelled."""
import os
import signal
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

import numpy as np
from service import Service, wait_until

from evaluator_case import PLAIN, SHAPE
from evaluator_client import Evaluator
from host_client import Client, Refused
from jobs import MODEL


HOSTS = 50  # that are killed in an evaluate
WARM_UP = 10  # of them: by then each worker has made the memory that later ones use again


class Deaths(unittest.TestCase):
    def test_a_killed_worker_leaves_no_mark(self):
        shape = (1, 4, 64, 64)
        x = np.random.default_rng(8).standard_normal(shape).astype(np.float32)
        conds = {f"c{i}": {"text": f"number {i}"} for i in range(6)}
        with Service("cpu:2", threads=1) as service:
            client = Client(service.socket, timeout=120)
            evaluator = Evaluator(client, shape, lists=6, conds=conds, **PLAIN)
            lists = [[c] for c in conds]
            calm = [p.tobytes() for p in evaluator(x, 3.0, lists)]
            began = time.monotonic()
            self.assertEqual([p.tobytes() for p in evaluator(x, 3.0, lists)], calm)
            seconds = time.monotonic() - began
            for share in (0.2, 0.6):
                pid = client.workers()[0]["pid"]
                killer = threading.Timer(seconds * share, os.kill, (pid, signal.SIGKILL))
                killer.start()
                got = [p.tobytes() for p in evaluator(x, 3.0, lists)]
                killer.join()
                self.assertEqual(got, calm)
                wait_until(lambda: len([w for w in client.workers() if w["state"] == "ready"]) == 2,
                           60, "both workers")
            client.close()

    HOST = """
import sys
sys.path[:0] = {paths!r}
import numpy as np
from evaluator_client import Evaluator
from host_client import Client
client = Client({socket!r})
shape = (1, 4, 64, 64)
evaluator = Evaluator(client, shape, lists=2, model={{"file": {model!r}}},
                      tensors={{"c": np.zeros((1, 77, 32), np.float32)}},
                      conds={{f"c{{i}}": {{"cond": "c"}} for i in range(64)}},
                      workers={{"batching": "exact"}})
evaluator.ask(np.zeros(shape, np.float32), 1.0, [[f"c{{i}}" for i in range(64)], []])
print("asked", flush=True)
client.take_one()
"""

    def test_a_killed_host_leaves_nothing(self):
        with Service("sim:2@20ms") as service:
            client = Client(service.socket)
            pid = client.welcome["pid"]
            script = self.HOST.format(paths=sys.path, socket=str(service.socket), model=MODEL)
            descriptors = lambda: len(os.listdir(f"/proc/{pid}/fd"))
            mapped = lambda: Path(f"/proc/{pid}/maps").read_text().count("memfd:")
            units = lambda: sum(w["units_done"] for w in client.workers())
            counts = []
            for _ in range(HOSTS):
                before = units()
                host = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
                self.assertEqual(host.stdout.readline(), b"asked\n")
                host.kill()
                host.wait()
                host.stdout.close()
                other = Evaluator(client, SHAPE, tensors={"c": np.zeros((1, 77, 32), np.float32)},
                                  conds={"c": {"cond": "c"}}, model={"file": MODEL})
                other(np.zeros(SHAPE, np.float32), 1.0, [["c"]])
                other.release()
                # Free at once: the dead host's 64 units were not computed to the end.
                self.assertLess(units() - before, 64)
                counts.append((descriptors(), mapped()))
            self.assertEqual(counts[WARM_UP:], counts[WARM_UP - 1:WARM_UP] * (HOSTS - WARM_UP), counts)
            client.close()

    def test_cancel_ends_an_evaluate_within_a_unit(self):
        with Service("sim:1@200ms") as service:
            client = Client(service.socket)
            conds = {f"c{i}": {"cond": "c"} for i in range(20)}
            evaluator = Evaluator(client, SHAPE, tensors={"c": np.zeros((1, 77, 32), np.float32)},
                                  conds=conds, **PLAIN)
            x = np.zeros(SHAPE, np.float32)
            asked = evaluator.ask(x, 1.0, [list(conds)])
            client.request("cancel", evaluator=evaluator.id, request=asked)
            with self.assertRaises(Refused) as caught:
                evaluator.answer(asked, 1)
            self.assertEqual(caught.exception.code, "cancelled")
            client.request("cancel", evaluator=evaluator.id, request=asked)
            evaluator(x, 1.0, [["c0"]])
            # The one that ran at the time, and the last evaluate's.
            self.assertLessEqual(client.workers()[0]["units_done"], 2)
            client.close()

if __name__ == "__main__":
    unittest.main()
