"""The one service of this ComfyUI process, started when it is needed and again when it died."""
import functools
import logging
import threading

import tandem

NAME = "ComfyUI"
_lock = threading.Lock()
_client = None
_devices = ""


def client(devices=""):
    """The connection to the service; a service is started where none runs."""
    global _client, _devices
    with _lock:
        if _client is None:
            _devices = devices
            _client = tandem.Client(revive_service(), name=NAME, revive=revive_service)
            _free_with_comfyui()
        return _client


def revive_service():
    """Starts a service unless one runs; its socket."""
    return tandem.start(_devices or None).socket


def interrupt():
    """Raises where the user asked ComfyUI to stop."""
    import comfy.model_management
    comfy.model_management.throw_exception_if_processing_interrupted()


def explained(function):
    """What Tandem refuses or loses becomes the node's error, with cause, worker and hint."""
    @functools.wraps(function)
    def call(*args, **keys):
        try:
            return function(*args, **keys)
        except tandem.TandemError as error:
            raise RuntimeError(f"Tandem: {error}") from error
    return call


def _free_with_comfyui():
    """ComfyUI's 'free memory' frees Tandem's weights too."""
    import comfy.model_management as management
    own = management.unload_all_models

    @functools.wraps(own)
    def unload_all_models():
        own()
        try:
            _client.unload()
        except tandem.TandemError as error:
            logging.warning("Tandem: its memory could not be freed: %s", error)

    management.unload_all_models = unload_all_models
