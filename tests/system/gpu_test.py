"""GPU workers: what they say where there is no GPU; where there is one, the same bits on two workers."""
import json
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from service import BIN, Sandbox, Service, wait_until

from host_client import Client, same_bits
from jobs import MODEL, picture_job

HAS_GPU = Path("/dev/nvidia0").exists()


def gpu_job(**keys):
    return picture_job(model={"file": MODEL, "device": "default"}, **keys)


class Modules(unittest.TestCase):
    def test_they_need_no_symbol_of_the_programs_that_load_them(self):
        for name in ("libtandem_cuda.so", "libtandem_cuda_ipc.so"):
            if not (BIN / name).exists():
                self.skipTest(f"{name} was not built")
            listed = subprocess.run(["nm", "-DC", "--undefined-only", BIN / name], capture_output=True, text=True,
                                    check=True).stdout
            self.assertIn("U ", listed)
            self.assertEqual([line for line in listed.splitlines() if "tandem::" in line], [])


@unittest.skipIf(HAS_GPU, "skipped: there is a GPU")
class WithoutGpu(unittest.TestCase):
    def test_a_job_fails_at_once_and_says_why(self):
        with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "job.json")
            path.write_text(json.dumps({**gpu_job(), "output": {"latent": "out.safetensors"}}))
            began = time.monotonic()
            ran = sandbox.tandem("run", path, "--devices", "gpu:0", "--json")
            self.assertLess(time.monotonic() - began, 30)
            error = json.loads(ran.stdout.splitlines()[-1])["error"]
            self.assertEqual((ran.returncode, error["code"]), (1, "no_worker"), ran.stderr)
            self.assertIn("GPU", error["message"])

    def test_the_device_is_quarantined_with_the_reason(self):
        with Service("gpu:0,cpu:1") as service:
            client = Client(service.socket)
            self.addCleanup(client.close)

            def gpu():
                return client.request("devices")["devices"][0]
            wait_until(lambda: gpu()["state"] == "quarantined", 30, "the worker has given up")
            self.assertEqual((gpu()["name"], gpu()["type"]), ("gpu:0", "gpu"))
            self.assertIn("GPU", gpu()["reason"])
            # The CPU worker beside it goes on.
            client.run(picture_job(steps=2, model={"file": MODEL, "device": "cpu",
                                                   "text_device": "cpu"}))


class WithoutGpuWorkers(unittest.TestCase):
    def test_the_coordinator_loads_cuda_for_gpu_workers_alone(self):
        with Service("cpu:1", arguments=("--transport", "cuda-ipc")) as service:
            client = Client(service.socket)
            self.addCleanup(client.close)
            client.run(picture_job(steps=2))
            self.assertEqual([w["transport"] for w in client.workers()], ["shared memory"])
            maps = Path(f"/proc/{client.welcome['pid']}/maps").read_text()
            for library in ("libtandem_cuda", "libtorch_cuda", "libcuda.so"):
                self.assertNotIn(library, maps)


@unittest.skipUnless(HAS_GPU, "skipped: no device")
class WithGpu(unittest.TestCase):
    def test_a_transport_changes_no_bit(self):
        results = []
        for transport in ("pinned", "cuda-ipc"):
            with Service("gpu:0", arguments=("--transport", transport)) as service:
                client = Client(service.socket, timeout=120)
                results.append(client.run(gpu_job(steps=10)))
                client.close()
        self.assertTrue(same_bits(*results))

    def test_two_workers_of_a_gpu_give_the_bits_of_one(self):
        results = []
        for devices in ("gpu:0", "gpu:0x2"):
            with Service(devices) as service:
                client = Client(service.socket, timeout=120)
                results.append(client.run(gpu_job(steps=10)))
                client.close()
        self.assertTrue(same_bits(*results))

    def test_a_graph_changes_no_bit(self):
        results = []
        for graphs in ("auto", "off"):
            with Service("gpu:0", arguments=("--cuda-graphs", graphs)) as service:
                client = Client(service.socket, timeout=120)
                results.append(client.run(gpu_job(steps=10)))
                client.close()
        self.assertTrue(same_bits(*results))


if __name__ == "__main__":
    unittest.main()
