"""Trains the demo model: `train.py vae`, then `train.py unet`.

Each stage works for --seconds (or --steps) in all and may stop early with --this-run; the
same command again goes on from the checkpoint in --work, where demo.safetensors
is written too. `train.py --quick` is a small CPU run that checks the whole path.
"""

import argparse
import copy
import math
import random
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

import pictures
from network import CONFIG, LATENT_SCALE, Model, tokens
from sampling import alphas_bar, render

# ---- shared by the stages ---------------------------------------------------


class Stage:
    """What a stage must remember between two commands, and how far it is."""

    def __init__(self, path, options, parts):
        self.path, self.seconds, self.this_run = path, options.seconds, options.this_run
        self.steps = options.steps
        self.parts, self.before, self.step, self.begin = parts, 0.0, 0, time.time()
        if path.exists():
            saved = torch.load(path, map_location="cpu", weights_only=True)
            self.before, self.step = saved["used"], saved["step"]
            for name, part in parts.items():
                part.load_state_dict(saved[name])

    @property
    def used(self):
        return self.before + time.time() - self.begin

    @property
    def progress(self):
        done = self.step / self.steps if self.steps else self.used / self.seconds
        return min(1.0, done)

    def running(self):
        return self.progress < 1 and self.used - self.before < self.this_run

    def save(self):
        saved = {name: part.state_dict() for name, part in self.parts.items()}
        torch.save(saved | {"used": self.used, "step": self.step}, self.path)


class Step:
    """One training step. On a GPU it is recorded once and replayed as a graph,
    since launching its kernels one by one takes longer than they run."""

    def __init__(self, loss_of, optimiser, device):
        self.loss_of, self.optimiser, self.device = loss_of, optimiser, device
        self.params = optimiser.param_groups[0]["params"]
        self.graph = None
        if device == "cuda":
            self._record()

    def _work(self):
        with torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.device == "cuda"):
            loss = self.loss_of()
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.params, 1.0)
        self.optimiser.step()
        return loss.detach()

    def _record(self):
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self._work()
        torch.cuda.current_stream().wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        self.optimiser.zero_grad()
        with torch.cuda.graph(self.graph):
            self.loss = self._work()

    def __call__(self):
        if self.graph is None:
            return self._work()
        self.graph.replay()
        return self.loss


def adam(params, device, **options):
    graph = {"fused": True, "capturable": True} if device == "cuda" else {}
    return torch.optim.AdamW(params, lr=torch.tensor(0.0, device=device), **graph, **options)


def set_rate(optimiser, rate, device):
    """The rate is a tensor that a recorded step reads anew each time."""
    for group in optimiser.param_groups:
        if group["lr"].device.type != device:
            group["lr"] = group["lr"].to(device)
        group["lr"].fill_(rate)


def cosine(progress, high, low, flat=0.0):
    """Constant for the part `flat`, then a cosine down to low."""
    x = max(0.0, (progress - flat) / (1 - flat))
    return low + (high - low) * 0.5 * (1 + math.cos(math.pi * x))


def load(model, path):
    model.load_state_dict({k: v.float() for k, v in load_file(path).items()})


def export(model, path):
    state = {k: v.detach().half().cpu().contiguous() for k, v in model.state_dict().items()}
    save_file(state, path, metadata=model.metadata())
    Path(path).chmod(0o644)


# ---- VAE --------------------------------------------------------------------


def picture_loss(made, true):
    """L1, L1 of the gradients, and L1 of smaller and smaller copies."""
    diff = made - true
    loss = diff.abs().mean()
    loss = loss + diff.diff(dim=2).abs().mean() + diff.diff(dim=3).abs().mean()
    for factor in (4, 16, 64):
        if min(diff.shape[2:]) >= factor:
            loss = loss + 0.7 * F.avg_pool2d(diff, factor).abs().mean()
    return loss


def vae_loss(vae, batch, kl_weight):
    mean, log_var = (t.float() * LATENT_SCALE for t in vae.encode(batch))
    log_var = (log_var / LATENT_SCALE + 2 * math.log(LATENT_SCALE)).clamp(-20, 10)
    kl = 0.5 * (mean**2 + log_var.exp() - 1 - log_var).mean()
    # Beside the posterior's noise a random amount more: the sampler is never exact.
    extra = 0.15 * torch.rand(len(mean), 1, 1, 1, device=mean.device)
    spread = (log_var.exp() + extra**2).sqrt()
    made = vae.decode((mean + spread * torch.randn_like(mean)) / LATENT_SCALE)
    return picture_loss(made.float(), batch) + kl_weight * kl


