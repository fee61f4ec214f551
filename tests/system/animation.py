"""A tiny SD1 checkpoint and AnimateDiff motion modules for it, with weights that are drawn, and jobs over them."""
import json
from pathlib import Path

import numpy
import tensor_file

CHANNELS, CONTEXT, LEVELS, EMBEDDING = 32, 16, 4, 128
UNET = {"in_channels": 4, "out_channels": 4, "model_channels": CHANNELS, "channel_mult": [1] * LEVELS,
        "num_res_blocks": [2] * LEVELS, "transformer_depth": [1, 1] + [0] * 6,
        "transformer_depth_output": [1, 1, 1] + [0] * 9, "transformer_depth_middle": 1,
        "context_dim": CONTEXT, "num_heads": 4, "num_head_channels": -1,
        "use_linear_in_transformer": False}


class Drawn:
    """Tensors of a seed, by name."""

    def __init__(self, seed):
        self.random, self.tensors = numpy.random.default_rng(seed), {}

    def add(self, name, *shape, scale=None):
        if scale is None:
            scale = 0.5 / max(1, int(numpy.prod(shape[1:]))) ** 0.5
        self.tensors[name] = (self.random.standard_normal(shape) * scale).astype(numpy.float32)

    def norm(self, name):
        self.tensors[f"{name}.weight"] = numpy.ones(CHANNELS, numpy.float32)
        self.tensors[f"{name}.bias"] = numpy.zeros(CHANNELS, numpy.float32)

    def linear(self, name, fan_in, fan_out, bias=True):
        self.add(f"{name}.weight", fan_out, fan_in)
        if bias:
            self.add(f"{name}.bias", fan_out, scale=0.1)

    def conv(self, name, fan_in, fan_out, kernel):
        self.add(f"{name}.weight", fan_out, fan_in, kernel, kernel)
        self.add(f"{name}.bias", fan_out, scale=0.1)

    def attention(self, name, context=CHANNELS):
        self.linear(f"{name}.to_q", CHANNELS, CHANNELS, bias=False)
        self.linear(f"{name}.to_k", context, CHANNELS, bias=False)
        self.linear(f"{name}.to_v", context, CHANNELS, bias=False)
        self.linear(f"{name}.to_out.0", CHANNELS, CHANNELS)

    def feed_forward(self, name):
        self.linear(f"{name}.net.0.proj", CHANNELS, 8 * CHANNELS)
        self.linear(f"{name}.net.2", 4 * CHANNELS, CHANNELS)

    def res_block(self, name, fan_in=CHANNELS):
        self.tensors[f"{name}.in_layers.0.weight"] = numpy.ones(fan_in, numpy.float32)
        self.tensors[f"{name}.in_layers.0.bias"] = numpy.zeros(fan_in, numpy.float32)
        self.conv(f"{name}.in_layers.2", fan_in, CHANNELS, 3)
        self.linear(f"{name}.emb_layers.1", EMBEDDING, CHANNELS)
        self.norm(f"{name}.out_layers.0")
        self.conv(f"{name}.out_layers.3", CHANNELS, CHANNELS, 3)
        if fan_in != CHANNELS:
            self.conv(f"{name}.skip_connection", fan_in, CHANNELS, 1)

    def transformer(self, name):
        block = f"{name}.transformer_blocks.0"
        for norm in (f"{name}.norm", f"{block}.norm1", f"{block}.norm2", f"{block}.norm3"):
            self.norm(norm)
        self.conv(f"{name}.proj_in", CHANNELS, CHANNELS, 1)
        self.conv(f"{name}.proj_out", CHANNELS, CHANNELS, 1)
        self.attention(f"{block}.attn1")
        self.attention(f"{block}.attn2", CONTEXT)
        self.feed_forward(f"{block}.ff")

    def motion_module(self, name, frames):
        block = f"{name}.transformer_blocks.0"
        for norm in (f"{name}.norm", f"{block}.norms.0", f"{block}.norms.1", f"{block}.ff_norm"):
            self.norm(norm)
        self.linear(f"{name}.proj_in", CHANNELS, CHANNELS)
        self.linear(f"{name}.proj_out", CHANNELS, CHANNELS)
        for i in range(2):
            self.attention(f"{block}.attention_blocks.{i}")
            self.add(f"{block}.attention_blocks.{i}.pos_encoder.pe", 1, frames, CHANNELS, scale=0.5)
        self.feed_forward(f"{block}.ff")


def write_checkpoint(path):
    """Four levels of two blocks; the highest resolution and the middle have attention."""
    drawn = Drawn(1)
    drawn.linear("time_embed.0", CHANNELS, EMBEDDING)
    drawn.linear("time_embed.2", EMBEDDING, EMBEDDING)
    drawn.conv("input_blocks.0.0", 4, CHANNELS, 3)
    for level in range(LEVELS):
        for i in range(2):
            block = f"input_blocks.{1 + 3 * level + i}"
            drawn.res_block(f"{block}.0")
            if level == 0:
                drawn.transformer(f"{block}.1")
        if level < LEVELS - 1:
            drawn.conv(f"input_blocks.{3 + 3 * level}.0.op", CHANNELS, CHANNELS, 3)
    drawn.res_block("middle_block.0")
    drawn.transformer("middle_block.1")
    drawn.res_block("middle_block.2")
    for i in range(3 * LEVELS):
        has_attention = i >= 3 * (LEVELS - 1)
        drawn.res_block(f"output_blocks.{i}.0", 2 * CHANNELS)
        if has_attention:
            drawn.transformer(f"output_blocks.{i}.1")
        elif i % 3 == 2:
            drawn.conv(f"output_blocks.{i}.1.conv", CHANNELS, CHANNELS, 3)
    drawn.norm("out.0")
    drawn.conv("out.2", CHANNELS, 4, 3)
    tensors = {f"model.diffusion_model.{name}": t for name, t in drawn.tensors.items()}
    config = json.dumps({"family": "sd15", "unet": UNET})
    Path(path).write_bytes(tensor_file.pack(tensors, {"model_config": config}))
    return str(path)


def write_motion(path, version):
    """Modules of a version: v1 has 24 positions, v2 a module in the middle."""
    frames = 24 if version == "v1" else 32
    drawn = Drawn(2)
    for level in range(LEVELS):
        for part, count in (("down", 2), ("up", 3)):
            for i in range(count):
                drawn.motion_module(f"{part}_blocks.{level}.motion_modules.{i}.temporal_transformer", frames)
    if version == "v2":
        drawn.motion_module("mid_block.motion_modules.0.temporal_transformer", frames)
    Path(path).write_bytes(tensor_file.pack(drawn.tensors))
    return str(path)


def animation_job(checkpoint, motion, frames=6, steps=3, options=None, **keys):
    """(job, its tensors): frames of 64 by 64 pixels from two encoded conds. options: of the motion."""
    random = numpy.random.default_rng(3)
    tensors = {name: random.standard_normal((1, 7, CONTEXT)).astype(numpy.float32)
               for name in ("pos", "neg")}
    job = {"version": 1, "model": {"file": checkpoint},
           "positive": [{"cond": "pos"}], "negative": [{"cond": "neg"}],
           "latent": {"width": 64, "height": 64, "batch": frames}, "noise": {"seed": 1},
           "sampler": {"name": "euler", "steps": steps, "cfg": 3.0},
           "workers": {"batching": "exact"}, "output": {"latent": True}, **keys}
    if motion is not None or options is not None:
        job["motion"] = {**({"file": motion} if motion else {}), **(options or {})}
    return job, tensors
