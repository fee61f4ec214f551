"""Tandem for Python: diffusion models sampled on several devices at once.

    import tandem
    tandem.txt2img("a red circle left of a blue square").pictures()[0].save("out.png")

    with tandem.start("cpu:2") as service, tandem.Client(service.socket) as client:
        result = client.run(job, progress=True)
"""
from __future__ import annotations

import os as _os
from typing import Any as _Any

from . import errors, events, types
from ._frames import default_socket
from .client import Client
from .errors import *  # noqa: F403  (one class per code)
from .errors import CODES, TandemError
from .evaluator import Evaluator
from .events import Event, PhaseEvent, PreviewEvent, StepEvent, WarningEvent, WorkerEvent
from .job import Job
from .pictures import picture_job
from .progress import Bar
from .result import Result, as_pictures, as_torch
from .service import Service, demo_model, find_program, start


def connect(socket: str | _os.PathLike[str] | None = None, *,
            start_with: str | None = None) -> Client:
    """The service at the socket. With `start_with` (devices: "cpu:2"; "": all) one is started
    where none is, and stays.
    """
    if start_with is not None:
        return Client(start(start_with or None, socket=socket).socket)
    return Client(socket)


def txt2img(prompt: str, negative: str = "", *, socket: str | _os.PathLike[str] | None = None,
            **options: _Any) -> Result:
    """A picture by the service at the socket; one is started, and stays, if none is.

    `options` are those of `Client.txt2img`: model, width, height, steps, seed, cfg, progress ...
    """
    with Client(start(socket=socket).socket) as client:
        return client.txt2img(prompt, negative, **options)


__all__ = [
    "Bar", "Client", "Evaluator", "Event", "Job", "PhaseEvent", "PreviewEvent", "Result",
    "Service", "StepEvent", "TandemError", "WarningEvent", "WorkerEvent", "as_pictures",
    "as_torch", "connect", "default_socket", "demo_model", "errors", "events", "find_program",
    "picture_job", "start", "txt2img", "types",
] + [kind.__name__ for kind in CODES.values()]
