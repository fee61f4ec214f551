"""Tiny checkpoints as ComfyUI's own models, each part in the type that it is asked for.

ComfyUI is a checkout that is no part of this project; `setup` makes its modules importable.
"""
import json
import sys
from collections import namedtuple

import tensor_file
import torch

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
NETWORK_SIZES = ("context_dim", "model_channels", "use_linear_in_transformer", "adm_in_channels")

Parts = namedtuple("Parts", "model clip vae")


def setup(checkout, attention_fp32):
    """ComfyUI on the CPU, with the attention that it takes on an NVIDIA GPU, if asked in float32."""
    sys.path.insert(0, str(checkout))
    from comfy.cli_args import args
    args.cpu, args.disable_xformers, args.use_pytorch_cross_attention = True, True, True
    import comfy.model_management
    # On a CPU it would compute in float32 whatever the weights' type is; on a GPU that knows the type it would not.
    comfy.model_management.unet_manual_cast = lambda *_, **__: None
    if attention_fp32:
        import comfy.ops
        usual = comfy.ops.scaled_dot_product_attention
        comfy.ops.scaled_dot_product_attention = lambda q, k, v, **more: usual(
            q.float(), k.float(), v.float(), **more).to(q.dtype)


def sizes_of(file):
    return json.loads(tensor_file.metadata(file)["model_config"])


def small_family(sizes):
    """The family's entry in ComfyUI's list of models, for these sizes."""
    import comfy.supported_models as supported
    from comfy.model_base import ModelType
    base = {"sd15": supported.SD15, "sd20": supported.SD20, "sdxl": supported.SDXL}[sizes["family"]]
    unet = sizes["unet"]
    heads = {key: unet[key] for key in ("num_heads", "num_head_channels")}
    kind = ModelType.V_PREDICTION if sizes["parameterization"] == "v_prediction" else ModelType.EPS
    return type("Small" + base.__name__, (base,), {
        "unet_config": {key: unet[key] for key in NETWORK_SIZES},
        "unet_extra_config": {**base.unet_extra_config, **heads},
        "model_type": lambda *_, **__: kind})


def load_vae(file, weights, dtype):
    """The weights of a file of its own, or those of a checkpoint; None where there are none."""
    import comfy.sd
    sizes = sizes_of(file)["vae"]
    weights = {name.removeprefix("first_stage_model."): value for name, value in weights.items()
               if name.startswith(("first_stage_model.", "encoder.", "decoder.", "quant", "post_quant"))}
    return comfy.sd.VAE(sd=weights, config={"params": sizes}, dtype=dtype) if sizes else None


def load(job, dtype):
    """The parts of a job's `model`, LoRAs merged; the VAE in bf16 where the network is in half precision."""
    import comfy.sd
    import comfy.supported_models
    import comfy.utils
    model, families = job["model"], comfy.supported_models.models
    sizes, weights = sizes_of(model["file"]), comfy.utils.load_torch_file(model["file"])
    vae_file, vae_type = model.get("vae", model["file"]), "fp32" if dtype == "fp32" else "bf16"
    vae = load_vae(vae_file, comfy.utils.load_torch_file(vae_file), DTYPES[vae_type])
    encoders = {f"clip_{name}_model_config": config for name, config in sizes["clip"].items()}
    families.insert(0, small_family(sizes))
    try:
        network, clip, _, _ = comfy.sd.load_state_dict_guess_config(
            weights, output_vae=False, model_options={"dtype": DTYPES[dtype]},
            te_model_options={**encoders, "dtype": torch.float32})
    finally:
        families.pop(0)
    for lora in model.get("loras", []):
        network, clip = comfy.sd.load_lora_for_models(
            network, clip, comfy.utils.load_torch_file(lora["file"]),
            lora.get("strength_model", 1), lora.get("strength_clip", 1))
    return Parts(network, clip, vae)