def some_pictures(seed, count, size, device, make=pictures.scenes):
    return pictures.draw(make(seed, count), size, device)


@torch.no_grad()
def latent_statistics(vae, device, size, make, count=512):
    total, squares, n = 0.0, 0.0, 0
    for at in range(0, count, 32):
        mean, _ = vae.encode(some_pictures(f"statistics {at}", 32, size, device, make))
        total, squares = total + mean.sum((0, 2, 3)), squares + (mean**2).sum((0, 2, 3))
        n += mean[:, 0].numel()
    mean = total / n
    return mean, (squares / n - mean**2).sqrt()


@torch.no_grad()
def reconstruction(vae, device, size, count=200):
    """Mean L1 and PSNR over new pictures, in full precision."""
    l1, psnr = 0.0, 0.0
    for i in range(0, count, 20):
        true = some_pictures(f"new {i}", 20, size, device)
        made = vae.decode(vae.encode(true)[0]).clamp(0, 1)
        l1 += (made - true).abs().mean().item() * 20
        psnr += (-10 * ((made - true) ** 2).mean((1, 2, 3)).log10()).sum().item()
    return l1 / count, psnr / count


def print_reconstruction(when, vae, device, size=256):
    l1, psnr = reconstruction(vae, device, size)
    print(f"reconstruction {when}: L1 {l1:.4f}, {psnr:.1f} dB", flush=True)


def picture_pool(count, size, device, make):
    """Many drawn pictures as bytes, to pick batches from."""
    parts = []
    for at in range(0, count, 256):
        drawn = some_pictures(f"vae {at}", min(256, count - at), size, device, make)
        parts.append((drawn * 255).round().byte())
    return torch.cat(parts)


def train_vae(model, work, options, device, size=256, make=pictures.scenes):
    vae, optimiser = model.vae, adam(model.vae.parameters(), device)
    stage = Stage(work / "vae.pt", options, {"vae": vae, "optimiser": optimiser})
    set_rate(optimiser, 1e-6, device)
    pool = picture_pool(options.pictures, size, device, make)

    def loss_of():
        rows = torch.randint(0, len(pool), (options.vae_batch,), device=device)
        return vae_loss(vae, pool[rows].float() / 255, options.kl)

    step, total = Step(loss_of, optimiser, device), torch.zeros((), device=device)
    while stage.running():
        set_rate(optimiser, cosine(stage.progress, options.vae_rate, 1e-6), device)
        total += step()
        stage.step += 1
        if stage.step % 20 == 0:
            mean = total.item() / 20  # waits for the GPU, so that the clock is right
            total.zero_()
        if stage.step % 200 == 0:
            print(f"vae step {stage.step} {stage.used:.0f} s loss {mean:.4f}", flush=True)
    if stage.progress == 1 and not (work / "vae.safetensors").exists():
        vae.fold(*latent_statistics(vae, device, size, make))
        export(model, work / "vae.safetensors")
    else:
        stage.save()
    print(f"vae: {stage.step} steps, {stage.used:.0f} s", flush=True)


# ---- latents ----------------------------------------------------------------


@torch.no_grad()
def encode_kind(vae, seed, count, kind, device, size=256, part=256, make=pictures.scenes):
    """The latents and the two captions' ids of `count` new pictures."""
    latents, ids = [], []
    for at in range(0, count, part):
        made = make(f"{seed}/{at}", part, kind)
        with torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda"):
            mean, _ = vae.encode(pictures.draw(made, size, device))
        latents.append((mean.float() * LATENT_SCALE).half())
        ids += [[tokens(c) for c in s.captions] for s in made]
    return torch.cat(latents), torch.tensor(ids, dtype=torch.int32, device=device)


