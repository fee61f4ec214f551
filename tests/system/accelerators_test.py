"""What the service tells of the machine's accelerators: a private-use one that a library brings, what hangs, what is refused."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from service import BIN, Sandbox, Service, wait_until

from host_client import Client
from jobs import MODEL, picture_job

PRELOAD = BIN.parent / "tests/preload"
LIBRARY = PRELOAD / "fake_npu.so"
TYPES = ["cuda", "hip", "xpu", "mps", "privateuseone", "mtia", "hpu", "xla", "maia", "ipu"]
USAGE = 2


class ServiceWithNpus(Service):
    """In whose processes LibTorch has a private-use back end, which answers as `count` says."""

    def __init__(self, count):
        super().__init__("sim:1")
        self.env.update(LD_PRELOAD=str(LIBRARY), TANDEM_TEST_NPU=count)

    def listing(self):
        """The process that lists accelerators, once it is there."""
        def found():
            return [pid for pid, command in self.processes().items()
                    if command.endswith("tandem-worker --list-accelerators")]
        return wait_until(found, 20, "the accelerators are asked for")[0]


def npu_of(accelerators):
    return next(kind for kind in accelerators["types"] if kind["type"] == "npu")


def listed(program=BIN / "tandem-worker", **env):
    """What a worker program prints, on one line."""
    ran = subprocess.run([program, "--list-accelerators"], check=True, capture_output=True,
                         text=True, timeout=120, env={**os.environ, **env})
    line, = ran.stdout.splitlines()
    return json.loads(line)


class Worker(unittest.TestCase):
    def test_it_tells_every_type(self):
        accelerators = listed()
        self.assertEqual([kind["type"] for kind in accelerators["types"]], TYPES)
        for kind in accelerators["types"]:
            self.assertEqual(kind["count"], len(kind["devices"]))
            self.assertEqual(kind["available"], kind["count"] > 0)
            self.assertTrue(kind["reason"] or kind["backend"], kind)
        there = [kind["type"] for kind in accelerators["types"] if kind["available"]]
        self.assertIn(accelerators["current"], there or ["cpu"])


    def test_a_rocm_build_has_hip_and_no_cuda(self):
        with tempfile.TemporaryDirectory() as folder:
            # Without CUDA's module beside it, whose half of LibTorch is this one's place.
            program = shutil.copy(BIN / "tandem-worker", folder)
            accelerators = listed(program, LD_PRELOAD=str(PRELOAD / "fake_rocm.so"))
        cuda, hip = accelerators["types"][:2]
        self.assertEqual((cuda["type"], cuda["built"], cuda["count"]), ("cuda", False, 0))
        self.assertEqual((hip["type"], hip["built"], hip["available"]), ("hip", True, True))
        self.assertEqual([device["name"] for device in hip["devices"]], ["hip:0", "hip:1"])
        self.assertEqual(hip["reason"], "Tandem has no back end for hip.")
        self.assertEqual(accelerators["current"], "hip")


@unittest.skipUnless(Path("/dev/nvidia0").exists(), "skipped: no device")
class WithGpu(unittest.TestCase):
    def test_cudas_devices_have_names(self):
        accelerators = listed()
        cuda = accelerators["types"][0]
        self.assertEqual((cuda["type"], cuda["available"], cuda["backend"]), ("cuda", True, "gpu"))
        self.assertNotIn("reason", cuda)
        for number, device in enumerate(cuda["devices"]):
            self.assertEqual(device["name"], f"cuda:{number}")
            self.assertTrue(device["description"])
        self.assertEqual(accelerators["current"], "cuda")


class Devices(unittest.TestCase):
    def test_a_private_use_one_is_told(self):
        with ServiceWithNpus("three") as service:
            client = Client(service.socket)
            self.addCleanup(client.close)
            accelerators = client.request("devices")["accelerators"]
            self.assertEqual(accelerators["current"], "npu")
            npu = npu_of(accelerators)
            self.assertEqual([device["name"] for device in npu["devices"]],
                             ["npu:0", "npu:1", "npu:2"])
            self.assertIsNone(npu["backend"])
            self.assertEqual(npu["reason"], "Tandem has no back end for npu.")
            self.assertEqual(client.request("devices")["accelerators"], accelerators)
            told = json.loads(service.tandem("devices", "--json", "--socket", service.socket).stdout)
            self.assertEqual(told["accelerators"], accelerators)
            lines = service.tandem("devices", "--socket", service.socket).stdout.splitlines()
            self.assertIn("accelerator npu  npu:0, npu:1, npu:2  Tandem has no back end for npu.", lines)
            self.assertTrue(any(line.startswith("accelerators not here: cuda") for line in lines), lines)

    def test_where_no_count_can_be_had_it_is_the_current_one(self):
        for count, problem in (("untold", None), ("throws", "deviceCount: the driver does not answer")):
            with self.subTest(count), ServiceWithNpus(count) as service:
                client = Client(service.socket)
                self.addCleanup(client.close)
                npu = npu_of(client.request("devices")["accelerators"])
                self.assertEqual(npu["devices"], [{"name": "npu:1"}])
                self.assertTrue(npu["current_only"])
                self.assertEqual(npu.get("problem"), problem)

    def test_the_service_goes_on_while_a_driver_hangs(self):
        with ServiceWithNpus("hangs") as service:
            client = Client(service.socket)
            self.addCleanup(client.close)
            asked = client.ask("devices")
            pid = service.listing()
            client.request("ping")
            client.run(picture_job(steps=1, model={"file": MODEL}))
            os.kill(pid, signal.SIGKILL)
            accelerators = client.answer(asked)[0]["accelerators"]
            self.assertEqual(set(accelerators), {"error"})
            self.assertEqual(accelerators["error"]["code"], "worker_lost")
            self.assertIn("SIGKILL", accelerators["error"]["message"])
            lines = service.tandem("devices", "--socket", service.socket).stdout
            self.assertIn("accelerators unknown: ", lines)

    def test_the_service_ends_while_a_driver_hangs(self):
        with ServiceWithNpus("hangs") as service:
            client = Client(service.socket)
            self.addCleanup(client.close)
            client.ask("devices")
            service.listing()
            service.tandem("down", "--socket", service.socket, check=True)
            wait_until(lambda: not service.processes(), 20, "all processes have ended")


class Names(unittest.TestCase):
    def test_devices_without_a_back_end_are_refused(self):
        with Sandbox() as sandbox:
            for device in ("xpu:0", "mps", "hip:0", "npu:0", "cuda:0"):
                ran = sandbox.tandem("up", "--devices", device)
                self.assertEqual(ran.returncode, USAGE, ran.stderr)
                self.assertIn(f"Device '{device}'", ran.stderr)
                self.assertIn("Tandem computes on cpu, on gpu:N", ran.stderr)

    def test_a_job_that_names_one_says_so_and_runs(self):
        with Service("sim:1") as service:
            client = Client(service.socket)
            self.addCleanup(client.close)
            for device in ("xpu:0", "mps", "npu:3", "gpu:0"):
                running = client.submit(picture_job(steps=1, model={"file": MODEL, "device": device}))
                client.result(running)
                told = [event["message"] for event in client.events_of(running)
                        if event["event"] == "warning" and event["code"] == "unknown_device"]
                self.assertEqual(len(told), 1, told)
                self.assertIn(f"model.device: there is no {device} here", told[0])


if __name__ == "__main__":
    unittest.main()
