"""Hosts take turns by the time that their units take; a flood meets its quota and disturbs nobody.

Jobs run on simulated workers, whose units all take equally long: what a host got is counted in
units, and compared when the jobs end, never by the clock.
"""
import threading
import unittest

import numpy as np
from service import Service

from evaluator_client import Evaluator
from host_client import Refused
from jobs import MODEL, picture_job
from service_case import ServiceCase


def sim_job(steps):
    return picture_job(steps=steps, model={"file": MODEL})


def is_end(event):
    return event["event"] == "phase" and event["phase"] in ("done", "failed", "cancelled")


class Fairness(ServiceCase):
    @classmethod
    def setUpClass(cls):
        cls.service = cls.enterClassContext(Service("sim:4@5ms"))

    def ends(self, jobs):
        """The jobs in the order in which they end."""
        watcher = self.client()
        for job in jobs:
            watcher.request("watch", job=job)
        for job in jobs:
            self.assertEqual(watcher.wait_for(job, is_end)["phase"], "done")
        return [e["job"] for e in watcher.events if is_end(e)]

    def units_while_both_wait(self, jobs, other_jobs):
        """{job: units} of two hosts: what each got until one of them had no job left."""
        order = self.ends([*jobs, *other_jobs])
        last = min(max(order.index(job) for job in jobs), max(order.index(job) for job in other_jobs))
        until = order[:last + 1]
        return (sum(units for job, units in jobs.items() if job in until),
                sum(units for job, units in other_jobs.items() if job in until))

    def test_unit_time_is_shared(self):
        first, second = self.client(), self.client()
        hold = first.submit(sim_job(60))  # while the jobs are sent
        jobs = {first.submit(sim_job(20)): 40 for _ in range(10)}
        others = {second.submit(sim_job(20)): 40 for _ in range(10)}
        one, two = self.units_while_both_wait(jobs | {hold: 120}, others)
        self.assertLessEqual(abs(one - two), 0.1 * max(one, two), (one, two))

    def test_units_of_an_evaluator_are_its_hosts(self):
        first, second = self.client(), self.client()
        x = np.zeros((1, 4, 16, 16), np.float32)
        beside = self.client(session=first.welcome["session"])
        evaluator = Evaluator(beside, x.shape, lists=2, model={"file": MODEL},
                              conds={"p": {"text": "a"}, "n": {"text": "b"}},
                              workers={"batching": "exact"})
        all_ended = threading.Event()

        def sample():
            while not all_ended.is_set():
                evaluator(x, 3.0, [["p"], ["n"]])
        thread = threading.Thread(target=sample)
        thread.start()
        try:
            hold = second.submit(sim_job(20))
            jobs = [first.submit(sim_job(20)) for _ in range(10)]
            others = [second.submit(sim_job(20)) for _ in range(10)]
            order = self.ends([hold, *jobs, *others])
        finally:
            all_ended.set()
            thread.join()
        before = sum(order.index(job) < order.index(others[-1]) for job in jobs)
        self.assertLessEqual(before, 5, "of ten jobs, beside an evaluator that is always busy")

    def test_short_jobs_do_not_lose_to_long_ones(self):
        first, second = self.client(), self.client()
        jobs = {first.submit(sim_job(40)): 80 for _ in range(10)}
        others = {second.submit(sim_job(8)): 16 for _ in range(40)}
        one, two = self.units_while_both_wait(jobs, others)
        self.assertLessEqual(abs(one - two), 80 + 0.1 * max(one, two), (one, two))

    def test_a_flood_meets_its_quota_and_disturbs_nobody(self):
        flood, quiet = self.client(), self.client()
        limit = flood.welcome["limits"]["queued_jobs"]
        jobs = [flood.submit(sim_job(4)) for _ in range(8)]
        with self.assertRaises(Refused) as caught:
            for _ in range(2 * limit):
                jobs.append(flood.submit(sim_job(4)))
        self.assertEqual(caught.exception.code, "quota")
        others = [quiet.submit(sim_job(4)) for _ in range(10)]
        watcher = self.client()
        for job in [*jobs, *others]:
            watcher.request("watch", job=job)
        watcher.wait_for(others[-1], is_end)
        ended = [e["job"] for e in watcher.events if is_end(e)]
        between = ended[ended.index(others[0]):ended.index(others[-1])]
        self.assertLessEqual(sum(job in jobs for job in between), 11,
                             "jobs of the flood between the first and the last of ten")
        for job in jobs:
            flood.request("cancel", job=job)

    def test_the_connections_of_a_session_are_one_host(self):
        first, other = self.client(), self.client()
        second = self.client(session=first.welcome["session"])
        hold = first.submit(sim_job(60))
        jobs = [client.submit(sim_job(4)) for client in (first, second) for _ in range(3)]
        others = [other.submit(sim_job(4)) for _ in range(6)]
        order = self.ends([hold, *jobs, *others])
        self.assertEqual([job for job in order if job in jobs], jobs)
        self.assertLessEqual(max(order.index(job) for job in others), 9,
                             "one at most of the other host comes between")

    def test_priority_is_within_a_user(self):
        client = self.client()
        hold = client.submit(sim_job(60))
        client.wait_for(hold, lambda event: event.get("phase") == "sampling")
        low = client.submit(sim_job(1), priority=-10)
        usual = client.submit(sim_job(1))
        high = self.client().submit(sim_job(1), priority=10)
        self.assertEqual(self.ends([hold, low, usual, high]), [hold, high, usual, low])
        self.refused("out_of_range", client.submit, sim_job(1), priority=11)


if __name__ == "__main__":
    unittest.main()
