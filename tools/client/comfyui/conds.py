"""ComfyUI's conds, as they reach calc_cond_batch, in the words of the evaluator.

A cond is known by what it is made of: the tensors of its `model_conds` (those of a cond that
ComfyUI made for another list's area are its own list's), its place, its mask, its strengths and
its hooks.
"""
from collections import OrderedDict

NETWORK_INPUTS = ("c_crossattn", "y", "c_concat")
UNUSED_INPUTS = ("crossattn_controlnet",)  # only a ControlNet reads it, and that falls back
MOST_CONDS = 256  # that an evaluator keeps before the oldest are dropped


def sigma_of(timestep):
    """A number, or one per item of the batch where they differ."""
    values = timestep.tolist() if hasattr(timestep, "tolist") else list(timestep)
    return values[0] if all(v == values[0] for v in values) else values


def is_active(cond, timestep):
    """Whether it takes part at this sigma: ComfyUI's own comparison, in its precision."""
    if "timestep_start" in cond and timestep[0] > cond["timestep_start"]:
        return False
    return not ("timestep_end" in cond and timestep[0] < cond["timestep_end"])


def unsupported(cond):
    """What of a cond an evaluator cannot do, by name; None where it can do all."""
    for key in ("control", "gligen"):
        if key in cond:
            return f"a cond with '{key}'"
    inputs = cond.get("model_conds", {})
    if "c_crossattn" not in inputs:
        return "a cond without 'c_crossattn'"
    for name in inputs:
        if name not in NETWORK_INPUTS + UNUSED_INPUTS:
            return f"the network input '{name}'"
    area = cond.get("area")
    if area is not None and len(area) != 4:
        return f"an area of {len(area) // 2} dimensions"
    if "default" in cond and area is not None:
        return "a default cond with an area"
    return None


def key_of(cond):
    """(what a cond is known by, what has to stay alive for that)."""
    inputs = {name: value.cond for name, value in cond["model_conds"].items()
              if name in NETWORK_INPUTS}
    mask, hooks = cond.get("mask"), cond.get("hooks")
    area = tuple(int(n) for n in cond["area"]) if cond.get("area") is not None else None
    key = (tuple((name, id(tensor)) for name, tensor in sorted(inputs.items())), area,
           None if mask is None else id(mask), float(cond.get("strength", 1.0)),
           float(cond.get("mask_strength", 1.0)), "default" in cond,
           tuple(id(hook.hook_ref) for hook in hooks.hooks) if hooks is not None else ())
    return key, (inputs, mask, hooks)


def spec_of(cond, hook_ids):
    """The cond as `add_conds` takes it; `hook_ids`: of hooks' references, by their identity."""
    spec = {"model_conds": {name: value.cond.float() for name, value in cond["model_conds"].items()
                            if name in NETWORK_INPUTS}}
    if cond.get("area") is not None:
        height, width, y, x = (int(n) for n in cond["area"])
        spec["area"] = {"height": height, "width": width, "y": y, "x": x}
    if "mask" in cond:
        spec["mask"] = cond["mask"].float()
        spec["mask_strength"] = float(cond.get("mask_strength", 1.0))
    if cond.get("strength", 1.0) != 1.0:
        spec["strength"] = float(cond["strength"])
    if "default" in cond:
        spec["default"] = True
    if cond.get("hooks") is not None:
        spec["hooks"] = [hook_ids[id(hook.hook_ref)] for hook in cond["hooks"].hooks]
    return spec


class CondCache:
    """The conds that an evaluator knows, by ids; what is sent once is not sent again."""

    def __init__(self, hook_ids, most=MOST_CONDS):
        self._hook_ids, self._most = hook_ids, most
        self._known = OrderedDict()  # key -> (id, what has to stay alive)
        self._next = 0

    def lists_of(self, lists):
        """(lists of ids, {id: cond to be added}, ids to be dropped) of lists of conds."""
        new, used = {}, set()
        ids = [[self._id_of(cond, new, used) for cond in conds] for conds in lists]
        return ids, new, self._drop_unused(used)

    def _id_of(self, cond, new, used):
        key, alive = key_of(cond)
        if key not in self._known:
            self._known[key] = (f"c{self._next}", alive)
            self._next += 1
            new[self._known[key][0]] = spec_of(cond, self._hook_ids)
        self._known.move_to_end(key)
        used.add(key)
        return self._known[key][0]

    def _drop_unused(self, used):
        dropped = []
        while len(self._known) > self._most:
            key = next(iter(self._known))
            if key in used:
                break
            dropped.append(self._known.pop(key)[0])
        return dropped
