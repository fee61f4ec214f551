"""The procedural pictures: what is in one, its captions, and drawing a batch of them.

A scene is sampled with Python's random (cheap, any number of processes), and a
list of scenes is drawn as one tensor by signed distances, on the CPU or the GPU.
Lengths are fractions of 256 reference pixels, y points down.
"""

import math
import random
import zlib
from dataclasses import dataclass

import torch

SHAPES = ["circle", "square", "triangle", "star", "heart", "ring", "cross", "diamond"]
COLOURS = {
    "red": (218, 37, 39),
    "green": (35, 150, 66),
    "blue": (32, 80, 220),
    "yellow": (250, 217, 43),
    "orange": (250, 135, 28),
    "purple": (128, 52, 186),
    "pink": (254, 148, 199),
    "black": (23, 21, 27),
    "white": (247, 247, 247),
}
BACKGROUNDS = {
    "green": (140, 210, 139),
    "blue": (128, 179, 245),
    "yellow": (250, 234, 146),
    "orange": (250, 194, 128),
    "purple": (192, 160, 226),
    "pink": (254, 202, 221),
    "black": (20, 19, 26),
    "white": (247, 247, 247),
    "gray": (148, 150, 156),
}
PLACES = {
    "left": (-1, 0), "right": (1, 0), "top": (0, -1), "bottom": (0, 1), "center": (0, 0),
    "top left": (-1, -1), "top right": (1, -1), "bottom left": (-1, 1), "bottom right": (1, 1),
}  # fmt: skip
RELATIONS = {  # words -> (axis, sign): the first object's place seen from the second
    "left of": (0, -1), "right of": (0, 1), "above": (1, -1), "below": (1, 1),
    "over": (1, -1), "under": (1, 1),
}  # fmt: skip
RADII = {"small": (0.085, 0.11), "": (0.14, 0.18), "big": (0.22, 0.27)}
RADII_OF_TWO = {"small": (0.085, 0.105), "": (0.13, 0.165), "big": (0.19, 0.22)}
ROUNDING = 0.05  # of the radius


@dataclass
class Thing:
    shape: str
    colour: str
    size: str = ""
    x: float = 0.5
    y: float = 0.5
    radius: float = 0.16
    turn: float = 0.0

    @property
    def name(self):
        return f"{self.colour} {self.shape}"

    @property
    def words(self):
        return " ".join(w for w in ("a", self.size, self.colour, self.shape) if w)


@dataclass
class Scene:
    things: list
    background: str
    captions: list
    place: str = ""  # of a single thing
    relation: str = ""  # of things[0] to things[1]
    width: float = 1.0
    height: float = 1.0


def held_out(a, b):
    """Whether the pair of names never appears in training."""
    first, second = sorted((a, b))
    return zlib.crc32(f"{first}|{second}".encode()) % 10 == 0


# ---- sampling ---------------------------------------------------------------


def _thing(rng, background, radii, limit=1.0):
    colour = rng.choice([c for c in COLOURS if c != background])
    size = rng.choices(["small", "", "big"], [0.2, 0.55, 0.25])[0]
    radius = min(rng.uniform(*radii[size]), limit)
    return Thing(rng.choice(SHAPES), colour, size, radius=radius, turn=rng.uniform(-0.1, 0.1))


def _margin(thing):
    return thing.radius * 1.1 + 0.015


def _along(rng, sign, margin, length):
    """A coordinate in the first, middle or last part of the side."""
    if sign == 0:
        return length / 2 + rng.uniform(-0.06, 0.06) * length
    offset = rng.uniform(margin, max(margin, 0.33 * length))
    return offset if sign < 0 else length - offset


def _put_single(rng, thing, place, width, height):
    margin = _margin(thing)
    if place:
        sx, sy = PLACES[place]
        thing.x, thing.y = _along(rng, sx, margin, width), _along(rng, sy, margin, height)
    else:
        thing.x, thing.y = rng.uniform(margin, width - margin), rng.uniform(margin, height - margin)


def _put_pair(rng, first, second, axis, sides, spread):
    """first before second along axis; across it they differ by spread at most."""
    m1, m2 = _margin(first), _margin(second)
    apart = (first.radius + second.radius) * 1.12 + 0.02
    parts = [rng.expovariate(1) for _ in range(3)]
    slack = max(0.0, sides[axis] - m1 - m2 - apart) / sum(parts)
    along1 = m1 + parts[0] * slack
    along2 = along1 + apart + parts[1] * slack
    across = sides[1 - axis]
    across1 = rng.uniform(m1, across - m1)
    across2 = across1 + rng.uniform(-spread, spread)
    across2 = min(max(across2, m2), across - m2)
    if axis == 0:
        first.x, first.y, second.x, second.y = along1, across1, along2, across2
    else:
        first.y, first.x, second.y, second.x = along1, across1, along2, across2


