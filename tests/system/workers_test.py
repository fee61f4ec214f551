"""Workers added, drained, disabled and enabled under a running job: the same bits."""
import unittest

from service import Service, alive, wait_until

from host_client import same_bits
from jobs import picture_job
from service_case import ServiceCase


class Workers(ServiceCase):
    def setUp(self):
        # One test's workers are not the next one's.
        self.service = self.enterContext(Service("cpu:2"))
        self.host = self.client()
        wait_until(lambda: {w["state"] for w in self.host.workers()} == {"ready"}, 20,
                   "both are ready")

    @classmethod
    def setUpClass(cls):
        pass

    def state_of(self, name):
        return next(w["state"] for w in self.host.workers() if w["name"] == name)

    def set(self, device, action):
        return self.host.request("worker", device=device, action=action)["device"]

    def begun(self, job):
        """The job, in its first step."""
        running = self.host.submit(job)
        self.host.wait_for(running, lambda e: e["event"] == "step")
        return running

    def test_a_job_keeps_its_bits_whatever_is_asked_of_its_workers(self):
        job = picture_job(steps=120)
        calm = self.host.run(job)
        running = self.begun(job)
        pid = next(w["pid"] for w in self.host.workers() if w["name"] == "cpu#0")
        self.set("cpu#0", "disable")
        wait_until(lambda: self.state_of("cpu#0") == "disabled", 20, "cpu#0 is disabled")
        self.assertFalse(alive(pid))
        self.set("cpu", "add")
        self.set("cpu#1", "drain")
        self.set("cpu#0", "enable")
        self.assertTrue(same_bits(self.host.result(running)[1], calm))
        events = self.host.events_of(running)
        self.assertTrue(any(e["event"] == "worker" and e["what"] == "lost" for e in events))
        self.assertEqual(self.state_of("cpu#1"), "drained")
        wait_until(lambda: self.state_of("cpu#2") == "ready", 20, "cpu#2 is ready")
        self.assertTrue(same_bits(self.host.run(job), calm))

    def test_what_only_drained_workers_could_compute_waits(self):
        device = self.set("cpu", "drain")
        self.assertEqual((device["name"], device["state"]), ("cpu", "drained"))
        waiting = self.host.submit(picture_job())
        self.host.request("ping")
        self.assertNotIn(self.host.request("job", job=waiting)["state"], ("done", "failed"))
        self.set("cpu", "enable")
        self.assertEqual(self.host.result(waiting)[1].keys(), {"samples"})

    def test_what_only_disabled_workers_could_compute_fails(self):
        running = self.begun(picture_job(steps=2000))
        self.set("cpu", "disable")
        error = self.refused("no_worker", self.host.result, running)
        self.assertIn("disabled on request", error["message"])
        wait_until(lambda: not self.service.pids_of("tandem-worker"), 20, "no process is left")
        wait_until(lambda: self.host.request("devices")["devices"][0]["state"] == "disabled", 20,
                   "the device is disabled")
        self.set("cpu", "enable")
        self.assertEqual(self.host.run(picture_job()).keys(), {"samples"})

    def test_what_is_not_there_is_not_found(self):
        for action in ("add", "drain", "enable", "disable"):
            self.refused("not_found", self.set, "gpu:7", action)
        self.refused("not_found", self.set, "cpu#0", "add")
        self.refused("out_of_range", self.set, "cpu", "sleep")
        for _ in range(62):
            self.set("cpu", "add")
            self.set("cpu", "disable")
        self.refused("quota", self.set, "cpu", "add")

    def test_the_command_line(self):
        def worker(*arguments):
            return self.service.tandem("worker", *arguments, "--socket", self.service.socket)
        ran = worker("cpu#1", "drain")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertRegex(ran.stdout, r"cpu#1 +drained")
        self.assertRegex(worker("cpu#1", "enable").stdout, r"cpu#1 +ready")
        self.assertEqual(worker("gpu:7", "drain").returncode, 1)
        self.assertEqual(worker("cpu", "sleep").returncode, 2)


if __name__ == "__main__":
    unittest.main()
