"""Tandem's nodes in a real ComfyUI on the CPU: the latents are ComfyUI's own.

Runs where TANDEM_COMFYUI names a checkout of ComfyUI, and TANDEM_COMFYUI_PYTHON an interpreter that
has its requirements; is skipped elsewhere.
"""
import os
import signal
import time
import unittest

from comfy_server import CHECKOUT, Failed, Graph, Listener, comfyui_for
from host_client import Client, distance
from jobs import GOLDEN, MODEL
from service import Service, wait_until

TOLERANCE = 1e-3  # of max|difference| / std
UPSCALER = "rrdb_x2_new_unshuffle.safetensors"
OTHER = "sd2v.safetensors"
CHECKPOINT, LORA, HOOK = "sd1.safetensors", "sd1_lora_a.safetensors", "sd1_lora_b.safetensors"
LOADING = "Requested to load BaseModel"  # ComfyUI's own copy of the small model
KINDS = ("MultiGPU", "Sampler")


class Workflow(Graph):
    """A model, with or without Tandem's node behind what changes it, and the usual conds."""

    def __init__(self, is_tandem, checkpoint=CHECKPOINT):
        super().__init__()
        self.is_tandem, self.checkpoint = is_tandem, checkpoint
        loaded = self.SmallCheckpoint(ckpt_name=checkpoint)
        self.model, self.clip = loaded, loaded[1]

    def tandem(self, model):
        if not self.is_tandem:
            return model
        return self.TandemMultiGPU(model=model, ckpt_name=self.checkpoint)

    def text(self, text):
        return self.CLIPTextEncode(clip=self.clip, text=text)

    def latent(self, batch=1, side=128):
        return self.EmptyLatentImage(width=side, height=side, batch_size=batch)

    def sampled(self, model, positive=None, negative=None, latent=None, **keys):
        options = {"seed": 5, "steps": 3, "cfg": 6.0, "sampler_name": "euler",
                   "scheduler": "normal", "denoise": 1.0, **keys}
        return self.KSampler(model=model, positive=positive or self.text("a red circle"),
                             negative=negative or self.text("blue"),
                             latent_image=latent or self.latent(), **options)

    def save(self, latent):
        self.SaveLatent(samples=latent, filename_prefix="x")


def plain(w):
    w.save(w.sampled(w.tandem(w.model)))


def batch(w):
    w.save(w.sampled(w.tandem(w.model), latent=w.latent(3), sampler_name="dpmpp_2m",
                     scheduler="karras"))


def cfg_one(w):
    w.save(w.sampled(w.tandem(w.model), cfg=1.0))


def advanced(w):
    model, positive, negative = w.tandem(w.model), w.text("a red circle"), w.text("blue")
    options = {"model": model, "noise_seed": 3, "steps": 4, "cfg": 5.0, "sampler_name": "heun",
               "scheduler": "normal", "positive": positive, "negative": negative}
    first = w.KSamplerAdvanced(**options, add_noise="enable", start_at_step=0, end_at_step=2,
                               return_with_leftover_noise="enable", latent_image=w.latent())
    w.save(first)
    w.save(w.KSamplerAdvanced(**options, add_noise="disable", start_at_step=2, end_at_step=100,
                              return_with_leftover_noise="disable", latent_image=first))


def custom(w, guider=None):
    model = w.tandem(w.model)
    guider = guider(model) if guider else w.CFGGuider(
        model=model, positive=w.text("a red circle"), negative=w.text("blue"), cfg=4.0)
    w.save(w.SamplerCustomAdvanced(
        noise=w.RandomNoise(noise_seed=9), guider=guider,
        sampler=w.KSamplerSelect(sampler_name="dpmpp_2m_sde"),
        sigmas=w.BasicScheduler(model=model, scheduler="karras", steps=3, denoise=1.0),
        latent_image=w.latent()))


def dual_cfg(w, style="regular"):
    custom(w, lambda model: w.DualCFGGuider(
        model=model, cond1=w.text("a red circle"), cond2=w.text("green"), negative=w.text("blue"),
        cfg_conds=3.0, cfg_cond2_negative=2.0, style=style))


def dual_cfg_nested(w):
    dual_cfg(w, "nested")


def perp_neg(w):
    custom(w, lambda model: w.PerpNegGuider(
        model=model, positive=w.text("a red circle"), negative=w.text("blue"),
        empty_conditioning=w.text(""), cfg=5.0, neg_scale=0.7))


def masks(w):
    left = w.SolidMask(value=1.0, width=64, height=128)
    whole = w.SolidMask(value=0.0, width=128, height=128)
    mask = w.MaskComposite(destination=whole, source=left, x=0, y=0, operation="add")
    one = w.ConditioningSetMask(conditioning=w.text("a red circle"), mask=mask, strength=0.8,
                                set_cond_area="default")
    two = w.ConditioningSetMask(conditioning=w.text("a green heart"),
                                mask=w.InvertMask(mask=mask), strength=1.0,
                                set_cond_area="mask bounds")
    area = w.ConditioningSetArea(conditioning=w.text("a star"), width=64, height=64, x=32, y=64,
                                 strength=0.7)
    both = w.ConditioningCombine(conditioning_1=one, conditioning_2=two)
    positive = w.ConditioningCombine(conditioning_1=both, conditioning_2=area)
    w.save(w.sampled(w.tandem(w.model), positive))


