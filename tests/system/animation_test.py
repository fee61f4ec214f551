"""Motion modules: the same bits on any number of workers, refusals by name, memory that is counted."""
import tempfile
import unittest
from pathlib import Path

from service import Service, wait_until

from animation import animation_job, write_checkpoint, write_motion
from host_client import Client, Refused, distance, same_bits
from jobs import GOLDEN

WINDOWS = {"context": {"length": 4, "overlap": 2, "schedule": "looped_uniform", "fuse": "flat",
                       "closed_loop": True, "dim": 0}}
AUTO = {"workers": {"batching": "auto"}}


class Animation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.model = write_checkpoint(f"{cls.folder.name}/model.safetensors")
        cls.motion = {version: write_motion(f"{cls.folder.name}/{version}.safetensors", version)
                      for version in ("v1", "v2", "v3")}

    def jobs(self):
        """{name: (job, tensors)}"""
        jobs = {}
        for version, file in self.motion.items():
            jobs[version] = animation_job(self.model, file)
            jobs[f"{version} in windows"] = animation_job(self.model, file, **WINDOWS)
        jobs["none"] = animation_job(self.model, None)
        jobs["weaker"] = animation_job(self.model, self.motion["v3"],
                                       options={"scale": 1.3, "effect": 0.6})
        jobs["late"] = animation_job(self.model, self.motion["v3"], options={"start_percent": 0.5})
        jobs["no effect"] = animation_job(self.model, self.motion["v3"], options={
            "effect": 0.0, "beta_schedule": "use existing"})
        return jobs

    def results(self, devices, keys):
        """{name: result} of all jobs, and how many workers computed anything."""
        with Service(devices, threads=1) as service:
            client = Client(service.socket)
            wait_until(lambda: all(w["state"] == "ready" for w in client.workers()), 60, "all are ready")
            got = {name: client.run({**job, **keys}, tensors)
                   for name, (job, tensors) in self.jobs().items()}
            busy = sum(worker["units_done"] > 0 for worker in client.workers())
            client.close()
            return got, busy

    def test_the_same_bits_on_one_and_three_workers(self):
        one, _ = self.results("cpu:1", {})
        three, busy = self.results("cpu:3", {})
        self.assertGreater(busy, 1, "the work was shared")
        for name in one:
            self.assertTrue(same_bits(one[name], three[name]), name)
        samples = {name: result["samples"] for name, result in one.items()}
        self.assertTrue(same_bits(one["no effect"], one["none"]))
        for name in ("v1", "v2", "v3 in windows", "weaker", "late", "none"):
            self.assertGreater(distance(samples[name], samples["v3"]), 1e-3, name)

    def test_auto_repeats_its_bits_and_differs_in_the_last_ones_only(self):
        exact, _ = self.results("cpu:1", {})
        for devices in ("cpu:1", "cpu:3"):
            first, _ = self.results(devices, AUTO)
            again, _ = self.results(devices, AUTO)
            for name in exact:
                with self.subTest(name, devices=devices):
                    self.assertTrue(same_bits(first[name], again[name]))
                    self.assertLess(distance(first[name]["samples"], exact[name]["samples"]), 1e-3)


class Refusals(unittest.TestCase):
    def test_what_does_not_fit_is_refused_by_its_key(self):
        with tempfile.TemporaryDirectory() as folder, Service("cpu:1") as service:
            model = write_checkpoint(f"{folder}/model.safetensors")
            motion = write_motion(f"{folder}/v1.safetensors", "v1")
            other = str(GOLDEN / "models/sd2v.safetensors")
            small = str(GOLDEN / "models/sd1.safetensors")
            client = Client(service.socket)
            for code, path, (job, tensors) in (
                    ("unsupported", "motion.file", animation_job(other, motion)),
                    ("bad_checkpoint", motion, animation_job(small, motion)),
                    ("unknown_family", model, animation_job(model, model)),
                    ("out_of_range", "latent", animation_job(model, motion, frames=25)),
                    ("out_of_range", "context.length", animation_job(
                        model, motion, frames=30, context={"length": 25, "dim": 0})),
                    ("unsupported", "motion.beta_schedule", animation_job(
                        model, motion, options={"beta_schedule": "cosine"})),
                    ("out_of_range", "motion.scale", animation_job(model, motion, options={"scale": -1.0})),
                    ("bad_request", "motion.effect", animation_job(model, None, options={"effect": 0.5}))):
                with self.subTest(path), self.assertRaises(Refused) as refusal:
                    client.submit(job, tensors)
                self.assertEqual((refusal.exception.error["code"], refusal.exception.error["path"]),
                                 (code, path))
            client.close()


class Memory(unittest.TestCase):
    def test_the_modules_are_counted_and_leave_with_the_model(self):
        with tempfile.TemporaryDirectory() as folder, Service("cpu:1") as service:
            model = write_checkpoint(f"{folder}/model.safetensors")
            motion = write_motion(f"{folder}/v3.safetensors", "v3")
            client = Client(service.socket)
            held = []
            for file in (None, motion):
                client.run(*animation_job(model, file, steps=1))
                held.append(self.held(client))
                client.request("unload", all=True)
            self.assertEqual(self.held(client), 0)
            # float32 tensors that are used where they lie; the header is not among them.
            weights = Path(motion).stat().st_size
            self.assertLess(abs(held[1] - held[0] - weights), 0.1 * weights)
            client.close()

    @staticmethod
    def held(client):
        return sum(device["held"] for device in client.request("devices")["devices"])


if __name__ == "__main__":
    unittest.main()
