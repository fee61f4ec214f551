"""Says which share of pictures shows what the prompt asks for.

shares.py --true 300                      the checker on true drawn pictures
shares.py --model demo.safetensors        pictures sampled here, with torch
shares.py --runner "tandem txt2img" --seeds 50 --model demo.safetensors
    pictures from `CMD "prompt" --seed N -o out.png --model FILE`
"""

import argparse
import itertools
import random
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import pictures

SIDE = 128  # pictures are looked at in this size
PATCH = 32  # and single shapes in this one
LEAST_AREA = 0.004  # of the picture; smaller stains are no things

# ---- finding the things -----------------------------------------------------


@dataclass
class Found:
    colour: str
    shape: str
    x: float
    y: float


def _small(picture):
    image = Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(image).astype(np.float32)


def _background(picture):
    """The background of every row, from the rows' ends: it only changes downwards."""
    ends = np.concatenate([picture[:, :4], picture[:, -4:]], axis=1)
    rows = np.median(ends, axis=1)
    # A thing at the edge spoils some rows: smooth with a robust parabola.
    y = np.linspace(-1, 1, SIDE)
    terms = np.stack([np.ones(SIDE), np.minimum(y, 0), np.maximum(y, 0)], axis=1)
    keep = np.ones(SIDE, bool)
    for _ in range(5):
        weights = np.linalg.lstsq(terms[keep], rows[keep], rcond=None)[0]
        off = np.abs(rows - terms @ weights).max(axis=1)
        keep = off <= max(6.0, 1.5 * np.median(off))
    return (terms @ weights)[:, None, :]


def _foreground(picture):
    """Pixels that are neither the background nor its shadow."""
    back = _background(picture)
    # Hardly a step from white to white: such pairs need the finer threshold.
    differs = np.abs(picture - back).max(axis=2) > 22
    light = (picture * back).sum(axis=2) / (back * back).sum(axis=2)
    same_hue = np.abs(picture - light[..., None] * back).max(axis=2) < 14
    shadow = same_hue & (light > 0.66) & (light < 1) & (back.max() > 60)
    return differs & ~shadow


def _components(mask):
    """Lists of flat pixel indices of the 4-connected parts, largest first."""
    todo, parts = set(np.flatnonzero(mask).tolist()), []
    while todo:
        edge, part = [todo.pop()], []
        while edge:
            i = edge.pop()
            part.append(i)
            steps = [i - SIDE, i + SIDE]
            steps += [i - 1] if i % SIDE else []
            steps += [i + 1] if i % SIDE < SIDE - 1 else []
            for j in steps:
                if j in todo:
                    todo.remove(j)
                    edge.append(j)
        parts.append(part)
    parts = [p for p in parts if len(p) >= LEAST_AREA * SIDE * SIDE]
    return sorted(parts, key=len, reverse=True)


def nearest_colour(pixels):
    """The name of the colour that most of these pixels (n, 3) are near to."""
    names = list(pictures.COLOURS)
    table = np.array([pictures.COLOURS[n] for n in names], np.float32)
    return names[int(np.abs(table - np.median(pixels, axis=0)).sum(axis=1).argmin())]


