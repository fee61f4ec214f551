"""ComfyUI's own copy of a model: kept out of memory while Tandem computes, and brought in again."""
import contextlib

import comfy.model_management as management


def original_weight(patcher, key):
    """A weight without patches, wherever ComfyUI keeps it now."""
    if key in patcher.hook_backup:
        return patcher.hook_backup[key][0]
    if key in patcher.backup:
        return patcher.backup[key].weight
    return patcher.model.state_dict()[key]


def keys_of(patcher):
    return [key for key in patcher.model.state_dict() if key.startswith("diffusion_model.")]


def unload(patcher):
    """Moves the model's weights off its device, whichever clone loaded them."""
    for loaded in list(management.current_loaded_models):
        if loaded.model is not None and patcher.is_clone(loaded.model):
            loaded.model_unload()
            management.current_loaded_models[:] = [
                other for other in management.current_loaded_models if other is not loaded]
    management.soft_empty_cache()


def patch_objects(patcher):
    """What a load does beside the weights: model_sampling is the patched one."""
    patcher.patch_model(load_weights=False)


def unpatch_objects(patcher):
    patcher.unpatch_model(unpatch_weights=False)


@contextlib.contextmanager
def not_loading(patcher):
    """load_models_gpu leaves this model alone, and loads whatever else it is asked for."""
    own = management.load_models_gpu

    def load_models_gpu(models, *args, **keys):
        others = [model for model in models if not patcher.is_clone(model)]
        if others:
            own(others, *args, **keys)

    management.load_models_gpu = load_models_gpu
    try:
        yield
    finally:
        management.load_models_gpu = own


def load(patcher, shape):
    """Loads the weights after all, for a call of this shape of x."""
    management.load_models_gpu([patcher], memory_required=patcher.memory_required(list(shape)))
