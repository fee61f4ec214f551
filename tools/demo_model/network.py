"""The demo model's networks, with SD 1.x's published key names.

`Model().state_dict()` has exactly the keys of an SD 1.x checkpoint:
model.diffusion_model.*, first_stage_model.*, cond_stage_model.transformer.text_model.*
"""

import json
import math

import torch
import torch.nn.functional as F
from torch import nn

LATENT_SCALE = 0.18215
CONFIG = {
    "clip": {
        "l": {
            "hidden_act": "quick_gelu",
            "hidden_size": 64,
            "intermediate_size": 256,
            "num_attention_heads": 4,
            "num_hidden_layers": 3,
        }
    },
    "family": "sd15",
    "latent_format": "SD15",
    "latent_scale": LATENT_SCALE,
    "parameterization": "eps",
    "unet": {
        "adm_in_channels": None,
        "channel_mult": [1, 2, 2],
        "context_dim": 64,
        "image_size": 32,
        "in_channels": 4,
        "legacy": False,
        "model_channels": 64,
        # 4 heads at 128 channels; ComfyUI, and so Tandem, gives SD 1.x 8 where num_heads says it.
        "num_head_channels": 32,
        "num_heads": -1,
        "num_res_blocks": [1, 1, 1],
        "out_channels": 4,
        "transformer_depth": [0, 1, 1],
        "transformer_depth_middle": 1,
        "transformer_depth_output": [0, 0, 1, 1, 1, 1],
        "use_checkpoint": False,
        "use_linear_in_transformer": False,
        "use_spatial_transformer": True,
        "use_temporal_attention": False,
        "use_temporal_resblock": False,
    },
    "vae": {
        "ddconfig": {
            "attn_resolutions": [],
            "ch": 64,
            "ch_mult": [1, 1, 1, 1],
            "double_z": True,
            "dropout": 0.0,
            "in_channels": 3,
            "num_res_blocks": 1,
            "out_ch": 3,
            "resolution": 256,
            "z_channels": 4,
        },
        "embed_dim": 4,
    },
}

# ---- words ------------------------------------------------------------------

START, END, LENGTH = 49406, 49407, 77
# CLIP's byte-pair ids of `word</w>` for every word the captions use.
WORD_IDS = {
    "a": 320, "an": 550, "red": 736, "green": 1901, "blue": 1746, "yellow": 4481, "orange": 4287,
    "purple": 5496, "pink": 3360, "black": 1449, "white": 1579, "gray": 7048, "small": 2442,
    "big": 1205, "circle": 7117, "square": 3999, "triangle": 14615, "star": 1565, "heart": 1936,
    "ring": 2540, "cross": 3417, "diamond": 6235, "left": 1823, "right": 1155, "of": 539,
    "above": 4348, "below": 3788, "and": 537, "on": 525, "the": 518, "background": 5994,
    "in": 530, "at": 536, "top": 1253, "bottom": 5931, "center": 2119, "corner": 5253,
    "next": 1131, "to": 531, "under": 1798, "over": 962, "middle": 3694, "with": 593,
}  # fmt: skip


def tokens(prompt):
    """The 77 ids of one prompt; unknown words raise KeyError."""
    ids = [START] + [WORD_IDS[w] for w in prompt.lower().split()][: LENGTH - 2]
    return ids + [END] * (LENGTH - len(ids))


# ---- text encoder -----------------------------------------------------------


class TextAttention(nn.Module):
    def __init__(self, size, heads):
        super().__init__()
        self.heads = heads
        self.k_proj, self.v_proj = nn.Linear(size, size), nn.Linear(size, size)
        self.q_proj, self.out_proj = nn.Linear(size, size), nn.Linear(size, size)

    def forward(self, x):
        out = attend(self.q_proj(x), self.k_proj(x), self.v_proj(x), self.heads, causal=True)
        return self.out_proj(out)


class TextLayer(nn.Module):
    def __init__(self, size, heads, middle):
        super().__init__()
        self.self_attn = TextAttention(size, heads)
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(size), nn.LayerNorm(size)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(size, middle), "fc2": nn.Linear(middle, size)})

    def forward(self, x):
        x = x + self.self_attn(self.layer_norm1(x))
        hidden = self.mlp["fc1"](self.layer_norm2(x))
        return x + self.mlp["fc2"](hidden * torch.sigmoid(1.702 * hidden))