def make_latents(vae, work, seed, count, device):
    """The cached training set of one part: whole pictures and both half sizes."""
    path = work / f"latents-{seed}.pt"
    if path.exists():
        return torch.load(path, map_location=device, weights_only=True)
    begin = time.time()
    counts = {"any": count, "tall": count // 10, "wide": count // 10}
    data = {k: encode_kind(vae, seed, n, k, device) for k, n in counts.items()}
    torch.save(data, path)
    print(f"{count} pictures drawn and encoded, {time.time() - begin:.0f} s", flush=True)
    return data


# ---- UNet and text encoder --------------------------------------------------


def pick_times(count, device):
    """Half of all times are late ones: they decide where things go."""
    times = torch.randint(0, 1000, (count,), device=device)
    late = torch.randint(400, 1000, (count,), device=device)
    return torch.where(torch.rand(count, device=device) < 0.5, times, late)


def unet_loss(model, latents, ids, times, bar, cap):
    noise = torch.randn_like(latents)
    noise = noise + 0.1 * torch.randn(len(latents), 4, 1, 1, device=latents.device)
    a = bar[times][:, None, None, None]
    noisy = a.sqrt() * latents + (1 - a).sqrt() * noise
    guess = model.unet(noisy, times, model.text(ids))
    # Near the loss of the picture itself, so that places are learned.
    weight = (1 / a).clamp(max=cap) / cap**0.5
    return (weight * (guess.float() - noise) ** 2).mean()


def take_batch(latents, ids, empty, count):
    device = latents.device
    rows = torch.randint(0, len(latents), (count,), device=device)
    which = torch.randint(0, ids.shape[1], (count,), device=device)
    chosen = ids[rows, which].long()
    drop = torch.rand(count, 1, device=device) < 0.1
    return latents[rows].float(), torch.where(drop, empty, chosen)


def follow(ema, model, decay):
    with torch.no_grad():
        torch._foreach_lerp_(list(ema.parameters()), list(model.parameters()), 1 - decay)


def unet_steps(model, data, options, optimiser, device):
    """A step for each kind of picture."""
    bar, empty = alphas_bar(device), torch.tensor(tokens(""), device=device)

    def make(kind):
        def loss_of():
            latents, ids = take_batch(*data[kind], empty, options.unet_batch)
            times = pick_times(len(latents), device)
            return unet_loss(model, latents, ids, times, bar, options.cap)

        return Step(loss_of, optimiser, device)

    return {kind: make(kind) for kind in data}


EMA_EVERY = 10


def train_unet(model, data, work, options, device):
    ema = copy.deepcopy(model)
    # Rows of words that never occur get no gradient, and decay leaves zeros zero.
    learned = [*model.unet.parameters(), *model.text.parameters()]
    optimiser = adam(learned, device, betas=(0.9, 0.99), weight_decay=0.01)
    parts = {"model": model, "ema": ema, "optimiser": optimiser}
    stage = Stage(work / "unet.pt", options, parts)
    set_rate(optimiser, 1e-6, device)
    steps = unet_steps(model, data, options, optimiser, device)
    kinds, total = random.Random(stage.step), torch.zeros((), device=device)
    stage.begin = time.time()
    while stage.running():
        set_rate(optimiser, cosine(stage.progress, options.unet_rate, 5e-6, options.flat), device)
        kind = kinds.choices(list(data), [10] + [1] * (len(data) - 1))[0]
        total += steps[kind]()
        stage.step += 1
        if stage.step % EMA_EVERY == 0:
            follow(ema, model, min(0.9995, (1 + stage.step) / (10 + stage.step)) ** EMA_EVERY)
            mean = total.item() / EMA_EVERY
            total.zero_()
        if stage.step % 500 == 0:
            print(f"unet step {stage.step} {stage.used:.0f} s loss {mean:.4f}", flush=True)
    stage.save()
    export(ema, work / "demo.safetensors")
    print(f"unet: {stage.step} steps, {stage.used:.0f} s", flush=True)
    return ema


# ---- quick check on a CPU ---------------------------------------------------

QUICK_SIZE, QUICK_VAE_STEPS, QUICK_UNET_STEPS = 16, 150, 500


def quick_config():
    config = copy.deepcopy(CONFIG)
    config["vae"]["ddconfig"].update(ch_mult=[1, 1, 1], resolution=QUICK_SIZE)
    config["clip"]["l"].update(num_hidden_layers=1)
    config["unet"].update(
        channel_mult=[1],
        num_res_blocks=[1],
        transformer_depth=[1],
        transformer_depth_output=[1, 1],
        image_size=QUICK_SIZE // 4,
    )
    return config


def quick_scenes(seed, count, _kind="any"):
    """One big thing in the middle of white: only its colour is asked for."""
    rng, made = random.Random(f"quick {seed}"), []
    for _ in range(count):
        colour = rng.choice([c for c in pictures.COLOURS if c != "white"])
        shape = rng.choice(["circle", "square", "heart"])
        thing = pictures.Thing(shape, colour, "big", radius=rng.uniform(0.3, 0.36))
        made.append(pictures.Scene([thing], "white", [f"a {colour} {shape}"]))
    return made


def right_colours(model, count):
    """The share of new prompts whose picture has the asked colour in its middle."""
    from shares import nearest_colour

    asked = quick_scenes("asked", count)
    prompts = [s.captions[0] for s in asked]
    grid = (QUICK_SIZE // 4,) * 2
    drawn = render(model, prompts, list(range(count)), grid, cfg=3.0)
    middle = slice(QUICK_SIZE // 2 - 2, QUICK_SIZE // 2 + 2)
    found = [nearest_colour(p[middle, middle].reshape(-1, 3)) for p in drawn]
    return sum(f == s.things[0].colour for f, s in zip(found, asked, strict=True)) / count


def quick(work):
    """Exit status 0 when the colours come out well above chance (1 in 8)."""
    torch.manual_seed(0)
    torch.set_num_threads(1)  # so small that threads mostly wait for each other
    begin = time.time()
    for old in work.glob("*"):
        old.unlink()
    model = Model(quick_config())
    options = argparse.Namespace(
        seconds=None, steps=QUICK_VAE_STEPS, this_run=math.inf, pictures=1024, kl=1e-4,
        vae_rate=2e-3, vae_batch=16, unet_rate=2e-3, unet_batch=32, cap=16, flat=0.3,
    )  # fmt: skip
    train_vae(model, work, options, "cpu", QUICK_SIZE, quick_scenes)
    options.steps = QUICK_UNET_STEPS
    data = {"any": encode_kind(model.vae, "data", 1024, "any", "cpu", QUICK_SIZE, 64, quick_scenes)}
    trained = train_unet(model, data, work, options, "cpu")
    share = right_colours(trained, 80)
    print(f"{share:.1%} of 80 colours right (chance 12.5%), {time.time() - begin:.0f} s")
    return 0 if share >= 0.5 else 1


# ---- command line -----------------------------------------------------------


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", nargs="?", choices=["vae", "unet"])
    parser.add_argument("--quick", action="store_true", help="the small CPU run")
    parser.add_argument("--work", type=Path, default=Path("build-demo"))
    parser.add_argument("--start", help="a demo.safetensors to go on from")
    parser.add_argument("--seconds", type=float, default=600, help="of the stage in all")
    parser.add_argument("--steps", type=int, help="of the stage, instead of --seconds")
    parser.add_argument("--this-run", type=float, default=math.inf, help="seconds now")
    parser.add_argument("--pictures", type=int, default=128000)
    parser.add_argument("--part", default="1", help="names one set of pictures")
    parser.add_argument("--kl", type=float, default=1e-4)
    parser.add_argument("--vae-rate", type=float, default=8e-4)
    parser.add_argument("--vae-batch", type=int, default=32)
    parser.add_argument("--unet-rate", type=float, default=6e-4)
    parser.add_argument("--unet-batch", type=int, default=256)
    parser.add_argument("--cap", type=float, default=30, help="of the loss's weight 1/abar")
    parser.add_argument("--flat", type=float, default=0.4, help="part at the full rate")
    return parser.parse_args()


def main():
    options = arguments()
    options.work.mkdir(parents=True, exist_ok=True)
    if options.quick:
        return quick(options.work)
    if options.stage is None:
        sys.exit("name a stage (vae or unet), or --quick")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    model = Model().to(device)
    if options.start:
        load(model, options.start)
    if options.stage == "vae":
        if options.start:
            print_reconstruction("before", model.vae, device)
        train_vae(model, options.work, options, device)
        print_reconstruction("after", model.vae, device)
        return 0
    load(model, options.work / "vae.safetensors")
    data = make_latents(model.vae, options.work, options.part, options.pictures, device)
    train_unet(model, data, options.work, options, device)
    return 0


if __name__ == "__main__":
    sys.exit(main())
