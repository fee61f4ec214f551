"""What is left after an end, an interrupt or a kill: no process, no socket, no file."""
import json
import os
import signal
import socket
import unittest

from service import Sandbox, Service, accepts, alive, wait_until

from host_client import Client, Closed, Refused, same_bits
from jobs import long_job, picture_job


def shared_memory_names():
    return set(os.listdir("/dev/shm"))


class Leftovers(unittest.TestCase):
    def assert_nothing_left(self, sandbox, seconds=1.0):
        wait_until(lambda: not sandbox.processes(), seconds,
                   f"no process is left: {sandbox.processes()}")
        self.assertEqual(sandbox.files(), [])

    def setUp(self):
        self.shared_memory = shared_memory_names()

    def tearDown(self):
        self.assertEqual(shared_memory_names() - self.shared_memory, set())

    def write_job(self, sandbox, job):
        path = sandbox.folder / "state/job.json"
        path.write_text(json.dumps({**job, "output": {"latent": "out.safetensors"}}))
        return path

    def test_down(self):
        with Service("cpu:2") as service:
            client = Client(service.socket)
            client.run(picture_job())
            client.close()
            self.assertEqual(service.tandem("down", "--socket", service.socket).returncode, 0)
            self.assert_nothing_left(service)

    def test_down_while_a_job_runs(self):
        with Service("cpu:2") as service:
            client = Client(service.socket)
            job = client.submit(long_job())
            client.wait_for(job, lambda e: e["event"] == "step")
            self.assertEqual(service.tandem("down", "--socket", service.socket).returncode, 0)
            self.assert_nothing_left(service)
            client.close()

    def test_up_in_the_background_and_down(self):
        with Sandbox() as sandbox:
            up = sandbox.tandem("up", "--devices", "cpu:1", "--socket", sandbox.socket)
            self.assertEqual(up.returncode, 0, up.stderr)
            self.assertTrue(accepts(sandbox.socket))
            down = sandbox.tandem("down", "--socket", sandbox.socket)
            self.assertEqual(down.returncode, 0, down.stderr)
            self.assert_nothing_left(sandbox)

    def test_private_run(self):
        with Sandbox() as sandbox:
            path = self.write_job(sandbox, picture_job())
            run = sandbox.tandem("run", path, "--devices", "cpu:2")
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertTrue((path.parent / "out.safetensors").exists())
            self.assert_nothing_left(sandbox)

    def test_interrupt_of_a_private_run(self):
        for number, status in ((signal.SIGINT, (130, -signal.SIGINT)),
                               (signal.SIGTERM, (143, -signal.SIGTERM))):
            with self.subTest(number), Sandbox() as sandbox:
                path = self.write_job(sandbox, long_job())
                run = sandbox.start("run", path, "--devices", "cpu:2")
                wait_until(lambda: len(sandbox.pids_of("tandem-worker")) == 2, 60, "two workers")
                run.send_signal(number)
                _, words = run.communicate(timeout=20)
                self.assertIn(run.returncode, status, words)
                self.assert_nothing_left(sandbox)
                self.assertFalse((path.parent / "out.safetensors").exists())

    def test_kill_of_a_private_run(self):
        with Sandbox() as sandbox:
            run = sandbox.start("run", self.write_job(sandbox, long_job()), "--devices", "cpu:2")
            wait_until(lambda: len(sandbox.pids_of("tandem-worker")) == 2, 60, "two workers")
            run.kill()
            run.communicate()
            wait_until(lambda: not sandbox.processes(), 2.0, "no process is left")

    def test_interrupt_of_a_run_on_a_service_ends_its_job_only(self):
        with Service("cpu:2") as service:
            path = self.write_job(service, long_job())
            run = service.start("run", path, "--socket", service.socket)
            client = Client(service.socket)

            def running():
                return [j for j in client.request("jobs")["jobs"] if j["state"] == "sampling"]

            wait_until(running, 60, "the job runs")
            run.send_signal(signal.SIGINT)
            _, words = run.communicate(timeout=20)
            self.assertEqual(run.returncode, 130, words)
            wait_until(lambda: not running(), 10, "the job is cancelled")
            client.run(picture_job())
            client.close()

    def test_killed_coordinator_is_started_again(self):
        with Service("cpu:2") as service:
            client = Client(service.socket)
            calm = client.run(picture_job())
            workers = service.pids_of("tandem-worker")
            (coordinator,) = service.pids_of("tandem-coordinator")
            os.kill(coordinator, signal.SIGKILL)
            wait_until(lambda: not any(map(alive, workers)), 1.0, "its workers are gone")
            with self.assertRaises(Closed):
                client.request("ping")
            client.close()
            wait_until(lambda: accepts(service.socket), 30, "the service is back")
            self.assertNotIn(coordinator, service.pids_of("tandem-coordinator"))
            again = Client(service.socket)
            self.assertTrue(same_bits(again.run(picture_job()), calm))
            again.close()

    def test_killed_launcher_takes_all_with_it(self):
        with Service("cpu:2") as service:
            service.launcher.kill()
            service.launcher.wait()
            wait_until(lambda: not service.processes(), 2.0, "no process is left")
            # What it could not remove must not stand in the way.
            service.up()
            self.assertTrue(accepts(service.socket))

    def test_up_replaces_a_stale_socket_and_nothing_else(self):
        with Service("cpu:1") as service:
            service.tandem("down", "--socket", service.socket)
            service.launcher.wait(20)
            with socket.socket(socket.AF_UNIX) as stale:
                stale.bind(str(service.socket))
            service.up()
            service.tandem("down", "--socket", service.socket)
            service.launcher.wait(20)
            service.socket.write_text("no socket")
            up = service.tandem("up", "--devices", "cpu:1", "--socket", service.socket)
            self.assertNotEqual(up.returncode, 0)
            self.assertEqual(service.socket.read_text(), "no socket")

    def test_second_service_is_refused_and_the_first_goes_on(self):
        with Service("cpu:1") as service:
            second = service.tandem("up", "--devices", "cpu:1", "--socket", service.socket)
            self.assertEqual(second.returncode, 4, second.stderr)
            owners = service.pids_of("tandem-coordinator") + service.pids_of("tandem")
            self.assertTrue(any(str(pid) in second.stderr + second.stdout for pid in owners),
                            second.stderr)
            client = Client(service.socket)
            client.request("ping")
            client.close()

    def test_no_descriptor_or_memory_is_left_by_jobs(self):
        with Service("cpu:2") as service:
            client = Client(service.socket)
            (coordinator,) = service.pids_of("tandem-coordinator")

            def one_of_each():
                job = client.submit(picture_job(steps=2, output={"latent": True, "image": True}))
                client.result(job)
                client.request("forget", job=job)
                job = client.submit(long_job())
                client.wait_for(job, lambda e: e["event"] == "step")
                client.request("cancel", job=job)
                with self.assertRaises(Refused):
                    client.result(job)
                client.request("forget", job=job)

            for _ in range(2):
                one_of_each()
            before = len(os.listdir(f"/proc/{coordinator}/fd"))
            for _ in range(6):
                one_of_each()
            wait_until(lambda: len(os.listdir(f"/proc/{coordinator}/fd")) <= before, 5,
                       "as many descriptors as before")
            client.close()


if __name__ == "__main__":
    unittest.main()
