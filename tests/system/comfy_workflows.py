"""Workflows of ComfyUI: those that Tandem computes, and those that fall back."""
from comfy_server import Graph

CHECKPOINT, OTHER = "sd1.safetensors", "sd2v.safetensors"
LORA, HOOK = "sd1_lora_a.safetensors", "sd1_lora_b.safetensors"
LOHA, LOKR, DORA = (f"sd1_{kind}.safetensors" for kind in ("loha", "lokr", "dora"))


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
        options = self.TandemOptions(devices="cpu:2", relative_speed="cpu=1.0", max_workers=2)
        return self.TandemMultiGPU(model=model, ckpt_name=self.checkpoint, options=options)

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


def lcm(w):
    model = w.ModelSamplingDiscrete(model=w.model, sampling="lcm", zsnr=False)
    w.save(w.sampled(w.tandem(model), sampler_name="lcm", scheduler="sgm_uniform", cfg=1.5,
                     steps=4))


def cfg_plus_plus(w):
    w.save(w.sampled(w.tandem(w.model), sampler_name="euler_cfg_pp", cfg=1.0))


def other_adapters(w):
    before = w.LoraLoaderModelOnly(model=w.model, lora_name=LOHA, strength_model=0.7)
    after = w.LoraLoaderModelOnly(model=w.tandem(before), lora_name=LOKR, strength_model=0.6)
    w.save(w.sampled(w.LoraLoaderModelOnly(model=after, lora_name=DORA, strength_model=0.8)))


def long_and_empty_conds(w):
    longer = w.ConditioningConcat(conditioning_to=w.text("a red circle"),
                                  conditioning_from=w.text("a heart"))
    w.save(w.sampled(w.tandem(w.model), longer, w.ConditioningZeroOut(conditioning=w.text("x"))))


def batch_with_places(w):
    mask = w.SolidMask(value=0.6, width=128, height=128)
    masked = w.ConditioningSetMask(conditioning=w.text("a red circle"), mask=mask, strength=0.8,
                                   set_cond_area="default")
    area = w.ConditioningSetAreaPercentage(conditioning=w.text("a star"), width=0.5, height=0.4,
                                           x=0.5, y=0.6, strength=1.3)
    w.save(w.sampled(w.tandem(w.model), w.ConditioningCombine(
        conditioning_1=masked, conditioning_2=area), latent=w.latent(3)))


def hooks_on_both_lists(w):
    frames = w.CreateHookKeyframe(strength_mult=0.3, start_percent=0.0)
    frames = w.CreateHookKeyframe(strength_mult=1.2, start_percent=0.5, prev_hook_kf=frames)
    timed = w.SetHookKeyframes(hook_kf=frames, hooks=w.CreateHookLora(
        lora_name=LORA, strength_model=0.9, strength_clip=0.0))
    fixed = w.CreateHookLora(lora_name=LOHA, strength_model=-0.5, strength_clip=0.0)
    masked = w.ConditioningSetProperties(
        cond_NEW=w.text("a red circle"), strength=0.9, set_cond_area="default", hooks=timed,
        mask=w.SolidMask(value=0.6, width=128, height=128))
    both = w.ConditioningSetDefaultCombine(cond=masked, cond_DEFAULT=w.text("rest"), hooks=fixed)
    positive = w.ConditioningCombine(conditioning_1=both, conditioning_2=w.text("a heart"))
    negative = w.ConditioningSetProperties(cond_NEW=w.text("blue"), strength=1.0,
                                           set_cond_area="default", hooks=timed)
    w.save(w.sampled(w.tandem(w.model), positive, negative, sampler_name="heun", steps=4))


def looped_windows(w):
    model = w.ContextWindowsManual(
        model=w.tandem(w.model), context_length=3, context_overlap=1,
        context_schedule="looped_uniform", context_stride=2, closed_loop=True,
        fuse_method="relative", dim=0, freenoise=True)
    w.save(w.sampled(model, latent=w.latent(6), steps=2))


SAME = (plain, batch, cfg_one, advanced, custom, dual_cfg, dual_cfg_nested, perp_neg, masks, ranges,
        default_cond, lora, hook, post_cfg, rescale_cfg, windows, v_prediction, noise_mask, lcm,
        cfg_plus_plus, other_adapters, long_and_empty_conds, batch_with_places,
        hooks_on_both_lists, looped_windows)


def attention_patch(w):
    w.save(w.sampled(w.tandem(w.SelfAttentionGuidance(model=w.model, scale=0.5, blur_sigma=2.0))))


def perturbed_attention(w):
    w.save(w.sampled(w.tandem(w.PerturbedAttentionGuidance(model=w.model, scale=2.0)), steps=2))


def wrapper_of_the_network(w):
    w.save(w.sampled(w.tandem(w.EasyCache(model=w.model, reuse_threshold=0.2, start_percent=0.0,
                                          end_percent=1.0, verbose=False))))


def image_to_image(w):
    w.save(w.sampled(w.tandem(w.ModelSamplingDiscrete(model=w.model, sampling="img_to_img",
                                                      zsnr=False))))


def free_u(w):
    w.save(w.sampled(w.tandem(w.FreeU_V2(model=w.model, b1=1.3, b2=1.4, s1=0.9, s2=0.2))))


def merge(w):
    w.save(w.sampled(w.tandem(w.ModelMergeSimple(model1=w.model, model2=w.model, ratio=0.5))))


def default_with_area(w):
    everywhere = w.ConditioningSetArea(conditioning=w.text("else"), width=64, height=64, x=0, y=0,
                                       strength=1.0)
    w.save(w.sampled(w.tandem(w.model), w.ConditioningSetDefaultCombine(
        cond=w.text("a red circle"), cond_DEFAULT=everywhere), steps=3))


FALL_BACK = ((default_with_area, "this call itself: a default cond with an area"),
             (free_u, "a patch of the network"), (merge, "a merge that scales"),
             (attention_patch, "attn"), (wrapper_of_the_network, "a wrapper of"),
             (image_to_image, "the sampling of"))
