"""Tandem's nodes in a real ComfyUI on the CPU: the latents are ComfyUI's own.

Runs where TANDEM_COMFYUI names a checkout of ComfyUI, and TANDEM_COMFYUI_PYTHON an interpreter that
has its requirements; is skipped elsewhere.
"""
import json
import os
import signal
import subprocess
import time
import unittest

import numpy
import tensor_file

from comfy_server import (CHECKOUT, PYTHON, Failed, Graph, Listener, comfyui_for,
                          environment_for)
from comfy_workflows import (CHECKPOINT, FALL_BACK, LORA, OTHER, SAME, Workflow, masks,
                             perturbed_attention)
from host_client import Client, distance
from jobs import GOLDEN, MODEL, picture_job
from service import ROOT, Service, wait_until

TOLERANCE = 1e-3  # of max|difference| / std
UPSCALER = "rrdb_x2_new_unshuffle.safetensors"
LOADING = "Requested to load BaseModel"  # ComfyUI's own copy of the small model
KINDS = ("MultiGPU", "Sampler")


WITH_TORCH = """
import json, sys, numpy, tandem, torch
job, model = json.loads(sys.argv[1]), sys.argv[2]
with tandem.Client() as client:
    result = client.run(job)
    result.torch("samples")[:] = 5.0
    assert (result.latent == 5.0).all(), "a tensor of its own"
    x = torch.linspace(-1, 1, 1024).reshape(1, 4, 16, 16)
    context = torch.linspace(-1, 1, 77 * 32).reshape(1, 77, 32)
    out = []
    for given in (context.bfloat16(), context.bfloat16().float().numpy()):
        with client.evaluator({"file": model}, x.shape, {"a": {"cond": given}}) as evaluator:
            for latent in (x, x.numpy(), x.double()):
                out.append(evaluator.evaluate(latent, torch.tensor([2.0]), [["a"]])[0].tobytes())
    assert len(set(out)) == 1, "tensors and arrays differ"
"""


