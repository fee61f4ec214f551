"""What Tandem cannot do of a run: each function names the first such thing, or returns None."""
from . import conds as cond_words
from . import hooks as hook_words

OWN_KEY = "tandem"
HARMLESS_OPTIONS = ("wrappers", "callbacks", "patches", "patches_replace", "sample_sigmas",
                    "sigmas", "cond_or_uncond", "uuids", "context_window", "block", "block_index")
NETWORK_WRAPPERS = ("apply_model", "diffusion_model")
MODEL_CALLBACKS = ("on_load_after", "on_apply_hooks", "on_inject_model", "on_eject_model")
OWN_OBJECT = "model_sampling"


def _filled(table):
    """Names under which a {name: {key: [entries]}} has entries."""
    return [name for name, entries in table.items()
            if any(entries.values() if isinstance(entries, dict) else entries)]


def of_options(options):
    """Of model_options: what changes the network's calls."""
    if options.get("model_function_wrapper") is not None:
        return "a model_function_wrapper"
    return of_transformer_options(options.get("transformer_options", {}))


def of_transformer_options(options):
    for name in _filled(options.get("patches", {})):
        return f"a patch of the network ({name})"
    for name in _filled(options.get("patches_replace", {})):
        return f"a replacement of a block ({name})"
    wrappers = options.get("wrappers", {})
    for name in _filled(wrappers):
        if name in NETWORK_WRAPPERS:
            return f"a wrapper of {name}"
    if later := _wrappers_after_own(wrappers.get("calc_cond_batch", {})):
        return f"a wrapper of calc_cond_batch behind Tandem's ({later})"
    for name in _filled(options.get("callbacks", {})):
        if name in MODEL_CALLBACKS:
            return f"a callback {name}"
    for name, value in options.items():
        if name not in HARMLESS_OPTIONS and value is not None and value != {} and value != []:
            return f"the transformer option '{name}'"
    return None


def _wrappers_after_own(wrappers):
    """The key of one that the evaluator would step over; those before it are called as ever."""
    keys = [key for key, entries in wrappers.items() if entries]
    after = keys[keys.index(OWN_KEY) + 1:] if OWN_KEY in keys else []
    return str(after[0]) if after else None


def of_patcher(patcher):
    """Of the model itself: what is no patch of weights."""
    for name in patcher.object_patches:
        if name != OWN_OBJECT:
            return f"an object patch of {name}"
    if patcher.weight_wrapper_patches:
        return "a weight wrapper"
    if _filled(patcher.additional_models):
        return "additional models"
    if _filled(patcher.injections):
        return "an injection"
    return None


def of_conds(conds):
    """Of {list's name: conds} before the run: what no step could do."""
    for name, entries in conds.items():
        for cond in entries:
            for key in ("control", "gligen", "additional_models"):
                if key in cond:
                    return f"'{key}' of a {name} cond"
    for hook in hook_words.hooks_of(cond for entries in conds.values() for cond in entries):
        if why := hook_words.unsupported(hook):
            return why
    return None


def of_run(patcher, conds, options):
    return of_options(options) or of_patcher(patcher) or of_conds(conds)


def of_call(lists, shape, options, hook_ids):
    """Of one call of calc_cond_batch."""
    if len(shape) != 4:
        return f"a latent of {len(shape)} dimensions"
    for conds in lists:
        for cond in conds or ():
            if why := cond_words.unsupported(cond):
                return why
            group = cond.get("hooks")
            if group is not None and any(id(h.hook_ref) not in hook_ids for h in group.hooks):
                return "a hook that came after the run began"
    return of_options(options)
