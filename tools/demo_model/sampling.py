"""Euler with classifier-free guidance, the way the product samples an SD 1.x model."""

import numpy as np
import torch

from network import LATENT_SCALE, tokens


def alphas_bar(device="cpu"):
    """SD's 1000 steps: betas square-root-linear from 0.00085 to 0.012."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0).float().to(device)


def normal_sigmas(steps, bar):
    """The 'normal' schedule: evenly spaced times, then zero."""
    times = torch.linspace(999, 0, steps, device=bar.device)
    logs = (((1 - bar) / bar) ** 0.5).log()
    low = times.floor().long()
    high = (low + 1).clamp(max=999)
    sigmas = (logs[low] + (logs[high] - logs[low]) * (times - low)).exp()
    return times, torch.cat([sigmas, sigmas.new_zeros(1)])


def embed(model, prompts, device):
    return model.text(torch.tensor([tokens(p) for p in prompts], device=device))


@torch.no_grad()
def sample(model, prompts, seeds, shape, device, cfg=6.0, steps=20):
    """Scaled latents (count, 4, height, width); each seed gives its own noise."""
    noise = [torch.randn(4, *shape, generator=torch.Generator().manual_seed(s)) for s in seeds]
    good = embed(model, prompts, device)
    both = torch.cat([good, embed(model, [""], device).expand_as(good)])
    times, sigmas = normal_sigmas(steps, alphas_bar(device))
    x = torch.stack(noise).to(device) * (1 + sigmas[0] ** 2).sqrt()
    for i in range(steps):
        scaled = torch.cat([x, x]) / (1 + sigmas[i] ** 2).sqrt()
        eps, eps_empty = model.unet(scaled, times[i].expand(len(scaled)), both).chunk(2)
        eps = eps_empty + cfg * (eps - eps_empty)
        x = x + (sigmas[i + 1] - sigmas[i]) * eps
    return x


@torch.no_grad()
def render(model, prompts, seeds, shape=(32, 32), device="cpu", batch=50, **options):
    """Pictures as a list of numpy arrays (height, width, 3) of bytes."""
    pictures = []
    for at in range(0, len(prompts), batch):
        part = slice(at, at + batch)
        latents = sample(model, prompts[part], seeds[part], shape, device, **options)
        decoded = model.vae.decode(latents / LATENT_SCALE).clamp(0, 1)
        bytes_ = (decoded * 255).round().permute(0, 2, 3, 1).cpu().numpy()
        pictures += list(bytes_.astype(np.uint8))
    return pictures
