"""Models in the workers' memory: shared, counted, and made to leave."""
import os
import shutil
import signal
import unittest
from pathlib import Path

import numpy as np
import tensor_file
from service import Sandbox, Service, wait_until

from host_client import Client, same_bits
from jobs import MODEL, long_job, picture_job

MIB = 1 << 20
MARGIN = 1.15  # of one copy, for three workers


class HalfService(Service):
    """A service, and in its folder the tiny checkpoint stored in half precision."""

    def __enter__(self):
        super().__enter__()
        self.model = self.folder / "half.safetensors"
        tensors = {name: array.astype(np.float16) if array.dtype == np.float32 else array
                   for name, array in tensor_file.load(MODEL).items()}
        self.model.write_bytes(tensor_file.pack(tensors, tensor_file.metadata(MODEL)))
        return self


def job_with(model, **keys):
    job = picture_job(steps=4, model={"file": str(model), "device": "cpu"}, **keys)
    job["positive"] = [{"text": text} for text in ("a red circle", "a square", "late")]
    job["output"] = {"latent": True, "image": True}
    return job


def converted_weights(pids):
    """{inode: [proportional bytes in each process that maps it]} of converted weights."""
    found = {}
    for pid in pids:
        inode = None
        for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
            parts = line.split()
            if "-" in parts[0] and not parts[0].endswith(":"):
                inode = parts[4] if "memfd:tandem-weights" in line else None
                writable = "w" in parts[1]
                assert not (inode and writable), line
            elif inode and parts[0] == "Pss:":
                found.setdefault(inode, []).append(int(parts[1]) * 1024)
    return found


class Sharing(unittest.TestCase):
    def run_on(self, devices):
        """(result, converted weights as the workers map them, bytes held) after a job."""
        with HalfService(devices, threads=1) as service:
            client = Client(service.socket)
            wait_until(lambda: all(w["state"] == "ready" for w in client.workers()), 60,
                       "all workers are up")
            tensors = [client.run(job_with(service.model)) for _ in range(2)]
            self.assertTrue(same_bits(*tensors))
            weights = converted_weights(service.pids_of("tandem-worker"))
            held = client.request("devices")["devices"][0]["held"]
            client.close()
            return tensors[0], weights, held

    def test_all_workers_map_one_copy_of_converted_weights(self):
        one, alone, held_by_one = self.run_on("cpu:1")
        three, shared, held_by_three = self.run_on("cpu:3")
        self.assertTrue(same_bits(one, three))
        self.assertEqual(held_by_one, held_by_three)
        self.assertEqual(len(alone), 3)  # diffusion model, text encoder, VAE
        self.assertEqual(len(shared), 3)
        self.assertEqual(max(len(users) for users in shared.values()), 3)
        total = sum(map(sum, alone.values()))
        self.assertGreater(total, 4 * MIB)
        self.assertLessEqual(sum(map(sum, shared.values())), MARGIN * total)

    def test_a_worker_that_was_replaced_maps_the_same_copy(self):
        with HalfService("cpu:2", threads=1) as service:
            client = Client(service.socket)
            first = client.run(job_with(service.model))
            before = set(converted_weights(service.pids_of("tandem-worker")))
            self.assertTrue(before)
            killed = client.workers()[0]["pid"]
            os.kill(killed, signal.SIGKILL)
            wait_until(lambda: all(w["state"] == "ready" and w["pid"] != killed
                                   for w in client.workers()), 30, "the worker is replaced")
            self.assertTrue(same_bits(client.run(job_with(service.model)), first))
            client.close()


