"""A sampler of one's own on Tandem's workers: the loop is here, the predictions are theirs.

    python own_sampler.py "a red circle left of a blue square" --out own.png

Euler with a guidance that fades towards the end. Nothing of it is known to the service.
"""
import argparse

import numpy as np

import tandem


def sigmas_of(table, steps):
    """As many noise levels of the model's table, from the highest down, and 0."""
    places = np.linspace(len(table) - 1, 0, steps).round().astype(int)
    return [*(table[place] for place in places), 0.0]


def sample(evaluator, x, sigmas, cfg):
    for sigma, after in zip(sigmas, sigmas[1:]):
        cond, uncond = evaluator.evaluate(x, sigma, [["prompt"], ["nothing"]])
        scale = 1 + (cfg - 1) * sigma / (sigma + 1)
        denoised = uncond + (cond - uncond) * np.float32(scale)
        x = x + (x - denoised) * np.float32((after - sigma) / sigma)
    return x


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prompt")
    parser.add_argument("--model", default=None, help="a checkpoint; else the demo model")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--cfg", type=float, default=6.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--side", type=int, default=256, help="of the picture, in pixels")
    parser.add_argument("--out", default="own.png")
    args = parser.parse_args()

    model = {"file": args.model or tandem.demo_model()}
    shape = (1, 4, args.side // 8, args.side // 8)
    conds = {"prompt": {"text": args.prompt}, "nothing": {"text": ""}}
    with tandem.connect(start_with="") as client, \
            client.evaluator(model, shape, conds) as evaluator:
        sigmas = sigmas_of(evaluator.info["sigmas"], args.steps)
        noise = np.random.default_rng(args.seed).standard_normal(shape, np.float32)
        x = sample(evaluator, noise * np.float32(sigmas[0]), sigmas, args.cfg)
        latent = x / np.float32(evaluator.info["latent_format"]["scale"])
        result = client.run({"version": 1, "model": model, "latent": {"tensor": latent},
                             "output": {"image": True, "image_dtype": "uint8"}})
        result.pictures()[0].save(args.out)


if __name__ == "__main__":
    main()
