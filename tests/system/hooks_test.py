"""LoRAs and hooks between jobs and workers: what was patched leaves no trace, and a death no mark."""
import os
import signal
import tempfile
import threading
import time
import unittest
from pathlib import Path

import tensor_file
from service import Service, alive, wait_until

from host_client import Client, Refused, same_bits
from jobs import GOLDEN, picture_job

LORA = str(GOLDEN / "loras/sd1_lora_a.safetensors")
KEYFRAMES = [{"start_percent": 0.0, "strength": 1.0}, {"start_percent": 0.4, "strength": 0.3},
             {"start_percent": 0.7, "strength": -0.5}]


def hook_job(**keys):
    """A hook with keyframes on the positive cond and its text, another on the negative one."""
    hooks = {"h": [{"type": "weight", "file": LORA, "strength_model": 0.9, "strength_clip": 0.7,
                    "keyframes": KEYFRAMES}],
             "k": [{"type": "weight", "file": LORA, "strength_model": -0.6}]}
    job = picture_job(**{"steps": 12, "hooks": hooks, **keys})
    job["positive"][0].update(hooks="h", schedule_clip=True)
    job["negative"][0].update(hooks=["k"])
    return job


def lora_job(strength):
    job = picture_job()
    job["model"]["loras"] = [{"file": LORA, "strength_model": strength, "strength_clip": strength}]
    return job


def fresh(job):
    """The job's result on a service that has done nothing before."""
    with Service("cpu:2", threads=1) as service:
        client = Client(service.socket, timeout=120)
        result = client.run(job)
        client.close()
        return result


class Switching(unittest.TestCase):
    def test_loras_and_hooks_leave_no_trace(self):
        jobs = [picture_job(), lora_job(0.8), hook_job(), lora_job(-0.3)]
        expected = [fresh(job) for job in jobs]
        self.assertFalse(same_bits(expected[0], expected[1]))
        for cache in ("max-speed", "min-vram", "max-speed:1"):
            with Service("cpu:2", threads=1, arguments=("--hook-cache", cache)) as service:
                client = Client(service.socket, timeout=120)
                for turn in (0, 1, 0, 2, 1, 3, 0, 2, 0, 1):
                    with self.subTest(cache=cache, turn=turn):
                        self.assertTrue(same_bits(client.run(jobs[turn]), expected[turn]))
                client.close()


class Killed(unittest.TestCase):
    def test_a_hook_job_has_the_bits_of_an_undisturbed_run(self):
        job = hook_job(steps=40, size=192)
        with Service("cpu:2", threads=1) as service:
            client = Client(service.socket, timeout=120)
            client.run(job)
            began = time.monotonic()
            calm = client.run(job)
            seconds = time.monotonic() - began
            for share in (0.2, 0.5, 0.8):
                with self.subTest(share):
                    pid = client.workers()[0]["pid"]
                    killer = threading.Timer(seconds * share, os.kill, (pid, signal.SIGKILL))
                    number = client.submit(job)
                    killer.start()
                    self.assertTrue(same_bits(client.result(number)[1], calm))
                    killer.join()
                    wait_until(lambda: len([w for w in client.workers()
                                            if w.get("pid") and alive(w["pid"])]) == 2,
                               60, "the worker is replaced")
            client.close()


class SideFiles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = cls.enterClassContext(Service("cpu:1", threads=1))
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))

    def setUp(self):
        self.client = Client(self.service.socket, timeout=120)
        self.addCleanup(self.client.close)

    def write(self, name, tensors):
        (self.folder / name).write_bytes(tensor_file.pack(tensors))
        return str(self.folder / name)

    def warnings_of(self, job):
        number = self.client.submit(job)
        self.client.result(number)
        return {e["code"]: e["message"] for e in self.client.events_of(number, "warning")}

    def text_job(self, text, **model):
        job = picture_job(output={"cond": True})
        job["positive"][0]["text"] = text
        job["model"].update(model)
        return job

    def test_keys_that_match_nothing_are_told(self):
        known = tensor_file.load(LORA)
        self.assertNotIn("lora_keys", self.warnings_of(lora_job(1.0)))
        name = next(n for n in known if n.endswith(".alpha"))
        job = lora_job(1.0)
        job["model"]["loras"][0]["file"] = self.write(
            "odd.safetensors", {**known, "lora_te2_nobody.alpha": known[name]})
        self.assertIn("1 of", self.warnings_of(job)["lora_keys"])

    def test_embeddings(self):
        vectors = next(t for n, t in tensor_file.load(LORA).items() if t.shape == (4, 32))
        file = self.write("style.safetensors", {"emb_params": vectors})
        run = self.client.run
        spliced = self.text_job("embedding:style a cat", embeddings={"style": file})
        self.assertFalse(same_bits(run(spliced), run(self.text_job("embedding:style a cat"))))
        self.assertEqual(self.warnings_of(spliced), {})
        missing = self.text_job("embedding:gone a cat", embeddings={"style": file})
        self.assertTrue(same_bits(run(missing), run(self.text_job("a cat"))))
        self.assertIn("missing_embedding", self.warnings_of(missing))

    def test_files_that_are_no_safetensors_are_refused_by_name(self):
        for name, code in (("a.pt", "bad_checkpoint"), ("none.safetensors", "missing_file")):
            path = self.folder / name
            if code == "bad_checkpoint":
                path.write_bytes(b"PK")
            job = lora_job(1.0)
            job["model"]["loras"][0]["file"] = str(path)
            with self.subTest(name), self.assertRaises(Refused) as caught:
                self.client.submit(job)
            self.assertEqual(caught.exception.code, code)

    def test_a_lora_of_another_model_fails_with_its_name(self):
        known = tensor_file.load(LORA)
        wide = {n: t if not n.endswith("lora_up.weight") else t[:-1] for n, t in known.items()}
        job = lora_job(1.0)
        job["model"]["loras"][0]["file"] = self.write("wide.safetensors", wide)
        with self.assertRaises(Refused) as caught:
            self.client.run(job)
        self.assertEqual(caught.exception.code, "bad_shape")
        self.assertIn("wide.safetensors", str(caught.exception.error))

    def test_hooks_of_other_types_are_refused_by_name(self):
        job = hook_job()
        job["hooks"]["h"] = [{"type": "wrapper", "plugin": "p"}]
        with self.assertRaises(Refused) as caught:
            self.client.submit(job)
        self.assertEqual(caught.exception.code, "unsupported")


if __name__ == "__main__":
    unittest.main()
