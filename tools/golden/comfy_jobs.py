"""A golden case's job as ComfyUI's own code computes it."""
import tensor_file
import torch

WORDS = ("strength", "start_percent", "end_percent", "mask_strength", "set_area_to_bounds", "default",
         "width", "height", "crop_w", "crop_h", "target_width", "target_height")
TENSORS = {"mask": "mask", "pooled": "pooled_output", "concat_latent_image": "concat_latent_image",
           "concat_mask": "concat_mask"}  # in a job, in ComfyUI
AREA = ("height", "width", "y", "x")
DISTURBANCE = 1e-5  # as a share; far below what half precision rounds


def disturbed(tensor, draw):
    """The tensor for draw 0, else nearly so: everything after it rounds otherwise."""
    if draw == 0:
        return tensor
    random = torch.randn(tensor.shape, generator=torch.Generator().manual_seed(draw))
    return tensor * (1 + DISTURBANCE * random)


def make_hooks(groups):
    """{id: ComfyUI's group of hooks}"""
    import comfy.hooks
    import comfy.utils
    made = {}
    for name, hooks in groups.items():
        group = comfy.hooks.HookGroup()
        for hook in hooks:
            one = comfy.hooks.create_hook_lora(comfy.utils.load_torch_file(hook["file"]),
                                               hook.get("strength_model", 1), hook.get("strength_clip", 1))
            if "keyframes" in hook:
                one.set_keyframes_on_hooks(make_keyframes(hook["keyframes"]))
            group = group.clone_and_combine(one)
        made[name] = group
    return made


def make_keyframes(frames):
    import comfy.hooks
    group = comfy.hooks.HookKeyframeGroup()
    for frame in frames:
        group.add(comfy.hooks.HookKeyframe(frame.get("strength", 1), frame.get("start_percent", 0),
                                           frame.get("guarantee_steps", 1)))
    return group


def encode(clip, text, hooks, scheduled):
    from comfy_extras.nodes_hooks import SetClipHooks
    (clip,) = SetClipHooks().apply_hooks(clip, scheduled, True, hooks)
    return clip.encode_from_tokens_scheduled(clip.tokenize(text))


def make_cond(entry, clip, tensors, hooks):
    """ComfyUI's list for one entry of a job's conds; a scheduled text has several."""
    group = hooks[entry["hooks"]] if "hooks" in entry else None
    words = {key: entry[key] for key in WORDS if key in entry}
    if "area" in entry:
        words["area"] = tuple(entry["area"].get(key, 0) for key in AREA)
    if "area_percent" in entry:
        words["area"] = ("percentage", *(entry["area_percent"].get(key, key in AREA[:2]) for key in AREA))
    words.update({name: tensors[entry[key]] for key, name in TENSORS.items() if key in entry})
    if "text" in entry:
        encoded = encode(clip, entry["text"], group, entry.get("schedule_clip", False))
        return [[tensor, {**own, **words}] for tensor, own in encoded]
    if group:
        words["hooks"] = group
    return [[tensors[entry["cond"]], words]]


def make_guider(job, model, conds):
    import comfy.samplers
    from comfy_extras import nodes_custom_sampler, nodes_perpneg
    from comfy_extras.nodes_model_advanced import RescaleCFG
    given, cfg = job.get("guider", {}), job["sampler"].get("cfg", 8)
    if given.get("rescale"):
        (model,) = RescaleCFG().patch(model, given["rescale"])
    kind = given.get("kind", "cfg")
    if kind == "basic":
        guider = nodes_custom_sampler.Guider_Basic(model)
        guider.set_conds(conds["positive"])
    elif kind == "dual_cfg":
        guider = nodes_custom_sampler.Guider_DualCFG(model)
        guider.set_conds(conds["positive"], conds["middle"], conds["negative"])
        guider.set_cfg(cfg, given.get("cfg_middle", 1), given.get("nested", False))
    elif kind == "perp_neg":
        guider = nodes_perpneg.Guider_PerpNeg(model)
        guider.set_conds(conds["positive"], conds["negative"], conds["middle"])
        guider.set_cfg(cfg, given.get("neg_scale", 1))
    else:
        guider = comfy.samplers.CFGGuider(model)
        guider.set_conds(conds["positive"], conds["negative"])
        guider.set_cfg(cfg)
    return guider


