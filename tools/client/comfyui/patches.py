"""A patcher's changes of weights in the words of `prepare`."""

# The weights of ComfyUI's adapters, in their order.
ADAPTERS = {
    "lora": ("up", "down", "alpha", "mid", "dora_scale", "reshape"),
    "loha": ("w1_a", "w1_b", "alpha", "w2_a", "w2_b", "t1", "t2", "dora_scale"),
    "lokr": ("w1", "w2", "alpha", "w1_a", "w1_b", "w2_a", "w2_b", "t2", "dora_scale"),
}


class CannotSay(Exception):
    """Its text names what falls back."""


def patches_of(patches):
    """The list for `prepare` of a ModelPatcher's `patches`. Raises CannotSay."""
    return [one for key, entries in patches.items() for one in _of_weight(key, entries)]


def _of_weight(key, entries):
    for strength, patch, strength_model, offset, function in entries:
        if strength_model != 1.0:
            raise CannotSay(f"a merge that scales the model's own weights ({key})")
        if offset is not None or function is not None:
            raise CannotSay(f"a patch of a part of a weight ({key})")
        if strength != 0.0 or _is_set(patch):
            yield {"key": key, "strength": float(strength), **_body(key, patch)}


def _is_set(patch):
    return isinstance(patch, tuple) and len(patch) == 2 and patch[0] == "set"


def _body(key, patch):
    name = getattr(patch, "name", None)
    if name in ADAPTERS:
        return _adapter(name, patch.weights)
    if name is not None:
        raise CannotSay(f"a weight adapter of the kind '{name}'")
    if isinstance(patch, list):
        raise CannotSay(f"a merge with another model's patches ({key})")
    kind, values = ("diff", patch) if len(patch) == 1 else patch
    if kind == "set":
        return {"kind": "set", "strength": 1.0, "tensors": {"set": values[0]}}
    if kind != "diff":
        raise CannotSay(f"a patch of the kind '{kind}'")
    if len(values) > 1 and values[1].get("pad_weight"):
        raise CannotSay("a patch that enlarges a weight")
    return {"kind": "diff", "tensors": {"diff": values[0]}}


def _adapter(kind, weights):
    parts = {part: value for part, value in zip(ADAPTERS[kind], weights) if value is not None}
    if "reshape" in parts:
        raise CannotSay("a LoRA that enlarges weights")
    body = {"kind": kind}
    if (alpha := parts.pop("alpha", None)) is not None:
        body["alpha"] = float(alpha)
    return {**body, "tensors": parts}
