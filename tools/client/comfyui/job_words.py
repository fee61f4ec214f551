"""Jobs in the place of ComfyUI's sampler, decoder and upscaler: CONDITIONING and LATENT as keys."""

COPIED = ("strength", "mask", "mask_strength", "set_area_to_bounds", "start_percent", "end_percent",
          "default", "width", "height", "crop_w", "crop_h", "target_width", "target_height",
          "guidance", "concat_latent_image", "concat_mask")
SAID_OTHERWISE = ("pooled_output", "area")
WITHOUT_MEANING = ("uuid", "cross_attn")


class CannotSay(Exception):
    """Its text names what a job cannot say."""


def _plain(value):
    """Numbers and booleans as JSON has them; tensors stay."""
    return value if hasattr(value, "shape") else value + 0 if not isinstance(value, bool) else value


def _area(area):
    names = ("height", "width", "y", "x")
    if area[0] == "percentage":
        return "area_percent", dict(zip(names, (float(n) for n in area[1:])))
    return "area", dict(zip(names, (int(n) for n in area)))


def cond_of(tensor, said):
    """An entry of a job's `positive` for one pair of a CONDITIONING."""
    entry = {"cond": tensor.float()}
    if said.get("pooled_output") is not None:
        entry["pooled"] = said["pooled_output"].float()
    if said.get("area") is not None:
        key, area = _area(said["area"])
        entry[key] = area
    for key, value in said.items():
        if key in COPIED:
            entry[key] = _plain(value)
        elif value is not None and key not in SAID_OTHERWISE + WITHOUT_MEANING:
            raise CannotSay(f"a cond with '{key}'; a sampler of ComfyUI's with Tandem MultiGPU may")
    return entry


def conds_of(conditioning):
    return [cond_of(tensor, said) for tensor, said in conditioning]


def sampling_job(checkpoint, positive, negative, latent, sampler, seed, workers):
    """The job whose latent is KSampler's. `sampler`: the job format's; `latent`: a LATENT."""
    job = {"version": 1, "model": {"file": checkpoint}, "positive": conds_of(positive),
           "negative": conds_of(negative), "latent": {"tensor": latent["samples"].float()},
           "noise": {"seed": seed}, "sampler": sampler, "output": {"latent": True}}
    if latent.get("batch_index") is not None:
        job["noise"]["batch_index"] = [int(n) for n in latent["batch_index"]]
    if latent.get("noise_mask") is not None:
        job["noise_mask"] = latent["noise_mask"].float()
    return _with_workers(job, workers)


def decoding_job(checkpoint, vae, latent, tiling, workers):
    """`vae`: a file of its own, or None for the checkpoint's; `tiling`: `decode_tiled`, or None."""
    model = {"file": checkpoint, **({"vae": vae} if vae else {})}
    job = {"version": 1, "model": model, "latent": {"tensor": latent["samples"].float()},
           "output": {"image": True}}
    if tiling:
        job["vae"] = {"decode_tiled": tiling}
    return _with_workers(job, workers)


def upscaling_job(model, image, tile, overlap, workers):
    job = {"version": 1, "model": {"upscale": model}, "output": {"image": True},
           "upscale": {"image": image.float(), "tile": tile, "overlap": overlap}}
    return _with_workers(job, workers)


def _with_workers(job, workers):
    return {**job, "workers": workers} if workers else job