def make_sampler(given):
    import comfy.samplers
    name = given.get("name", "euler")
    if given.get("options"):
        return comfy.samplers.ksampler(name, given["options"])
    return comfy.samplers.sampler_object(name)


def make_sigmas(given, model, tensors):
    """The steps that are to be done; None where the job starts past its end."""
    import comfy.samplers
    if "sigmas" in given:
        return tensors[given["sigmas"]]
    sigmas = comfy.samplers.KSampler(
        model, given.get("steps", 20), "cpu", given.get("name", "euler"), given.get("scheduler", "normal"),
        given.get("denoise", 1.0)).sigmas
    end, start = given.get("end_step", len(sigmas)), given.get("start_step", 0)
    if end < len(sigmas) - 1:
        sigmas = sigmas[:end + 1].clone()
        if not given.get("return_with_leftover_noise"):
            sigmas[-1] = 0
    return sigmas[start:] if start < len(sigmas) - 1 or not start else None


def make_noise(job, latent, tensors):
    import comfy.sample
    given = job.get("noise", {})
    drawn = comfy.sample.prepare_noise(latent, given.get("seed", 0), given.get("batch_index"))
    if not job["sampler"].get("add_noise", True):
        return torch.zeros_like(latent)
    return tensors[given["tensor"]] if "tensor" in given else drawn


def sampler_seed(given):
    """What ComfyUI is given: on a CPU it seeds a sampler's own generator with one more."""
    return given["sampler_seed"] - 1 if "sampler_seed" in given else given.get("seed", 0)


def make_latent(job, vae, tensors, draw):
    given = job["latent"]
    if "image" in given:
        tiles = job.get("vae", {}).get("encode_tiled")
        image = disturbed(tensors[given["image"]], draw)
        return vae.encode_tiled(image, **tiles) if tiles else vae.encode(image)
    if "tensor" in given:
        return disturbed(tensors[given["tensor"]], draw)
    return torch.zeros(given.get("batch", 1), 4, given["height"] // 8, given["width"] // 8)


def sample(job, parts, latent, tensors, draw):
    sigmas = make_sigmas(job["sampler"], parts.model, tensors)
    if sigmas is None:
        return latent
    hooks = make_hooks(job.get("hooks", {}))
    conds = {part: [one for entry in job.get(part, [])
                    for one in make_cond(entry, parts.clip, tensors, hooks)]
             for part in ("positive", "negative", "middle")}
    guider, sampler = make_guider(job, parts.model, conds), make_sampler(job["sampler"])
    mask = tensors[job["noise_mask"]] if "noise_mask" in job else None
    noise = disturbed(make_noise(job, latent, tensors), draw)
    return guider.sample(noise, latent, sampler, sigmas, denoise_mask=mask, disable_pbar=True,
                         seed=sampler_seed(job.get("noise", {})))


def results(folder, job, parts, draw):
    """{tensor: array}, as `tandem run` writes them; a draw other than 0 begins a little otherwise."""
    file = folder / "tensors.safetensors"
    tensors = {name: torch.from_numpy(value.copy())
               for name, value in (tensor_file.load(file) if file.exists() else {}).items()}
    samples = make_latent(job, parts.vae, tensors, draw)
    if "sampler" in job:
        samples = sample(job, parts, samples, tensors, draw)
    done = {}
    if "latent" in job["output"]:
        done["samples"] = samples
    if "image" in job["output"]:
        done["image"] = parts.vae.decode(samples)
    return {name: value.float().numpy() for name, value in done.items()}