def _place_words(rng, place):
    if " " in place:
        return f"in the {place} corner"
    if place == "center":
        return "in the " + rng.choice(["center", "middle"])
    return rng.choice(["at", "on"]) + f" the {place}"


def _background_words(background, named):
    return f" on a {background} background" if named else ""


def _pick_background(rng):
    """Named six times in ten; otherwise mostly white."""
    named = rng.random() < 0.6
    if named or rng.random() < 0.25:
        return rng.choice(list(BACKGROUNDS)), named
    return "white", named


def single(rng, place=None, sides=(1.0, 1.0)):
    background, named = _pick_background(rng)
    thing = _thing(rng, background, RADII, 0.4 * min(sides))
    if place is None:
        place = rng.choice(list(PLACES)) if rng.random() < 0.55 else ""
    _put_single(rng, thing, place, *sides)
    words = [thing.words + (" " + _place_words(rng, place) if place else "") for _ in range(2)]
    captions = [w + _background_words(background, named) for w in words]
    return Scene([thing], background, captions, place, "", *sides)


def _two_things(rng, background, want_held_out, limit):
    while True:
        pair = [_thing(rng, background, RADII_OF_TWO, limit) for _ in range(2)]
        if pair[0].name != pair[1].name and held_out(pair[0].name, pair[1].name) == want_held_out:
            return pair


def _relation_words(rng, axis, first_named):
    """A relation for the thing that comes first (or last) along the axis."""
    if axis == 0:
        return "left of" if first_named else "right of"
    return rng.choice(["above", "over"] if first_named else ["below", "under"])


def related(rng, want_held_out=False, sides=(1.0, 1.0), axis=None):
    """Two things, one left of / right of / above / below / next to the other."""
    background, named = _pick_background(rng)
    first, second = _two_things(rng, background, want_held_out, 0.4 * min(sides))
    axis = rng.randrange(2) if axis is None else axis
    _put_pair(rng, first, second, axis, sides, 0.12 * sides[1 - axis])
    swapped = rng.random() < 0.5
    things = [second, first] if swapped else [first, second]
    relation = _relation_words(rng, axis, not swapped)
    tail = _background_words(background, named)
    captions = [f"{things[0].words} {relation} {things[1].words}{tail}"]
    if axis == 0 and rng.random() < 0.3:
        captions.append(f"{things[0].words} next to {things[1].words}{tail}")
    else:
        other = _relation_words(rng, axis, swapped)
        captions.append(f"{things[1].words} {other} {things[0].words}{tail}")
    return Scene(things, background, captions, "", relation, *sides)


def loose_pair(rng):
    """Two things anywhere: "and" / "with"."""
    background, named = _pick_background(rng)
    things = _two_things(rng, background, False, 1.0)
    _put_pair(rng, things[0], things[1], rng.randrange(2), (1.0, 1.0), 0.5)
    rng.shuffle(things)
    a, b = things[0].words, things[1].words
    tail = _background_words(background, named)
    captions = [f"{a} and {b}{tail}", f"{b} with {a}{tail}"]
    return Scene(things, background, captions)


def any_scene(rng):
    kind = rng.random()
    if kind < 0.38:
        return single(rng)
    return related(rng) if kind < 0.84 else loose_pair(rng)


def half_scene(rng, sides):
    """For pictures of half the size: mostly one thing, sometimes two along the long side."""
    if rng.random() < 0.75:
        return single(rng, sides=sides)
    return related(rng, sides=sides, axis=0 if sides[0] > sides[1] else 1)


def scenes(seed, count, kind="any"):
    rng = random.Random(f"{kind}/{seed}")
    if kind == "any":
        return [any_scene(rng) for _ in range(count)]
    sides = (0.5, 1.0) if kind == "tall" else (1.0, 0.5)
    return [half_scene(rng, sides) for _ in range(count)]


# ---- drawing ----------------------------------------------------------------


def _regular(points, inner=1.0, outer=1.0, start=-math.pi / 2):
    angles = [start + 2 * math.pi * i / points for i in range(points)]
    return [
        (math.cos(a) * r, math.sin(a) * r)
        for i, a in enumerate(angles)
        for r in [outer if i % 2 == 0 else inner]
    ]


def _cross(arm, half):
    return [
        (-half, -arm), (half, -arm), (half, -half), (arm, -half), (arm, half), (half, half),
        (half, arm), (-half, arm), (-half, half), (-arm, half), (-arm, -half), (-half, -half),
    ]  # fmt: skip


POLYGONS = {
    "square": [(-0.84, -0.84), (0.84, -0.84), (0.84, 0.84), (-0.84, 0.84)],
    "triangle": [(0.0, -0.95), (1.0, 0.75), (-1.0, 0.75)],
    "star": _regular(10, inner=0.46, outer=1.06),
    "cross": _cross(0.95, 0.3),
    "diamond": [(0.0, -1.05), (0.64, 0.0), (0.0, 1.05), (-0.64, 0.0)],
}


