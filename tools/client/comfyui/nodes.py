"""The nodes. ComfyUI is imported where they run, so that their words can be tested without it."""
import re

from . import job_words

CATEGORY = "tandem"
SPEEDS = re.compile(r"\s*([\w:#.-]+)\s*=\s*([0-9.]+)\s*$")

def speeds_of(text):
    """{'gpu:0': 1.0} of 'gpu:0=1.0, gpu:1=0.5'. Raises ValueError."""
    speeds = {}
    for part in filter(str.strip, text.split(",")):
        found = SPEEDS.match(part)
        if not found:
            raise ValueError(f"Tandem Options: relative speeds look like 'gpu:0=1.0, gpu:1=0.5', "
                             f"not like '{part.strip()}'.")
        speeds[found[1]] = float(found[2])
    return speeds

def _names(kind):
    import folder_paths
    return folder_paths.get_filename_list(kind)

def _path(kind, name):
    import os

    import folder_paths
    return os.path.abspath(folder_paths.get_full_path_or_raise(kind, name))

def _workers(options):
    return (options or {}).get("workers")

def _devices(options):
    return (options or {}).get("devices", "")

class Options:
    """How the service works: it is started with these devices unless one runs already."""

    RETURN_TYPES, FUNCTION, CATEGORY = ("TANDEM_OPTIONS",), "options", CATEGORY
    DESCRIPTION = __doc__

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {
            "devices": ("STRING", {"default": "", "tooltip":
                        "Devices of a service that is started: gpu:0,gpu:1 or cpu:2; empty: all "
                        "GPUs, else the CPU. A service that runs keeps its own."}),
            "relative_speed": ("STRING", {"default": "", "tooltip":
                               "gpu:0=1.0, gpu:1=0.5; empty: as measured"}),
            "max_workers": ("INT", {"default": 0, "min": 0, "max": 256, "tooltip": "0: all"})}}

    def options(self, devices, relative_speed, max_workers):
        workers = {}
        if speeds := speeds_of(relative_speed):
            workers["relative_speed"] = speeds
        if max_workers:
            workers["max"] = max_workers
        return ({"devices": devices.strip(), "workers": workers},)

class MultiGpu:
    """ComfyUI's sampler, guider and CFG stay; the predictions come from Tandem's workers."""

    RETURN_TYPES, FUNCTION, CATEGORY = ("MODEL",), "attach", CATEGORY
    DESCRIPTION = __doc__

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"model": ("MODEL",),
                             "ckpt_name": (_names("checkpoints"), {
                                 "tooltip": "The file that the model was loaded from"})},
                "optional": {"options": ("TANDEM_OPTIONS",)}}

    def attach(self, model, ckpt_name, options=None):
        from . import multigpu
        return (multigpu.attach(model, _path("checkpoints", ckpt_name), options or {}),)

class Sampler:
    """The whole loop in Tandem, as KSampler does it: one job, no tensors back and forth."""

    RETURN_TYPES, FUNCTION, CATEGORY = ("LATENT",), "sample", CATEGORY
    DESCRIPTION = __doc__

    @classmethod
    def INPUT_TYPES(cls):
        import comfy.samplers
        return {"required": {
            "ckpt_name": (_names("checkpoints"),),
            "seed": ("INT", {"default": 0, "min": 0, "max": 0xffffffffffffffff,
                             "control_after_generate": True}),
            "steps": ("INT", {"default": 20, "min": 1, "max": 10000}),
            "cfg": ("FLOAT", {"default": 8.0, "min": 0.0, "max": 100.0, "step": 0.1}),
            "sampler_name": (comfy.samplers.KSampler.SAMPLERS,),
            "scheduler": (comfy.samplers.KSampler.SCHEDULERS,),
            "positive": ("CONDITIONING",), "negative": ("CONDITIONING",),
            "latent_image": ("LATENT",),
            "denoise": ("FLOAT", {"default": 1.0, "min": 0.0, "max": 1.0, "step": 0.01})},
            "optional": {"options": ("TANDEM_OPTIONS",)}}

    def sample(self, ckpt_name, seed, steps, cfg, sampler_name, scheduler, positive, negative,
               latent_image, denoise, options=None):
        from . import jobs
        sampler = {"name": sampler_name, "scheduler": scheduler, "steps": steps, "cfg": cfg,
                   "denoise": denoise}
        try:
            job = job_words.sampling_job(_path("checkpoints", ckpt_name), positive, negative,
                                         latent_image, sampler, seed, _workers(options))
        except job_words.CannotSay as error:
            raise ValueError(f"Tandem Sampler cannot do {error}.") from error
        samples = jobs.run(job, "samples", _devices(options), previews=True)
        kept = {key: value for key, value in latent_image.items() if key != "samples"}
        return ({**kept, "samples": samples},)