@unittest.skipUnless(CHECKOUT, "TANDEM_COMFYUI names no checkout of ComfyUI")
class Nodes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = cls.enterClassContext(Service("cpu:2", threads=1))
        comfy = comfyui_for(cls.service)
        comfy.link("checkpoints", MODEL, GOLDEN / "models" / OTHER)
        comfy.link("loras", *sorted((GOLDEN / "loras").iterdir()))
        comfy.link("upscale_models", GOLDEN / "models" / UPSCALER)
        cls.comfy = cls.enterClassContext(comfy)

    def both(self, build, **keys):
        """(ComfyUI's latents, those with Tandem, what ComfyUI's log says of the latter)"""
        made = []
        for is_tandem in (False, True):
            workflow = Workflow(is_tandem, **keys)
            build(workflow)
            before = len(self.comfy.log())
            made.append(self.comfy.latents(workflow))
        return (*made, self.comfy.log()[before:])

    def test_latents_are_comfyuis(self):
        for build in SAME:
            with self.subTest(build.__name__):
                alone, tandem, log = self.both(build)
                self.assertNotIn("Tandem", log)  # no warning
                self.assertNotIn(LOADING, log)
                self.assertEqual(len(alone), len(tandem))
                for a, b in zip(alone, tandem):
                    self.assertLess(distance(b, a), TOLERANCE)

    def test_another_family(self):
        alone, tandem, log = self.both(masks, checkpoint=OTHER)
        self.assertNotIn("Tandem", log)
        self.assertLess(distance(tandem[0], alone[0]), TOLERANCE)

    def test_what_tandem_cannot_do_is_comfyuis_with_one_warning(self):
        for build, what in FALL_BACK:
            with self.subTest(build.__name__):
                alone, tandem, log = self.both(build)
                warnings = [line for line in log.splitlines() if "Tandem" in line]
                self.assertEqual(len(warnings), 1, warnings)
                self.assertIn(what, warnings[0])
                self.assertIn(LOADING, log)
                for a, b in zip(alone, tandem):
                    self.assertEqual(a.tobytes(), b.tobytes())

    def test_a_call_that_tandem_cannot_do_among_those_that_it_can(self):
        alone, tandem, log = self.both(perturbed_attention)
        self.assertLess(distance(tandem[0], alone[0]), TOLERANCE)
        warnings = [line for line in log.splitlines() if "Tandem" in line]
        self.assertEqual(len(warnings), 1, warnings)
        self.assertIn("this call itself: a replacement of a block", warnings[0])

    def test_an_error_names_cause_and_worker(self):
        weights = tensor_file.load(MODEL)
        name = "model.diffusion_model.middle_block.0.in_layers.2.bias"
        path = self.comfy.folder / "models/checkpoints/broken.safetensors"
        weights[name] = weights[name] * numpy.nan
        path.write_bytes(tensor_file.pack(weights, tensor_file.metadata(MODEL)))
        w = Workflow(True, "broken.safetensors")
        w.save(w.sampled(w.tandem(w.model)))
        with self.assertRaisesRegex(Failed, r"KSampler.*Tandem: .*cpu#\d.*\[not_finite\]"):
            self.comfy.latents(w)

    def test_torch_tensors_are_taken_and_given(self):
        environment = {**environment_for(self.service), "PYTHONDONTWRITEBYTECODE": "1",
                       "PYTHONPATH": str(ROOT / "tools/client/python")}
        run = subprocess.run([PYTHON, "-c", WITH_TORCH, json.dumps(picture_job(steps=1)), MODEL],
                             env=environment, capture_output=True, text=True, timeout=120)
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_the_whole_loop_in_tandem(self):
        made = []
        for is_tandem in (False, True):
            w = Workflow(False)
            mask = w.SolidMask(value=0.7, width=128, height=128)
            positive = w.ConditioningCombine(
                conditioning_1=w.ConditioningSetMask(conditioning=w.text("a red circle"), mask=mask,
                                                     strength=0.8, set_cond_area="default"),
                conditioning_2=w.ConditioningSetTimestepRange(conditioning=w.text("a heart"),
                                                              start=0.0, end=0.5))
            options = {"seed": 7, "steps": 4, "cfg": 5.0, "sampler_name": "dpmpp_2m",
                       "scheduler": "karras", "denoise": 0.9, "positive": positive,
                       "negative": w.text("blue"), "latent_image": w.latent(2)}
            w.save(w.TandemSampler(ckpt_name=CHECKPOINT, **options) if is_tandem else
                   w.KSampler(model=w.model, **options))
            made.append(self.comfy.latents(w)[0])
        self.assertLess(distance(made[1], made[0]), TOLERANCE)

    def test_pictures_enlarged_in_tiles(self):
        pictures = []
        for is_tandem in (False, True):
            w = Graph()
            picture = w.EmptyImage(width=600, height=144, batch_size=1, color=0x3080c0)
            options = {"image": picture}
            if is_tandem:
                done = w.TandemUpscale(model_name=UPSCALER, tile_size=512, overlap=32, **options)
            else:
                done = w.ImageUpscaleWithModel(
                    upscale_model=w.UpscaleModelLoader(model_name=UPSCALER), **options)
            pictures.append(self.comfy.images(w, done)[0])
        self.assertEqual(pictures[0].shape, pictures[1].shape)
        self.assertLessEqual(abs(pictures[0].astype(int) - pictures[1]).max(), 1)

    def test_a_latent_decoded_in_tiles(self):
        w = Graph()
        done = w.TandemDecode(samples=w.EmptyLatentImage(width=192, height=128, batch_size=1),
                              ckpt_name=CHECKPOINT, tile_size=64, overlap=16)
        self.assertEqual(self.comfy.images(w, done)[0].shape, (128, 192, 3))

    def test_a_refused_cond_is_the_nodes_error(self):
        w = Workflow(False)
        hooks = w.CreateHookLora(lora_name=LORA, strength_model=1.0, strength_clip=0.0)
        positive = w.ConditioningSetProperties(cond_NEW=w.text("a"), strength=1.0,
                                               set_cond_area="default", hooks=hooks)
        w.save(w.TandemSampler(ckpt_name=CHECKPOINT, positive=positive, negative=w.text("b"),
                               seed=1, steps=1, cfg=1.0, sampler_name="euler", scheduler="normal",
                               denoise=1.0, latent_image=w.latent()))
        with self.assertRaisesRegex(Failed, "TandemSampler.*a cond with 'hooks'"):
            self.comfy.latents(w)

    def test_another_checkpoints_name_is_the_nodes_error(self):
        w = Workflow(False)
        w.save(w.sampled(w.TandemMultiGPU(model=w.model, ckpt_name=OTHER)))
        with self.assertRaisesRegex(Failed, "is not the checkpoint"):
            self.comfy.latents(w)