class TextModel(nn.Module):
    def __init__(self, config):
        super().__init__()
        size, heads = config["hidden_size"], config["num_attention_heads"]
        self.embeddings = nn.ModuleDict(
            {
                "token_embedding": nn.Embedding(49408, size),
                "position_embedding": nn.Embedding(LENGTH, size),
            }
        )
        layers = [
            TextLayer(size, heads, config["intermediate_size"])
            for _ in range(config["num_hidden_layers"])
        ]
        self.encoder = nn.ModuleDict({"layers": nn.ModuleList(layers)})
        self.final_layer_norm = nn.LayerNorm(size)
        self._clear()

    def _clear(self):
        """Rows of words that no caption uses stay zero."""
        table = self.embeddings["token_embedding"].weight
        keep = torch.tensor([START, END, *WORD_IDS.values()])
        with torch.no_grad():
            rows = torch.randn(len(keep), table.shape[1]) * 0.1
            table.zero_()[keep] = rows
            self.embeddings["position_embedding"].weight.normal_(std=0.02)

    def forward(self, ids):
        x = self.embeddings["token_embedding"](ids)
        x = x + self.embeddings["position_embedding"].weight[: ids.shape[1]]
        for layer in self.encoder["layers"]:
            x = layer(x)
        return self.final_layer_norm(x)


def attend(q, k, v, heads, causal=False):
    q, k, v = (t.unflatten(-1, (heads, -1)).transpose(1, 2) for t in (q, k, v))
    out = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    return out.transpose(1, 2).flatten(2)


# ---- UNet -------------------------------------------------------------------


class Norm(nn.GroupNorm):
    def forward(self, x):
        # Autocast would widen to 32 bits; the kernel sums in 32 bits anyway.
        weight, bias = self.weight.to(x.dtype), self.bias.to(x.dtype)
        with torch.autocast(x.device.type, enabled=False):
            return F.group_norm(x, self.num_groups, weight, bias, self.eps)


def norm(channels, eps=1e-5):
    return Norm(32, channels, eps=eps)


def conv(c_in, c_out, stride=1):
    return nn.Conv2d(c_in, c_out, 3, stride=stride, padding=1)


def zero(module):
    """Blocks begin as the identity: their last layer starts at zero."""
    for p in module.parameters():
        nn.init.zeros_(p)
    return module


class ResBlock(nn.Module):
    def __init__(self, c_in, c_out, c_time):
        super().__init__()
        self.in_layers = nn.Sequential(norm(c_in), nn.SiLU(), conv(c_in, c_out))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(c_time, c_out))
        last = zero(conv(c_out, c_out))
        self.out_layers = nn.Sequential(norm(c_out), nn.SiLU(), nn.Identity(), last)
        same = c_in == c_out
        self.skip_connection = nn.Identity() if same else nn.Conv2d(c_in, c_out, 1)

    def forward(self, x, time, context):
        hidden = self.in_layers(x) + self.emb_layers(time)[:, :, None, None]
        return self.skip_connection(x) + self.out_layers(hidden)


class CrossAttention(nn.Module):
    def __init__(self, size, c_context, heads):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(size, size, bias=False)
        self.to_k = nn.Linear(c_context, size, bias=False)
        self.to_v = nn.Linear(c_context, size, bias=False)
        self.to_out = nn.Sequential(nn.Linear(size, size))

    def forward(self, x, context):
        return self.to_out(attend(self.to_q(x), self.to_k(context), self.to_v(context), self.heads))


class GeGlu(nn.Module):
    def __init__(self, size, middle):
        super().__init__()
        self.proj = nn.Linear(size, middle * 2)

    def forward(self, x):
        value, gate = self.proj(x).chunk(2, dim=-1)
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, size):
        super().__init__()
        last = nn.Linear(size * 4, size)
        self.net = nn.Sequential(GeGlu(size, size * 4), nn.Identity(), last)

    def forward(self, x):
        return self.net(x)


class TransformerBlock(nn.Module):
    def __init__(self, size, c_context, heads):
        super().__init__()
        self.attn1 = CrossAttention(size, size, heads)
        self.ff = FeedForward(size)
        self.attn2 = CrossAttention(size, c_context, heads)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(size) for _ in range(3))

    def forward(self, x, context):
        normed = self.norm1(x)
        x = x + self.attn1(normed, normed)
        x = x + self.attn2(self.norm2(x), context)
        return x + self.ff(self.norm3(x))


class SpatialTransformer(nn.Module):
    def __init__(self, size, depth, c_context, heads):
        super().__init__()
        self.norm = norm(size, 1e-6)
        self.proj_in = nn.Conv2d(size, size, 1)
        blocks = [TransformerBlock(size, c_context, heads) for _ in range(depth)]
        self.transformer_blocks = nn.ModuleList(blocks)
        self.proj_out = zero(nn.Conv2d(size, size, 1))

    def forward(self, x, time, context):
        tokens_ = self.proj_in(self.norm(x)).flatten(2).transpose(1, 2)
        for block in self.transformer_blocks:
            tokens_ = block(tokens_, context)
        picture = tokens_.transpose(1, 2).unflatten(2, x.shape[2:])
        return x + self.proj_out(picture)


