"""One sampling run whose predictions Tandem computes."""
import logging

import tandem
import torch

from . import fallback, hooks, host_model, patches, sampling_words, service
from .conds import CondCache, is_active, sigma_of

COMPUTE_TYPES = {torch.float32: "fp32", torch.float16: "fp16", torch.bfloat16: "bf16"}
# What a service says to a run that it cannot do; anything else is an error of the node.
CANNOT = (tandem.Unsupported, tandem.UnknownFamily, tandem.UnknownKey, tandem.BadRequest,
          tandem.BadShape, tandem.MissingTensor, tandem.OutOfRange)
KEPT_PATCHES = 2  # sets of patches in the evaluator's words, by patches_uuid
_patches = {}


def patches_of(patcher):
    """Raises patches.CannotSay."""
    if patcher.patches_uuid not in _patches:
        while len(_patches) >= KEPT_PATCHES:
            del _patches[next(iter(_patches))]
        _patches[patcher.patches_uuid] = patches.patches_of(patcher.patches)
    return _patches[patcher.patches_uuid]


def compute_type(model):
    """Raises patches.CannotSay where the weights are of another type than a file's."""
    if model.get_dtype() not in COMPUTE_TYPES:
        raise patches.CannotSay(f"weights in {model.get_dtype()}")
    return COMPUTE_TYPES.get(model.manual_cast_dtype or model.get_dtype(), "auto")


def window_shape(shape, options):
    """The shape of x in a call: a context handler cuts it into windows."""
    shape, handler = list(shape), options.get("context_handler")
    if handler is not None and handler.dim < len(shape):
        shape[handler.dim] = min(shape[handler.dim], handler.context_length)
    return tuple(shape)


class Run:
    """Made once the conds are known and before anything is loaded; closed when the run ends.

    Raises patches.CannotSay, or one of CANNOT, where the run is not Tandem's.
    """

    def __init__(self, patcher, checkpoint, options, shape, conds, model_options):
        self.patcher = patcher
        self._hooks = hooks.hooks_of(c for entries in conds.values() for c in entries)
        self._hook_ids = hooks.ids_of(self._hooks)
        self._lists = max(2, len(conds))
        self._evaluators = {}
        self._is_host_loaded, self._fell_back, self._told = False, 0, set()
        model_sampling = patcher.get_model_object("model_sampling")
        sampling = sampling_words.sampling_of(model_sampling)
        if sampling is None:
            raise patches.CannotSay(f"the sampling of {type(model_sampling).__name__}")
        groups, tensors = hooks.groups_of(self._hooks)
        self._asked = {
            "model": {"file": checkpoint, "dtype": compute_type(patcher.model)},
            "hooks": groups, "tensors": tensors,
            "patches": patches_of(patcher), "sampling": sampling,
            "workers": options.get("workers")}
        self._connection = service.client(options.get("devices", ""))
        evaluator, _ = self._evaluator(window_shape(shape, model_options))
        if not sampling_words.same_table(evaluator.info.get("sigmas"),
                                         getattr(model_sampling, "sigmas", ())):
            self.close()
            raise patches.CannotSay("a model_sampling with a table of its own")

    def take_over(self):
        """Tandem's copies of the weights are the only ones from here on."""
        host_model.unload(self.patcher)
        host_model.patch_objects(self.patcher)

    def calc_cond_batch(self, executor, model, conds, x, timestep, options):
        why = fallback.of_call(conds, x.shape, options, self._hook_ids)
        if why is not None:
            return self._by_host(why, executor, model, conds, x, timestep, options)
        active = [[c for c in entries or () if is_active(c, timestep)] for entries in conds]
        used = [c for entries in active for c in entries]
        for cond in used:
            if cond.get("hooks") is not None:
                model.current_patcher.prepare_hook_patches_current_keyframe(
                    timestep, cond["hooks"], options)
        model.current_patcher.prepare_state(timestep)
        evaluator, cache = self._evaluator(tuple(x.shape))
        ids, new, dropped = cache.lists_of(active)
        if new:
            evaluator.add_conds(new)
        if dropped:
            evaluator.drop_conds(dropped)
        out = evaluator.evaluate(x, sigma_of(timestep), ids,
                                 hooks.strengths_of(used, self._hook_ids), copy=False,
                                 interrupt=service.interrupt)
        return [torch.from_numpy(array).to(x.device, x.dtype, copy=True) for array in out]

    def close(self):
        for evaluator, _ in self._evaluators.values():
            evaluator.close()
        self._evaluators.clear()

    def leave(self):
        """Undoes take_over."""
        self.close()
        if not self._is_host_loaded:
            host_model.unpatch_objects(self.patcher)

    def _evaluator(self, shape):
        if shape not in self._evaluators:
            asked = {key: value for key, value in self._asked.items() if key != "model"}
            evaluator = self._connection.evaluator(self._asked["model"], shape, lists=self._lists,
                                                   **asked)
            for warning in evaluator.info.get("warnings", ()):
                logging.warning("Tandem MultiGPU: %s", warning["message"])
            self._evaluators[shape] = (evaluator, CondCache(self._hook_ids))
        return self._evaluators[shape]

    def _by_host(self, why, executor, model, conds, x, timestep, options):
        """One call by the host's own model; from the second on it stays loaded."""
        if why not in self._told:
            logging.warning("Tandem MultiGPU: ComfyUI computes this call itself: %s.", why)
            self._told.add(why)
        self._fell_back += 1
        if not self._is_host_loaded:
            host_model.load(self.patcher, x.shape)
        self._is_host_loaded = self._fell_back > 1
        try:
            return executor(model, conds, x, timestep, options)
        finally:
            if not self._is_host_loaded:
                self.take_over()
