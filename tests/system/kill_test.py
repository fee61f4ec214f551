"""Workers killed at random moments: the job ends with the bits of an undisturbed run."""
import os
import random
import signal
import threading
import time
import unittest

from service import Service, alive, wait_until

from host_client import Client, same_bits
from jobs import FULL, picture_job

SEED = int(os.environ.get("TANDEM_SEED", "20260101"))
ROUNDS = 20 if FULL else 6
JOB = picture_job(steps=40, size=192)


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
        return True
    except ProcessLookupError:
        return False


class KillWorkers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"TANDEM_SEED={SEED}", flush=True)
        cls.service = cls.enterClassContext(Service("cpu:2", threads=1))
        client = Client(cls.service.socket)
        client.run(JOB)  # loads the model on both
        began = time.monotonic()
        cls.calm = client.run(JOB)
        cls.seconds = time.monotonic() - began
        client.close()

    def setUp(self):
        self.client = Client(self.service.socket, timeout=120)
        self.addCleanup(self.client.close)
        wait_until(lambda: len(self.running_workers()) == 2, 60, "two workers are up")

    def running_workers(self):
        return [w["pid"] for w in self.client.workers() if w.get("pid") and alive(w["pid"])]

    def disturbed(self, pids, delay):
        """(result, events) of the job with these workers killed `delay` seconds after it began."""
        killer = threading.Timer(delay, lambda: [kill(p) for p in pids])
        job = self.client.submit(JOB)
        killer.start()
        result = self.client.result(job)[1]
        killer.join()
        return result, self.client.events_of(job)

    def check(self, pids, delay):
        result, events = self.disturbed(pids, delay)
        self.assertTrue(same_bits(result, self.calm), f"killed {len(pids)} after {delay:.3f} s")
        steps = [e["step"] for e in events if e["event"] == "step"]
        self.assertEqual(steps, list(range(1, 41)))
        self.assertEqual([e["seq"] for e in events], list(range(1, len(events) + 1)))
        # A worker has one unit in flight, so no more than one for each death is computed again.
        again = [e for e in events if e["event"] == "worker" and e.get("what") == "rerun"]
        self.assertLessEqual(len(again), len(pids))
        return events

    def test_one_at_a_random_moment(self):
        moments = random.Random(SEED)
        told = 0
        for _ in range(ROUNDS):
            pid = moments.choice(self.running_workers())
            events = self.check([pid], moments.uniform(0, self.seconds * 0.9))
            told += any(e["event"] == "worker" and e.get("what") == "lost" for e in events)
            wait_until(lambda: len(self.running_workers()) == 2, 60, "the worker is replaced")
            self.assertNotIn(pid, self.running_workers())
        # A moment after the last unit is no event of the job; most are before.
        self.assertGreaterEqual(told, ROUNDS // 2)

    def test_all_at_once(self):
        for share in (0.2, 0.6):
            self.check(self.running_workers(), self.seconds * share)
            wait_until(lambda: len(self.running_workers()) == 2, 60, "the workers are replaced")

    def test_service_answers_while_no_worker_lives(self):
        for pid in self.running_workers():
            kill(pid)
        began = time.monotonic()
        self.client.request("ping")
        self.client.request("devices")
        self.assertLess(time.monotonic() - began, 1.0)


class KillWhileLoading(unittest.TestCase):
    def test_model_is_loaded_anew(self):
        with Service("cpu:2", threads=1) as service:
            client = Client(service.socket)
            calm = client.run(JOB)
            client.close()
        for pause in (0.0, 0.01, 0.05):
            with self.subTest(pause), Service("cpu:2", threads=1) as service:
                client = Client(service.socket, timeout=120)
                pid = client.workers()[0]["pid"]
                job = client.submit(JOB)
                begun = ("loading", "encoding", "sampling")
                client.wait_for(job, lambda e: e.get("phase") in begun)
                time.sleep(pause)
                self.assertTrue(kill(pid))
                self.assertTrue(same_bits(client.result(job)[1], calm))
                client.close()


if __name__ == "__main__":
    unittest.main()