@unittest.skipUnless(CHECKOUT, "TANDEM_COMFYUI names no checkout of ComfyUI")
class Interference(unittest.TestCase):
    """What happens to a run when someone interferes: for ComfyUI's sampler and for Tandem's."""

    @classmethod
    def setUpClass(cls):
        cls.service = cls.enterClassContext(Service("cpu:2", threads=1))
        comfy = comfyui_for(cls.service)
        comfy.link("checkpoints", MODEL)
        cls.comfy = cls.enterClassContext(comfy)

    def setUp(self):
        self.connect()

    def connect(self):
        self.client = Client(self.service.socket)
        self.addCleanup(self.client.close)

    def workflow(self, kind, steps, seed=5):
        w = Workflow(True)
        if kind == "MultiGPU":
            w.save(w.sampled(w.tandem(w.model), steps=steps, seed=seed))
        else:
            w.save(w.TandemSampler(
                ckpt_name=CHECKPOINT, positive=w.text("a red circle"), negative=w.text("blue"),
                seed=seed, steps=steps, cfg=6.0, sampler_name="euler", scheduler="normal",
                denoise=1.0, latent_image=w.latent()))
        return w

    def units_done(self):
        return sum(w["units_done"] for w in self.client.workers())

    def begun(self, kind, steps, seed):
        """The id of a run that is computing."""
        before = self.units_done()
        prompt = self.comfy.start(self.workflow(kind, steps, seed))
        wait_until(lambda: self.units_done() > before + 20, 120, "the run computes")
        return prompt

    def test_cancel_ends_the_run_and_the_work(self):
        for seed, kind in enumerate(KINDS):
            with self.subTest(kind):
                prompt = self.begun(kind, 5000, 100 + seed)
                self.comfy.post("/interrupt", {})
                with self.assertRaisesRegex(Failed, "execution_interrupted"):
                    self.comfy.finish(prompt, 30)
                wait_until(lambda: not any(w["state"] == "busy" for w in self.client.workers()), 30,
                           "the workers are free")
                self.assertEqual(len(self.comfy.latents(self.workflow(kind, 1, 200 + seed))), 1)

    def test_the_progress_bar_moves(self):
        for seed, kind in enumerate(KINDS):
            with self.subTest(kind):
                listener = Listener(self.comfy.address, "browser")
                self.addCleanup(listener.close)
                prompt = self.comfy.start(self.workflow(kind, 4, 600 + seed), "browser")
                heard = listener.until_done(prompt)
                told = [(p["value"], p["max"]) for p in heard["progress"]]
                self.assertEqual(sorted(set(told)), [(1, 4), (2, 4), (3, 4), (4, 4)])
                self.assertEqual(told, sorted(told))
                self.assertTrue(heard["preview"])

    def holds_nothing(self):
        # Asked again and again: ComfyUI may miss a request that comes just when a run has ended.
        self.comfy.post("/free", {"unload_models": True, "free_memory": True})
        time.sleep(0.5)
        return not self.client.request("devices")["devices"][0]["models"]

    def test_free_memory_is_tandems_too(self):
        self.comfy.latents(self.workflow("MultiGPU", 1, 300))
        self.assertTrue(self.client.request("devices")["devices"][0]["models"])
        wait_until(self.holds_nothing, 60, "nothing is held")

    def test_a_killed_service_costs_no_bits(self):
        for seed, kind in enumerate(KINDS):
            with self.subTest(kind):
                expected = self.comfy.latents(self.workflow(kind, 60, 400 + seed))[0]
                prompt = self.begun(kind, 60, 400 + seed)
                os.kill(self.service.pids_of("tandem-coordinator")[0], signal.SIGKILL)
                self.assertEqual(self.latent_of(prompt).tobytes(), expected.tobytes())
                self.connect()

    def test_a_service_without_a_launcher_is_started_again(self):
        expected = self.comfy.latents(self.workflow("MultiGPU", 60, 500))[0]
        prompt = self.begun("MultiGPU", 60, 500)
        for name in ("tandem", "tandem-coordinator"):
            for pid in self.service.pids_of(name):
                os.kill(pid, signal.SIGKILL)
        self.assertLess(distance(self.latent_of(prompt), expected), TOLERANCE)
        self.connect()

    def latent_of(self, prompt):
        return self.comfy.latents_of(self.comfy.finish(prompt))[0]


if __name__ == "__main__":
    if not CHECKOUT:
        print("skipped: TANDEM_COMFYUI names no checkout of ComfyUI")
    unittest.main()