def _polygon_distance(x, y, corners):
    """Signed distance to a polygon (negative inside)."""
    best = torch.full_like(x, 1e9)
    sign = torch.ones_like(x)
    for (ax, ay), (bx, by) in zip(corners, corners[-1:] + corners[:-1], strict=True):
        ex, ey = bx - ax, by - ay
        wx, wy = x - ax, y - ay
        t = ((wx * ex + wy * ey) / (ex * ex + ey * ey)).clamp(0, 1)
        best = torch.minimum(best, (wx - ex * t) ** 2 + (wy - ey * t) ** 2)
        above, under, turn = y >= ay, y < by, ex * wy > ey * wx
        flip = (above & under & turn) | ~(above | under | turn)
        sign = torch.where(flip, -sign, sign)
    return sign * best.sqrt()


def _heart_distance(x, y):
    scale = 1.72
    x, y = x.abs() / scale, (0.92 - y) / scale
    lobe = ((x - 0.25) ** 2 + (y - 0.75) ** 2).sqrt() - math.sqrt(2) / 4
    middle = 0.5 * (x + y).clamp(min=0)
    low = torch.minimum(x**2 + (y - 1) ** 2, (x - middle) ** 2 + (y - middle) ** 2)
    return scale * torch.where(x + y > 1, lobe, low.sqrt() * torch.sign(x - y))


def distance(shape, x, y):
    """Signed distance to a shape of radius one."""
    if shape in ("circle", "ring"):
        from_middle = (x * x + y * y).sqrt()
        return from_middle - 1 if shape == "circle" else (from_middle - 0.73).abs() - 0.27
    if shape == "heart":
        return _heart_distance(x, y)
    return _polygon_distance(x, y, POLYGONS[shape]) - ROUNDING


def _shade(colour, height):
    """Lighter above the middle, darker below; height runs from -1 (top) to 1."""
    height = height.clamp(-1, 1)
    lit = colour + ((1 - colour) * 0.1 + 0.02) * (-height).clamp(min=0)
    return lit.clamp(max=1) * (1 - 0.13 * height.clamp(min=0))


def _grid(width, height, pixel, device, extra=(0, 0)):
    xs = (torch.arange(-extra[0], width, device=device) + 0.5) * pixel
    ys = (torch.arange(-extra[1], height, device=device) + 0.5) * pixel
    return xs, ys


def _column(values, device):
    return torch.tensor(values, dtype=torch.float32, device=device)[:, None, None]


def _rgb(names, table, device):
    colours = [table[n] for n in names]
    return torch.tensor(colours, dtype=torch.float32, device=device)[:, :, None, None] / 255


def _draw_things(canvas, things, pixel):
    """One thing on each picture: its shadow, then itself."""
    device, (height, width) = canvas.device, canvas.shape[-2:]
    shift = (max(1, round(0.011 / pixel)), max(1, round(0.015 / pixel)))
    xs, ys = _grid(width, height, pixel, device, shift)
    radius = _column([t.radius for t in things], device)
    dx = xs - _column([t.x for t in things], device)
    dy = ys[:, None] - _column([t.y for t in things], device)
    cos = _column([math.cos(t.turn) for t in things], device)
    sin = _column([math.sin(t.turn) for t in things], device)
    x, y = (dx * cos + dy * sin) / radius, (dy * cos - dx * sin) / radius
    dist = torch.empty_like(x)
    for shape in SHAPES:
        chosen = [i for i, t in enumerate(things) if t.shape == shape]
        if chosen:
            dist[chosen] = distance(shape, x[chosen], y[chosen])
    dist = dist * radius
    # The grid reaches further up and left, so that the shadow is the same thing, shifted.
    shadow = dist[:, None, : -shift[1], : -shift[0]]
    inside, y = (t[:, None, shift[1] :, shift[0] :] for t in (dist, y))
    canvas = canvas * (1 - 0.24 * torch.sigmoid(-shadow / 0.007))
    colour = _shade(_rgb([t.colour for t in things], COLOURS, device), y)
    cover = (0.5 - inside / pixel).clamp(0, 1)
    return canvas + cover * (colour - canvas)


def draw(some_scenes, size=256, device="cpu"):
    """Pictures of one size as a tensor (count, 3, height, width) in 0..1."""
    one = some_scenes[0]
    width, height, pixel = round(one.width * size), round(one.height * size), 1 / size
    _, ys = _grid(width, height, pixel, device)
    slope = (2 * ys / one.height - 1)[None, None, :, None]
    canvas = _shade(_rgb([s.background for s in some_scenes], BACKGROUNDS, device), slope)
    canvas = canvas.expand(-1, -1, height, width).clone()
    canvas = _draw_things(canvas, [s.things[0] for s in some_scenes], pixel)
    two = [i for i, s in enumerate(some_scenes) if len(s.things) > 1]
    if two:
        canvas[two] = _draw_things(canvas[two], [some_scenes[i].things[1] for i in two], pixel)
    return canvas.clamp(0, 1)
