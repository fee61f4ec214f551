"""The same job has the same bits however many workers take part."""
import tempfile
import unittest

import numpy as np
from service import Service, wait_until

from host_client import Client, distance, same_bits
from jobs import picture_job, small_upscaler

# Four conds, unequal in length: work for up to four workers in each step.
CONDS = {"positive": [{"text": "a red circle"}, {"text": "a square " * 40, "strength": 0.5},
                      {"text": "late", "start_percent": 0.4}],
         "negative": [{"text": "blue"}]}


# Parts of the latent (16 by 16 cells): an area, which the negative gets too, a mask per item, what is left.
TENSORS = {"mask": np.linspace(0, 1, 16 * 16, dtype=np.float32).reshape(16, 16)}
PLACES = {"positive": [{"text": "a red circle", "area": {"height": 10, "width": 9, "y": 3, "x": 4}},
                       {"text": "a square", "mask": "mask", "mask_strength": 0.5},
                       {"text": "the rest", "default": True}],
          "negative": [{"text": "blue"}]}
WINDOWS = {**PLACES, "context": {"length": 7, "overlap": 2, "schedule": "looped_uniform", "dim": 3}}


# Three items, masked each by itself, decoded each by itself.
BATCH = {"positive": [{"text": "a red circle", "mask": "masks"}, {"text": "the rest", "default": True}],
         "negative": [{"text": "blue"}], "latent": {"width": 128, "height": 128, "batch": 3}}
MASKS = {"masks": np.linspace(0, 1, 3 * 16 * 16, dtype=np.float32).reshape(3, 16, 16)}


def busy_workers(client):
    return sum(worker["units_done"] > 0 for worker in client.workers())


# Jobs after the first, until another worker has computed some of them: one that was slow to load its model may have
# missed the first.
MORE_JOBS = 8


def results(devices, batching, runs=1, tensors=None, split=False, **conds):
    """(results of the same job, one after another, on a service of its own; workers that computed
    anything)"""
    job = picture_job(steps=10, workers={"batching": batching, "split_batch": split}, **conds)
    job["output"] = {"latent": True, "image": True}
    with Service(devices, threads=1) as service:
        client = Client(service.socket)
        wait_until(lambda: all(w["state"] == "ready" for w in client.workers()), 60, "all are ready")
        got = [client.run(job, tensors) for _ in range(runs)]
        while batching == "exact" and devices != "cpu:1" and busy_workers(client) == 1 and len(got) <= MORE_JOBS:
            got.append(client.run(job, tensors))
        busy = busy_workers(client)
        client.close()
        return got, busy


def tiled_results(devices, upscaler):
    """(tensors of a job whose latent is decoded and upscaled in tiles, the same of one that only
    upscales a batch of pictures, workers that computed anything)"""
    upscale = {"model": {**picture_job()["model"], "upscale": upscaler},
               "vae": {"decode_tiled": {"tile_x": 8, "tile_y": 8, "overlap": 2}},
               "upscale": {"tile": 48, "overlap": 8}, "output": {"image": True}}
    pictures = {"version": 1, "model": {"upscale": upscaler}, "output": {"image": True},
                "upscale": {"image": "in", "tile": 32, "overlap": 8}}
    given = np.random.default_rng(2).random((2, 70, 90, 3), np.float32)
    with Service(devices, threads=1) as service:
        client = Client(service.socket)
        made = client.run(picture_job(steps=2, **upscale))
        enlarged = client.run(pictures, {"in": given})
        busy = busy_workers(client)
        client.close()
    return made, enlarged, busy


class Identity(unittest.TestCase):
    def test_exact_has_the_same_bits_on_one_two_and_three_workers(self):
        for conds in ({}, CONDS):
            one, _ = results("cpu:1", "exact", **conds)
            for count in (2, 3):
                with self.subTest(workers=count, conds=len(conds)):
                    many, busy = results(f"cpu:{count}", "exact", **conds)
                    self.assertTrue(all(same_bits(result, one[0]) for result in many))
                    self.assertGreater(busy, 1, "the work was shared")

    def test_tiles_have_the_same_bits_on_one_two_and_three_workers(self):
        with tempfile.TemporaryDirectory() as folder:
            upscaler = small_upscaler(f"{folder}/upscaler.safetensors")
            one = tiled_results("cpu:1", upscaler)
            self.assertEqual(one[0]["image"].shape, (1, 512, 512, 3))
            self.assertEqual(one[1]["image"].shape, (2, 280, 360, 3))
            self.assertGreater(one[1]["image"].std(), 0.01)
            for count in (2, 3):
                with self.subTest(workers=count):
                    many = tiled_results(f"cpu:{count}", upscaler)
                    self.assertTrue(same_bits(many[0], one[0]))
                    self.assertTrue(same_bits(many[1], one[1]))
                    self.assertGreater(many[2], 1, "the work was shared")

    def test_areas_masks_and_windows_too(self):
        for conds in (PLACES, WINDOWS):
            one, _ = results("cpu:1", "exact", tensors=TENSORS, **conds)
            with self.subTest(windows="context" in conds):
                many, busy = results("cpu:3", "exact", tensors=TENSORS, **conds)
                self.assertTrue(all(same_bits(result, one[0]) for result in many))
                self.assertGreater(busy, 1, "the work was shared")
                auto, _ = results("cpu:2", "auto", tensors=TENSORS, **conds)
                self.assertLess(distance(auto[0]["samples"], one[0]["samples"]), 1e-4)

    def test_items_of_a_batch_as_units(self):
        for conds in (BATCH, {**BATCH, "context": {"length": 2, "overlap": 1, "dim": 0}}):
            one, _ = results("cpu:1", "exact", tensors=MASKS, split=True, **conds)
            whole, _ = results("cpu:1", "exact", tensors=MASKS, **conds)
            with self.subTest(windows="context" in conds):
                three, busy = results("cpu:3", "exact", tensors=MASKS, split=True, **conds)
                self.assertTrue(all(same_bits(result, one[0]) for result in three))
                self.assertEqual(busy, 3, "three items for three workers")
                auto, _ = results("cpu:3", "auto", runs=2, tensors=MASKS, split=True, **conds)
                self.assertTrue(same_bits(*auto))
                for name in ("samples", "image"):
                    self.assertLess(distance(whole[0][name], one[0][name]), 1e-4)
                    self.assertLess(distance(auto[0][name], one[0][name]), 1e-4)

    def test_auto_differs_in_the_last_bits_only_and_repeats(self):
        exact = results("cpu:1", "exact", **CONDS)[0][0]
        for devices in ("cpu:1", "cpu:2"):
            with self.subTest(devices):
                (first, again), _ = results(devices, "auto", runs=2, **CONDS)
                fresh = results(devices, "auto", **CONDS)[0][0]
                self.assertTrue(same_bits(first, again))
                self.assertTrue(same_bits(first, fresh))
                for name in exact:
                    self.assertLess(distance(first[name], exact[name]), 1e-4, name)


if __name__ == "__main__":
    unittest.main()