def ranges(w):
    early = w.ConditioningSetTimestepRange(conditioning=w.text("a red circle"), start=0.0, end=0.5)
    late = w.ConditioningSetTimestepRange(conditioning=w.text("a heart"), start=0.5, end=1.0)
    w.save(w.sampled(w.tandem(w.model), w.ConditioningCombine(conditioning_1=early,
                                                              conditioning_2=late), steps=4))


def default_cond(w):
    mask = w.SolidMask(value=0.4, width=128, height=128)
    masked = w.ConditioningSetMask(conditioning=w.text("a red circle"), mask=mask, strength=1.0,
                                   set_cond_area="default")
    w.save(w.sampled(w.tandem(w.model), w.ConditioningSetDefaultCombine(
        cond=masked, cond_DEFAULT=w.text("everything else"))))


def lora(w):
    before = w.LoraLoaderModelOnly(model=w.model, lora_name=LORA, strength_model=0.8)
    after = w.LoraLoaderModelOnly(model=w.tandem(before), lora_name=HOOK, strength_model=0.5)
    w.save(w.sampled(after))


def hook(w):
    frames = w.CreateHookKeyframe(strength_mult=0.2, start_percent=0.0)
    frames = w.CreateHookKeyframe(strength_mult=1.0, start_percent=0.4, prev_hook_kf=frames)
    hooks = w.SetHookKeyframes(hook_kf=frames, hooks=w.CreateHookLora(
        lora_name=LORA, strength_model=0.9, strength_clip=0.0))
    hooks = w.CombineHooks2(hooks_A=hooks, hooks_B=w.CreateHookLora(
        lora_name=HOOK, strength_model=0.5, strength_clip=0.0))
    positive = w.ConditioningSetProperties(cond_NEW=w.text("a red circle"), strength=1.0,
                                           set_cond_area="default", hooks=hooks)
    w.save(w.sampled(w.tandem(w.model), positive, steps=4))


def post_cfg(w):
    w.save(w.sampled(w.Mahiro(model=w.tandem(w.model))))


def rescale_cfg(w):
    w.save(w.sampled(w.tandem(w.RescaleCFG(model=w.model, multiplier=0.7))))


def windows(w):
    model = w.ContextWindowsManual(
        model=w.tandem(w.model), context_length=2, context_overlap=1,
        context_schedule="standard_static", context_stride=1, closed_loop=False,
        fuse_method="pyramid", dim=0, freenoise=False)
    w.save(w.sampled(model, latent=w.latent(4), steps=2))


def v_prediction(w):
    model = w.ModelSamplingDiscrete(model=w.model, sampling="v_prediction", zsnr=True)
    w.save(w.sampled(w.tandem(model)))


def noise_mask(w):
    latent = w.SetLatentNoiseMask(samples=w.latent(), mask=w.SolidMask(value=0.5, width=128,
                                                                        height=128))
    w.save(w.sampled(w.tandem(w.model), latent=latent, denoise=0.8))


SAME = (plain, batch, cfg_one, advanced, custom, dual_cfg, dual_cfg_nested, perp_neg, masks, ranges,
        default_cond, lora, hook, post_cfg, rescale_cfg, windows, v_prediction, noise_mask)


def attention_patch(w):
    w.save(w.sampled(w.tandem(w.SelfAttentionGuidance(model=w.model, scale=0.5, blur_sigma=2.0))))


def free_u(w):
    w.save(w.sampled(w.tandem(w.FreeU_V2(model=w.model, b1=1.3, b2=1.4, s1=0.9, s2=0.2))))


def merge(w):
    w.save(w.sampled(w.tandem(w.ModelMergeSimple(model1=w.model, model2=w.model, ratio=0.5))))


def dora(w):
    w.save(w.sampled(w.tandem(w.LoraLoaderModelOnly(model=w.model, lora_name="sd1_dora.safetensors",
                                                    strength_model=1.0))))


def default_with_area(w):
    everywhere = w.ConditioningSetArea(conditioning=w.text("else"), width=64, height=64, x=0, y=0,
                                       strength=1.0)
    w.save(w.sampled(w.tandem(w.model), w.ConditioningSetDefaultCombine(
        cond=w.text("a red circle"), cond_DEFAULT=everywhere), steps=3))


FALL_BACK = ((default_with_area, "this call itself: a default cond with an area"),
             (free_u, "a patch of the network"), (merge, "a merge that scales"), (dora, "DoRA"),
             (attention_patch, "attn"))


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
                told = [(p["value"], p["max"]) for p in listener.until_done(prompt)["progress"]]
                self.assertEqual(told, [(1, 4), (2, 4), (3, 4), (4, 4)])

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
