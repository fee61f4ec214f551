"""Weight hooks: what an evaluator is told of them, and their strengths of a moment."""

WEIGHT = "weight"


def hooks_of(conds):
    """Every hook of lists of conds, each once, in their order."""
    found = {}
    for cond in conds:
        group = cond.get("hooks")
        for hook in group.hooks if group is not None else ():
            found.setdefault(id(hook.hook_ref), hook)
    return list(found.values())


def kind_of(hook):
    kind = hook.hook_type
    return getattr(kind, "value", kind)


def unsupported(hook):
    """Why a hook falls back, or None."""
    if kind_of(hook) != WEIGHT:
        return f"a hook of the kind '{kind_of(hook)}'"
    if not hook.need_weight_init or not isinstance(hook.weights, dict):
        return "a weight hook that is not made of a LoRA's file"
    return None


def ids_of(hooks):
    """{identity of a hook's reference: id of its group}: a group for each hook."""
    return {id(hook.hook_ref): f"h{n}" for n, hook in enumerate(hooks)}


def groups_of(hooks):
    """(`hooks` of `prepare`, the tensors that stand for the LoRAs' files)."""
    groups, tensors = {}, {}
    for n, hook in enumerate(hooks):
        prefix = f"h{n}."
        groups[f"h{n}"] = [{"type": WEIGHT, "file": {"tensors": prefix},
                            "strength_model": float(hook._strength_model)}]
        tensors.update({prefix + name: tensor for name, tensor in hook.weights.items()})
    return groups, tensors


def strengths_of(conds, hook_ids):
    """What the keyframes say now, by groups."""
    return {hook_ids[id(hook.hook_ref)]: float(hook.strength) for hook in hooks_of(conds)}