def _patch(mask):
    """The mask's bounding box, scaled to fill a square by its longer side."""
    ys, xs = np.nonzero(mask)
    box = mask[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
    height, width = box.shape
    scale = PATCH / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = Image.fromarray(box.astype(np.uint8) * 255).resize(size, Image.Resampling.BILINEAR)
    patch = np.zeros((PATCH, PATCH), np.float32)
    top, left = (PATCH - size[1]) // 2, (PATCH - size[0]) // 2
    patch[top : top + size[1], left : left + size[0]] = np.asarray(image) / 255
    return patch


@cache
def _templates():
    """The patches of every shape, turned as far as a picture may turn it."""
    steps = (torch.arange(96) + 0.5) / 96 * 2.6 - 1.3
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    made = []
    for shape in pictures.SHAPES:
        for turn in (-0.1, -0.05, 0.0, 0.05, 0.1):
            cos, sin = np.cos(turn), np.sin(turn)
            inside = pictures.distance(shape, x * cos + y * sin, y * cos - x * sin) < 0
            made.append((shape, _patch(inside.numpy())))
    return made


def _nearest_shape(mask):
    patch = _patch(mask)
    scores = [
        (np.minimum(patch, t).sum() / np.maximum(patch, t).sum(), shape)
        for shape, t in _templates()
    ]
    return max(scores)[1]


def _inner(mask):
    """The mask without its rim, or all of it when nothing else is left."""
    inner = mask.copy()
    for axis, step in itertools.product((0, 1), (-1, 1, -2, 2)):
        inner &= np.roll(mask, step, axis)
    return inner if inner.sum() >= 8 else mask


def find(picture):
    """The things on one picture, the largest first."""
    small, found = _small(picture), []
    for part in _components(_foreground(small)):
        mask = np.zeros(SIDE * SIDE, bool)
        mask[part] = True
        mask = mask.reshape(SIDE, SIDE)
        ys, xs = np.nonzero(mask)
        x, y = (xs.min() + xs.max() + 1) / 2 / SIDE, (ys.min() + ys.max() + 1) / 2 / SIDE
        found.append(Found(nearest_colour(small[_inner(mask)]), _nearest_shape(mask), x, y))
    return found


# ---- judging ----------------------------------------------------------------


def _part_right(sign, at):
    """Whether a coordinate is in the first, middle or last part of the side."""
    if sign == 0:
        return 0.3 <= at <= 0.7
    return at < 0.45 if sign < 0 else at > 0.55


def _place_right(scene, found):
    if scene.place:
        sx, sy = pictures.PLACES[scene.place]
        return _part_right(sx, found[0].x) and _part_right(sy, found[0].y)
    if scene.relation:
        axis, sign = pictures.RELATIONS[scene.relation]
        apart = (found[0].x - found[1].x, found[0].y - found[1].y)
        return apart[axis] * sign > 0.1 and abs(apart[axis]) > abs(apart[1 - axis])
    return True


def _judge_order(scene, found):
    colour = all(f.colour == t.colour for f, t in zip(found, scene.things, strict=True))
    shape = all(f.shape == t.shape for f, t in zip(found, scene.things, strict=True))
    return colour, _place_right(scene, found), shape


def judge(scene, picture):
    """(colour, place, shape) right or not; wrong altogether with too few or many things."""
    found = find(picture)
    if len(found) != len(scene.things):
        return False, False, False
    orders = (_judge_order(scene, order) for order in itertools.permutations(found))
    return max(orders, key=lambda flags: (flags[0] and flags[2], sum(flags)))


def judge_all(asked, drawn):
    _templates()  # before the fork: the processes below must not need torch
    with Pool() as pool:
        return np.array(pool.starmap(judge, zip(asked, drawn, strict=True), chunksize=4))


# ---- what is asked ----------------------------------------------------------


def rows_of_prompts(count):
    """The table's rows: name -> scenes; captions[0] is the prompt."""
    rng = random.Random("shares")
    places = list(pictures.PLACES)
    return {
        "one object with a place": [pictures.single(rng, rng.choice(places)) for _ in range(count)],
        "two objects, trained pairs": [pictures.related(rng) for _ in range(count)],
        "two objects, held-out pairs": [pictures.related(rng, True) for _ in range(count)],
    }


def print_table(results):
    print("| | colour | place | shape | all three |\n|---|---|---|---|---|")
    for name, flags in results.items():
        shares = [*flags.mean(axis=0), flags.all(axis=1).mean()]
        print(f"| {name} | " + " | ".join(f"{s:.1%}" for s in shares) + " |", flush=True)


def from_torch(path, device, precision):
    """A renderer: scenes and seeds to pictures, by this folder's own sampler."""
    from safetensors.torch import load_file

    from network import Model
    from sampling import render

    model = Model().to(device).eval()
    state = {k: v.float() for k, v in load_file(path).items()}
    model.load_state_dict(state)
    dtype = {"bf16": torch.bfloat16, "fp32": torch.float32}[precision]

    def renderer(asked, seeds):
        prompts = [s.captions[0] for s in asked]
        with torch.autocast(device, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
            return render(model, prompts, seeds, device=device)

    return renderer


def from_runner(command, model, keep):
    """A renderer that calls the product once for each picture."""

    def renderer(asked, seeds):
        drawn = []
        for scene, seed in zip(asked, seeds, strict=True):
            out = Path(keep) / f"{seed:05}-{scene.captions[0].replace(' ', '_')}.png"
            call = [*shlex.split(command), scene.captions[0], "--seed", str(seed)]
            call += ["-o", str(out)] + (["--model", str(model)] if model else [])
            subprocess.run(call, check=True, stdout=subprocess.DEVNULL)
            drawn.append(np.asarray(Image.open(out).convert("RGB")))
        return drawn

    return renderer


def save_sheet(path, asked, drawn, flags, columns=10):
    """Small copies of all pictures; wrong ones have a red bar below."""
    side, rows = 128, -(-len(drawn) // columns)
    sheet = Image.new("RGB", (columns * side, rows * (side + 6)), "white")
    for i, picture in enumerate(drawn):
        at = (i % columns * side, i // columns * (side + 6))
        sheet.paste(Image.fromarray(picture).resize((side, side)), at)
        if not flags[i].all():
            sheet.paste((220, 0, 0), (at[0], at[1] + side, at[0] + side, at[1] + side + 4))
    sheet.save(path)


def measure(renderer, count, sheet=None):
    results, begin = {}, time.time()
    for number, (name, asked) in enumerate(rows_of_prompts(count).items()):
        drawn = renderer(asked, list(range(number * count, (number + 1) * count)))
        results[name] = judge_all(asked, drawn)
        if sheet:
            save_sheet(f"{sheet}-{number}.png", asked, drawn, results[name])
    print_table(results)
    print(f"{count} prompts and seeds a row, {time.time() - begin:.0f} s")
    return results


def check_true(count):
    """The checker on drawn pictures, where everything is right."""
    asked = [s for row in rows_of_prompts(-(-count // 3)).values() for s in row][:count]
    drawn = (pictures.draw([s])[0] for s in asked)
    drawn = [(p * 255).round().byte().permute(1, 2, 0).numpy() for p in drawn]
    flags = judge_all(asked, drawn)
    for scene, flag in zip(asked, flags, strict=True):
        if not flag.all():
            print("failed (colour, place, shape):", flag.tolist(), scene.captions[0])
    print(f"{flags.all(axis=1).sum()} of {count} true pictures pass")
    return flags.all(axis=1).mean()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--true", type=int, metavar="N", help="check the checker")
    parser.add_argument("--model", type=Path, help="a demo.safetensors")
    parser.add_argument("--runner", help="the command that renders one prompt")
    parser.add_argument("--seeds", type=int, default=200, help="prompts and seeds a row")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--keep", help="folder for the runner's pictures")
    parser.add_argument("--sheet", help="prefix of contact sheets, one a row")
    options = parser.parse_args()
    if options.true:
        return 0 if check_true(options.true) >= 0.98 else 1
    if options.runner:
        with tempfile.TemporaryDirectory() as scratch:
            keep = options.keep or scratch
            Path(keep).mkdir(parents=True, exist_ok=True)
            measure(from_runner(options.runner, options.model, keep), options.seeds, options.sheet)
        return 0
    if not options.model:
        parser.error("one of --true, --runner or --model is needed")
    renderer = from_torch(options.model, options.device, options.precision)
    measure(renderer, options.seeds, options.sheet)
    return 0


if __name__ == "__main__":
    sys.exit(main())
