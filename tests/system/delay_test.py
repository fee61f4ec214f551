"""Answers that come late and in another order change no bit of a job."""
import collections
import os
import random
import unittest

from service import BIN, Service, wait_until

from host_client import Client, same_bits
from identity_test import BATCH, CONDS, MASKS, PLACES, TENSORS, WINDOWS
from jobs import picture_job

LIBRARY = BIN.parent / "tests/preload/delayed_answers.so"
LONGEST_MS = 20
JOBS = {"two conds": {}, "four conds": CONDS, "places": PLACES, "windows": WINDOWS, "batch": BATCH,
        "tiles": {"vae": {"decode_tiled": {"tile_x": 8, "tile_y": 8, "overlap": 2}}}}


class DelayedService(Service):
    """Whose workers wait before they answer, as a seed says."""

    def __init__(self, devices, seed):
        super().__init__(devices, threads=1)
        self.waits = self.folder / "state/waits"
        self.env.update(LD_PRELOAD=str(LIBRARY), TANDEM_TEST_DELAY_SEED=str(seed),
                        TANDEM_TEST_DELAY_MS=str(LONGEST_MS), TANDEM_TEST_DELAY_LOG=str(self.waits))


def results(service, batching):
    """{name: result} of all jobs; each worker has computed some of it."""
    client = Client(service.socket, timeout=120)
    wait_until(lambda: all(w["state"] == "ready" for w in client.workers()), 60, "all are ready")
    got = {}
    for name, keys in JOBS.items():
        workers = {"batching": batching, "split_batch": name == "batch"}
        job = picture_job(steps=4, **{**keys, "workers": workers,
                                      "output": {"latent": True, "image": True}})
        got[name] = client.run(job, {**TENSORS, **MASKS})
    units = [worker["units_done"] for worker in client.workers()]
    client.close()
    return got, units


class Delayed(unittest.TestCase):
    def test_no_bit_changes(self):
        seed = int(os.environ.get("TANDEM_SEED", random.randrange(1 << 31)))
        print(f"TANDEM_SEED={seed}", flush=True)
        for batching in ("exact", "auto"):
            with Service("cpu:3", threads=1) as service:
                calm, _ = results(service, batching)
            for turn in range(2):
                with DelayedService("cpu:3", seed + turn) as service:
                    late, units = results(service, batching)
                    waits = collections.Counter(
                        line.split()[0] for line in service.waits.read_text().splitlines())
                self.assertEqual(set(waits), {"cpu#0", "cpu#1", "cpu#2"})
                self.assertTrue(all(waits[f"cpu#{i}"] >= count for i, count in enumerate(units)))
                self.assertGreater(sum(count > 0 for count in units), 1, "the work was shared")
                for name in calm:
                    with self.subTest(name, batching=batching, seed=seed + turn):
                        self.assertTrue(same_bits(late[name], calm[name]))


if __name__ == "__main__":
    unittest.main()