class Decode:
    """A latent decoded by a checkpoint's VAE, or by a VAE's own file; tiles are units of work."""

    RETURN_TYPES, FUNCTION, CATEGORY = ("IMAGE",), "decode", CATEGORY
    DESCRIPTION = __doc__

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {
            "samples": ("LATENT",), "ckpt_name": (_names("checkpoints"),),
            "tile_size": ("INT", {"default": 512, "min": 0, "max": 4096, "step": 64, "tooltip":
                                  "In pixels; 0: the whole picture at once"}),
            "overlap": ("INT", {"default": 64, "min": 0, "max": 4096, "step": 32})},
            "optional": {"vae_name": (["of the checkpoint", *_names("vae")],),
                         "options": ("TANDEM_OPTIONS",)}}

    def decode(self, samples, ckpt_name, tile_size, overlap, vae_name="of the checkpoint",
               options=None):
        from . import jobs
        vae = _path("vae", vae_name) if vae_name != "of the checkpoint" else None
        job = job_words.decoding_job(_path("checkpoints", ckpt_name), vae, samples,
                                     tiling_of(tile_size, overlap), _workers(options))
        return (jobs.run(job, "image", _devices(options)),)

class Upscale:
    """A picture enlarged by a model of the ESRGAN family; tiles are units of work."""

    RETURN_TYPES, FUNCTION, CATEGORY = ("IMAGE",), "upscale", CATEGORY
    DESCRIPTION = __doc__

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {
            "image": ("IMAGE",), "model_name": (_names("upscale_models"),),
            "tile_size": ("INT", {"default": 512, "min": 128, "max": 4096, "step": 64}),
            "overlap": ("INT", {"default": 32, "min": 0, "max": 1024, "step": 8})},
            "optional": {"options": ("TANDEM_OPTIONS",)}}

    def upscale(self, image, model_name, tile_size, overlap, options=None):
        from . import jobs
        job = job_words.upscaling_job(_path("upscale_models", model_name), image, tile_size,
                                      overlap, _workers(options))
        return (jobs.run(job, "image", _devices(options)),)

def tiling_of(tile_size, overlap):
    """`decode_tiled` in cells, as ComfyUI's VAEDecodeTiled counts them; None for no tiles."""
    if not tile_size:
        return None
    overlap = min(overlap, tile_size // 4)
    return {"tile_x": tile_size // 8, "tile_y": tile_size // 8, "overlap": overlap // 8}

NODE_CLASS_MAPPINGS = {"TandemOptions": Options, "TandemMultiGPU": MultiGpu,
                       "TandemSampler": Sampler, "TandemDecode": Decode, "TandemUpscale": Upscale}
NODE_DISPLAY_NAME_MAPPINGS = {
    "TandemOptions": "Tandem Options", "TandemMultiGPU": "Tandem MultiGPU",
    "TandemSampler": "Tandem Sampler", "TandemDecode": "Tandem Decode",
    "TandemUpscale": "Tandem Upscale"}