class Room(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = cls.enterClassContext(Service("cpu:2", threads=1))
        cls.copies = [cls.service.folder / f"model-{i}.safetensors" for i in range(3)]
        for copy in cls.copies:
            shutil.copy(MODEL, copy)

    def setUp(self):
        self.client = Client(self.service.socket)
        self.addCleanup(self.client.close)
        self.addCleanup(self.client.request, "budget", device="cpu", bytes=None)
        self.client.request("unload", all=True)

    def device(self):
        return self.client.request("devices")["devices"][0]

    def run_model(self, index):
        job = self.client.submit(job_with(self.copies[index]))
        tensors = self.client.result(job)[1]
        return tensors, [e["code"] for e in self.client.events_of(job, "warning")]

    def test_devices_tell_bytes_per_model_and_budget(self):
        self.run_model(0)
        device = self.device()
        self.assertEqual(list(device["models"]), ["model-0.safetensors"])
        self.assertEqual(device["held"], sum(device["models"].values()))
        self.assertIsNone(device["budget"])
        self.client.request("budget", device="cpu", bytes=5 * MIB)
        self.assertEqual(self.device()["budget"], 5 * MIB)

    def test_unload_frees_and_the_model_can_be_used_again(self):
        first = self.run_model(0)[0]
        held = self.device()["held"]
        reply = self.client.request("unload", model="model-0.safetensors")
        self.assertEqual((reply["before"], reply["after"]), ({"cpu": held}, {"cpu": 0}))
        self.assertNotIn("in_use", reply)
        self.assertEqual(self.device()["models"], {})
        self.assertTrue(same_bits(self.run_model(0)[0], first))

    def test_a_job_keeps_its_model(self):
        self.run_model(1)
        job = self.client.submit(long_job())
        self.client.wait_for(job, lambda e: e["event"] == "step")
        reply = self.client.request("unload", all=True)
        self.assertEqual(reply["in_use"], [Path(MODEL).name])
        self.assertEqual(list(self.device()["models"]), [Path(MODEL).name])
        self.client.request("cancel", job=job)

    def test_least_recently_used_leaves_within_the_budget(self):
        self.run_model(0)
        one = self.device()["held"]
        self.client.request("budget", device="cpu", bytes=2 * one + one // 2)
        self.run_model(1)
        self.run_model(0)
        self.run_model(2)
        device = self.device()
        self.assertLessEqual(device["held"], device["budget"])
        self.assertEqual(device["models"]["model-0.safetensors"], one)
        self.assertEqual(device["models"]["model-2.safetensors"], one)
        # Parts leave one by one: what fits of the model in between may still be there.
        self.assertLess(device["models"].get("model-1.safetensors", 0), one)
        self.client.request("budget", device="cpu", bytes=one)
        self.assertEqual(self.device()["models"], {"model-2.safetensors": one})

    def test_a_model_past_the_budget_is_loaded_with_a_warning(self):
        plain = self.run_model(0)[0]
        self.run_model(1)
        self.client.request("budget", device="cpu", bytes=1)
        tensors, warnings = self.run_model(0)
        self.assertTrue(same_bits(tensors, plain))
        self.assertEqual(set(warnings), {"over_budget"})
        self.assertEqual(set(self.device()["models"]), {"model-0.safetensors"})

    def test_free_takes_what_is_not_used(self):
        self.run_model(0)
        self.run_model(1)
        there = self.client.request("free", device="cpu", bytes=0)["free"]
        self.assertEqual(len(self.device()["models"]), 2)
        self.client.request("free", device="cpu", bytes=there + 1000 * MIB * MIB)
        self.assertEqual(self.device()["models"], {})

    def test_unknown_names_are_refused(self):
        for kind, keys in (("unload", {"model": "no-such-model"}),
                           ("free", {"device": "gpu:9", "bytes": 1}),
                           ("budget", {"device": "gpu:9", "bytes": 1})):
            with self.subTest(kind), self.assertRaises(Exception) as caught:
                self.client.request(kind, **keys)
            self.assertEqual(caught.exception.code, "not_found")


class CommandLine(unittest.TestCase):
    def test_budget_and_unload(self):
        with Sandbox() as sandbox:
            up = sandbox.tandem("up", "--devices", "cpu:1", "--budget", "cpu=1GiB")
            self.assertEqual(up.returncode, 0, up.stderr)
            self.addCleanup(sandbox.tandem, "down")
            self.assertIn("budget 1.0 GiB", sandbox.tandem("devices").stdout)
            client = Client(sandbox.socket)
            client.run(picture_job(steps=1))
            client.close()
            name = Path(MODEL).name
            self.assertIn(f"holds {name}", sandbox.tandem("devices").stdout)
            unload = sandbox.tandem("unload", "--model", name)
            self.assertRegex(unload.stdout, r"cpu  \d+\.\d MiB before, 0\.0 MiB after")
            self.assertEqual(sandbox.tandem("unload", "--all").returncode, 0)
            self.assertEqual(sandbox.tandem("unload", "--model", "no-such-model").returncode, 1)
            self.assertEqual(sandbox.tandem("unload").returncode, 2)
            self.assertEqual(sandbox.tandem("down").returncode, 0)

    def test_a_budget_that_is_none(self):
        with Sandbox() as sandbox:
            for budget in ("much", "gpu:0=1GiB"):
                self.assertEqual(sandbox.tandem("up", "--budget", budget).returncode, 2, budget)


if __name__ == "__main__":
    unittest.main()
