"""A node for tests: loads a checkpoint of their small sizes, which ComfyUI knows no model of."""
import json
import struct

import comfy.sd
import comfy.supported_models
import comfy.utils
import folder_paths


def small_model(sizes):
    """SD 1.x or 2.x of these sizes, as ComfyUI's list of models has the published ones."""
    base = {"sd15": comfy.supported_models.SD15, "sd20": comfy.supported_models.SD20,
            "sdxl": comfy.supported_models.SDXL}[sizes["family"]]
    unet = sizes["unet"]
    chosen = ("context_dim", "model_channels", "use_linear_in_transformer", "adm_in_channels")
    return type("Small" + base.__name__, (base,), {
        "unet_config": {key: unet[key] for key in chosen},
        "unet_extra_config": {key: unet[key] for key in ("num_heads", "num_head_channels")}})


def sizes_of(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        return json.loads(json.loads(file.read(length))["__metadata__"]["model_config"])


class SmallCheckpoint:
    RETURN_TYPES, FUNCTION, CATEGORY = ("MODEL", "CLIP"), "load", "testing"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"ckpt_name": (folder_paths.get_filename_list("checkpoints"),)}}

    def load(self, ckpt_name):
        path = folder_paths.get_full_path_or_raise("checkpoints", ckpt_name)
        sizes = sizes_of(path)
        models = comfy.supported_models.models
        models.insert(0, small_model(sizes))
        encoders = {f"clip_{name}_model_config": config for name, config in sizes["clip"].items()}
        try:
            model, clip, _, _ = comfy.sd.load_state_dict_guess_config(
                comfy.utils.load_torch_file(path), output_vae=False, te_model_options=encoders)
        finally:
            models.pop(0)
        return model, clip


NODE_CLASS_MAPPINGS = {"SmallCheckpoint": SmallCheckpoint}