class Downsample(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.op = conv(size, size, 2)

    def forward(self, x, time, context):
        return self.op(x)


class Upsample(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.conv = conv(size, size)

    def forward(self, x, time=None, context=None):
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Stage(nn.ModuleList):
    def forward(self, x, time, context):
        for layer in self:
            x = layer(x) if isinstance(layer, nn.Conv2d) else layer(x, time, context)
        return x


def time_embedding(t, size):
    half = size // 2
    scale = torch.exp(torch.arange(half, device=t.device) * (-math.log(10000) / half))
    angles = t.float()[:, None] * scale
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


class UNet(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.width = width = config["model_channels"]
        self.context, self.head_channels = config["context_dim"], config["num_head_channels"]
        self.c_time = width * 4
        layers = [nn.Linear(width, self.c_time), nn.SiLU(), nn.Linear(self.c_time, self.c_time)]
        self.time_embed = nn.Sequential(*layers)
        sizes = [width * m for m in config["channel_mult"]]
        skips = self._build_input(config, sizes)
        self._build_middle(config, sizes[-1])
        self._build_output(config, sizes, skips)
        last = zero(conv(width, config["out_channels"]))
        self.out = nn.Sequential(norm(width), nn.SiLU(), last)

    def _pair(self, c_in, c_out, depth):
        layers = [ResBlock(c_in, c_out, self.c_time)]
        if depth:
            heads = c_out // self.head_channels
            layers.append(SpatialTransformer(c_out, depth, self.context, heads))
        return layers

    def _build_input(self, config, sizes):
        now, skips = self.width, [self.width]
        stages = [Stage([conv(config["in_channels"], now)])]
        depths = list(config["transformer_depth"])
        for level, size in enumerate(sizes):
            for _ in range(config["num_res_blocks"][level]):
                stages.append(Stage(self._pair(now, size, depths.pop(0))))
                now = size
                skips.append(now)
            if level + 1 < len(sizes):
                stages.append(Stage([Downsample(now)]))
                skips.append(now)
        self.input_blocks = nn.ModuleList(stages)
        return skips

    def _build_middle(self, config, size):
        first = self._pair(size, size, config["transformer_depth_middle"])
        self.middle_block = Stage([*first, ResBlock(size, size, self.c_time)])

    def _build_output(self, config, sizes, skips):
        now, stages = sizes[-1], []
        depths = list(config["transformer_depth_output"])
        for level in reversed(range(len(sizes))):
            count = config["num_res_blocks"][level] + 1
            for i in range(count):
                layers = self._pair(now + skips.pop(), sizes[level], depths.pop())
                now = sizes[level]
                if level and i + 1 == count:
                    layers.append(Upsample(now))
                stages.append(Stage(layers))
        self.output_blocks = nn.ModuleList(stages)

    def forward(self, x, t, context):
        time = self.time_embed(time_embedding(t, self.width).to(x.dtype))
        kept = []
        for stage in self.input_blocks:
            x = stage(x, time, context)
            kept.append(x)
        x = self.middle_block(x, time, context)
        for stage in self.output_blocks:
            x = stage(torch.cat([x, kept.pop()], dim=1), time, context)
        return self.out(x)


# ---- VAE --------------------------------------------------------------------


class VaeBlock(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.norm1, self.conv1 = norm(c_in, 1e-6), conv(c_in, c_out)
        self.norm2, self.conv2 = norm(c_out, 1e-6), conv(c_out, c_out)
        if c_in != c_out:
            self.nin_shortcut = nn.Conv2d(c_in, c_out, 1)

    def forward(self, x):
        hidden = self.conv1(F.silu(self.norm1(x)))
        hidden = self.conv2(F.silu(self.norm2(hidden)))
        return (self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x) + hidden


class VaeAttention(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.norm = norm(size, 1e-6)
        self.q, self.k = nn.Conv2d(size, size, 1), nn.Conv2d(size, size, 1)
        self.v, self.proj_out = nn.Conv2d(size, size, 1), nn.Conv2d(size, size, 1)

    def forward(self, x):
        normed = self.norm(x)
        q, k, v = (f(normed).flatten(2).transpose(1, 2) for f in (self.q, self.k, self.v))
        out = attend(q, k, v, 1).transpose(1, 2).unflatten(2, x.shape[2:])
        return x + self.proj_out(out)


class VaeMiddle(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.block_1, self.block_2 = VaeBlock(size, size), VaeBlock(size, size)
        self.attn_1 = VaeAttention(size)

    def forward(self, x):
        return self.block_2(self.attn_1(self.block_1(x)))


class VaeDownsample(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.conv = nn.Conv2d(size, size, 3, stride=2)

    def forward(self, x):
        # SD pads on the right and at the bottom only.
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Encoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        sizes = [config["ch"] * m for m in config["ch_mult"]]
        now = config["ch"]
        self.conv_in = conv(config["in_channels"], now)
        self.down = nn.ModuleList()
        for level, size in enumerate(sizes):
            blocks = [VaeBlock(now, size)]
            blocks += [VaeBlock(size, size) for _ in range(config["num_res_blocks"] - 1)]
            stage = nn.ModuleDict({"block": nn.ModuleList(blocks)})
            if level + 1 < len(sizes):
                stage["downsample"] = VaeDownsample(size)
            self.down.append(stage)
            now = size
        self.mid = VaeMiddle(now)
        self.norm_out, self.conv_out = norm(now, 1e-6), conv(now, 2 * config["z_channels"])

    def forward(self, x):
        x = self.conv_in(x)
        for stage in self.down:
            for block in stage["block"]:
                x = block(x)
            x = stage["downsample"](x) if "downsample" in stage else x
        return self.conv_out(F.silu(self.norm_out(self.mid(x))))


class Decoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        sizes = [config["ch"] * m for m in config["ch_mult"]]
        now = sizes[-1]
        self.conv_in, self.mid = conv(config["z_channels"], now), VaeMiddle(now)
        stages = []
        for level in reversed(range(len(sizes))):
            size = sizes[level]
            blocks = [VaeBlock(now, size)]
            blocks += [VaeBlock(size, size) for _ in range(config["num_res_blocks"])]
            stage = nn.ModuleDict({"block": nn.ModuleList(blocks)})
            now = size
            if level:
                stage["upsample"] = Upsample(now)
            stages.insert(0, stage)
        self.up = nn.ModuleList(stages)
        self.norm_out, self.conv_out = norm(now, 1e-6), conv(now, config["out_ch"])

    def forward(self, z):
        x = self.mid(self.conv_in(z))
        for stage in reversed(self.up):
            for block in stage["block"]:
                x = block(x)
            x = stage["upsample"](x) if "upsample" in stage else x
        return self.conv_out(F.silu(self.norm_out(x)))


class Vae(nn.Module):
    def __init__(self, config):
        super().__init__()
        dd, z = config["ddconfig"], config["embed_dim"]
        self.encoder, self.decoder = Encoder(dd), Decoder(dd)
        self.quant_conv = nn.Conv2d(2 * dd["z_channels"], 2 * z, 1)
        self.post_quant_conv = nn.Conv2d(z, dd["z_channels"], 1)

    def encode(self, pictures):
        """Pictures in 0..1 to (mean, log of the variance), SD's own unscaled latents."""
        return self.quant_conv(self.encoder(pictures * 2 - 1)).chunk(2, dim=1)

    def decode(self, latents):
        return (self.decoder(self.post_quant_conv(latents)) + 1) / 2

    @torch.no_grad()
    def fold(self, mean, std):
        """Make latent * LATENT_SCALE have mean 0 and std 1 per channel.

        mean and std are of the latents as they are now, before any scaling.
        """
        gain = 1 / (std * LATENT_SCALE)
        z = len(gain)
        # post_quant_conv undoes the change first, with the weights it has.
        back = self.post_quant_conv.weight
        self.post_quant_conv.bias += (back[:, :, 0, 0] * mean).sum(1)
        back /= gain[None, :, None, None]
        self.quant_conv.weight[:z] *= gain[:, None, None, None]
        self.quant_conv.bias[:z] = (self.quant_conv.bias[:z] - mean) * gain
        self.quant_conv.bias[z:] += 2 * gain.log()  # the variances follow


# ---- all of it --------------------------------------------------------------


def branch(**children):
    """A module that only gives its children their place in the key names."""
    return nn.ModuleDict(children)


class Model(nn.Module):
    def __init__(self, config=CONFIG):
        super().__init__()
        self.config = config
        self.model = branch(diffusion_model=UNet(config["unet"]))
        self.first_stage_model = Vae(config["vae"])
        text = branch(text_model=TextModel(config["clip"]["l"]))
        self.cond_stage_model = branch(transformer=text)

    @property
    def unet(self):
        return self.model["diffusion_model"]

    @property
    def vae(self):
        return self.first_stage_model

    @property
    def text(self):
        return self.cond_stage_model["transformer"]["text_model"]

    def metadata(self):
        return {"model_config": json.dumps(self.config, sort_keys=True)}
