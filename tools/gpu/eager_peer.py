"""Times of ComfyUI's own UNet modules under PyTorch, on this GPU: what Tandem's steps are compared with.

    tools/gpu/eager_peer.py --comfyui CHECKOUT [--device cuda:0] [--calls N] [--models sd15,sdxl]

CHECKOUT holds ComfyUI's `comfy` package, which is no part of this project. The weights are random, fp16. Prints JSON: for
each model and batch size the median milliseconds of a forward pass, launch by launch ("eager") and as a CUDA graph
("graph"), with the memory format that ComfyUI uses and with channels last. A step at cfg 7 is one pass of a batch of two.
"""
import argparse
import json
import statistics
import sys
import time
from collections import namedtuple

import torch

Peer = namedtuple("Peer", "config latent tokens width vector")

COMMON = {"image_size": 32, "in_channels": 4, "out_channels": 4, "model_channels": 320,
          "use_spatial_transformer": True, "legacy": False}
PEERS = {
    "sd15": Peer({**COMMON, "num_res_blocks": [2] * 4, "channel_mult": [1, 2, 4, 4], "num_heads": 8,
                  "transformer_depth": [1] * 6 + [0] * 2, "transformer_depth_output": [1] * 9 + [0] * 3,
                  "transformer_depth_middle": 1, "context_dim": 768}, 64, 77, 768, None),
    "sdxl": Peer({**COMMON, "num_res_blocks": [2] * 3, "channel_mult": [1, 2, 4], "num_head_channels": 64,
                  "transformer_depth": [0, 0, 2, 2, 10, 10], "transformer_depth_middle": 10,
                  "transformer_depth_output": [0, 0, 0, 2, 2, 2, 10, 10, 10],
                  "use_linear_in_transformer": True, "context_dim": 2048,
                  "num_classes": "sequential", "adm_in_channels": 2816}, 128, 77, 2048, 2816),
}


def network(peer, device):
    from comfy.cli_args import args
    args.cpu = device.type == "cpu"  # else it looks for a GPU when it is imported
    import comfy.ops
    from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    made = UNetModel(**peer.config, dtype=dtype, device=device, operations=comfy.ops.disable_weight_init)
    made = made.eval()
    torch.manual_seed(1)
    for weight in made.parameters():
        torch.nn.init.normal_(weight, std=0.02)
    return made


def inputs(peer, batch, device):
    def random(*shape):
        return torch.randn(*shape, device=device).to(torch.float16 if device.type == "cuda" else torch.float32)
    given = {"x": random(batch, 4, peer.latent, peer.latent), "context": random(batch, peer.tokens, peer.width),
             "timesteps": torch.full((batch,), 500.0, device=device)}
    if peer.vector:
        given["y"] = random(batch, peer.vector)
    return given


def wait(device):
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def median_ms(call, calls, device):
    """Of the time from the call to the end of its kernels, as a step of a sampler waits for it."""
    times = []
    for _ in range(calls):
        wait(device)
        began = time.perf_counter()
        call()
        wait(device)
        times.append(1e3 * (time.perf_counter() - began))
    return round(statistics.median(times), 3)


def graph_of(call, device):
    stream = torch.cuda.Stream(device)
    with torch.cuda.stream(stream):
        for _ in range(3):
            call()
    torch.cuda.synchronize(device)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()
    return graph


def measure(name, calls, device):
    made = network(PEERS[name], device)
    report = {"contiguous": times_of(made, PEERS[name], calls, device)}
    made = made.to(memory_format=torch.channels_last)
    return {**report, "channels_last": times_of(made, PEERS[name], calls, device)}


def times_of(made, peer, calls, device):
    report = {}
    for batch in (1, 2):
        given = inputs(peer, batch, device)
        def call(given=given):
            return made(**given)
        for _ in range(3):
            call()
        report[f"eager_{batch}_ms"] = median_ms(call, calls, device)
        if device.type == "cuda":
            report[f"graph_{batch}_ms"] = median_ms(graph_of(call, device).replay, calls, device)
    return report


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--comfyui", required=True)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--calls", type=int, default=30)
    parser.add_argument("--models", default="sd15,sdxl")
    args = parser.parse_args()
    sys.argv = sys.argv[:1]  # ComfyUI reads it too
    sys.path.insert(0, args.comfyui)
    device = torch.device(args.device)
    with torch.inference_mode():
        print(json.dumps({name: measure(name, args.calls, device) for name in args.models.split(",")}))


if __name__ == "__main__":
    main()
