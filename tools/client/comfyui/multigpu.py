"""Tandem MultiGPU: the wrappers that give a model's predictions to Tandem."""
import logging

import numpy as np
import torch
from comfy.patcher_extension import WrappersMP

from . import checkpoint, fallback, host_model, patches, service
from .run import CANNOT, Run

KEY = fallback.OWN_KEY


def attach(model, path, options):
    """A clone of the model whose conds Tandem computes. Raises where the file is another's."""
    check_file(model, path)
    clone, wrappers, kinds = model.clone(), Wrappers(path, options), WrappersMP
    for kind, wrapper in ((kinds.OUTER_SAMPLE, wrappers.outer_sample),
                          (kinds.PREPARE_SAMPLING, wrappers.prepare_sampling),
                          (kinds.CALC_COND_BATCH, wrappers.calc_cond_batch)):
        clone.wrappers.get(kind, {}).pop(KEY, None)  # of a Tandem node before this one
        clone.add_wrapper_with_key(kind, KEY, wrapper)
    return clone


def check_file(model, path):
    """Raises ValueError where a sample of the unpatched weights is not the file's."""
    def weight_of(key):
        weight = host_model.original_weight(model, key)

        def values_as(values):
            own = weight.detach().flatten()[:values.size].cpu()
            stored = torch.from_numpy(np.array(values)).to(own.dtype)
            return own.float().numpy(), stored.float().numpy()
        return weight.shape, values_as

    if why := checkpoint.difference(path, weight_of, host_model.keys_of(model)):
        raise ValueError(f"Tandem MultiGPU: this model is not the checkpoint {path}: {why}. "
                         "Choose the file that the model was loaded from.")


class Wrappers:
    """Of one node; a run is on the stack from OUTER_SAMPLE's begin to its end."""

    def __init__(self, path, options):
        self._path, self._options = path, options
        self._runs = []  # a sampler may sample inside; None for a run that is the host's

    def outer_sample(self, executor, *args, **keys):
        self._runs.append(None)
        try:
            return executor(*args, **keys)
        finally:
            run = self._runs.pop()
            if run is not None:
                run.leave()

    @service.explained
    def prepare_sampling(self, executor, model, noise_shape, conds, *args, model_options=None,
                         **keys):
        run = self._begin(model, noise_shape, conds, model_options or {}) if self._runs else None
        if run is None:
            return executor(model, noise_shape, conds, *args, model_options=model_options, **keys)
        self._runs[-1] = run
        run.take_over()
        with host_model.not_loading(model):
            return executor(model, noise_shape, conds, *args, model_options=model_options, **keys)

    @service.explained
    def calc_cond_batch(self, executor, model, conds, x_in, timestep, model_options):
        run = self._runs[-1] if self._runs else None
        if run is None:
            return executor(model, conds, x_in, timestep, model_options)
        return run.calc_cond_batch(executor, model, conds, x_in, timestep, model_options)

    def _begin(self, model, shape, conds, options):
        """The run, or None, with one warning, where it is the host's."""
        why = fallback.of_run(model, conds, options)
        if why is None:
            try:
                return Run(model, self._path, self._options, shape, conds, options)
            except patches.CannotSay as error:
                why = str(error)
            except CANNOT as error:
                why = f"the service refuses it ({error})"
        logging.warning("Tandem MultiGPU: ComfyUI samples this run itself: %s.", why)
        return None
