"""Errors of the service as exceptions: one class per code of the protocol's closed list.

    try: ...
    except tandem.OutOfMemory as error: print(error, error.worker, error.needed_bytes)
    except tandem.TandemError as error: print(error.code, error.hint)
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class TandemError(Exception):
    """Whatever the service refused or could not do; `code` says what, `fault` who has to act."""

    code = ""

    def __init__(self, message: str, *, hint: str = "", retryable: bool = False,
                 fault: str = "request", path: str = "", job: str = "", worker: str = "",
                 needed_bytes: int | None = None, free_bytes: int | None = None,
                 code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.retryable = retryable
        self.fault = fault
        self.path = path
        self.job = job
        self.worker = worker
        self.needed_bytes = needed_bytes
        self.free_bytes = free_bytes
        if code:
            self.code = code

    def __str__(self) -> str:
        parts = [self.message]
        if self.path and self.path not in self.message:
            parts.append(f"At: {self.path}.")
        if self.worker and self.worker not in self.message:
            parts.append(f"Worker: {self.worker}.")
        if self.hint:
            parts.append(self.hint)
        return f"{' '.join(parts)} [{self.code}]"


class BadFrame(TandemError):
    """Not a frame; the service closed the connection."""
    code = "bad_frame"


class UnsupportedVersion(TandemError):
    """Of a frame, the protocol or the job format."""
    code = "unsupported_version"


class BadRequest(TandemError):
    """A key is missing, of another type, or contradicts another."""
    code = "bad_request"


class UnknownKey(TandemError):
    """The hint names the nearest known key, or all of them."""
    code = "unknown_key"


class OutOfRange(TandemError):
    """A value past its limits or outside its list."""
    code = "out_of_range"


class Unsupported(TandemError):
    """Known, but not done by this version."""
    code = "unsupported"


class MissingFile(TandemError):
    """A file that is not there or cannot be read."""
    code = "missing_file"


class BadCheckpoint(TandemError):
    """A file that is damaged, cut short, or changed while it was in use."""
    code = "bad_checkpoint"


class UnknownFamily(TandemError):
    """A checkpoint of no family that the service knows."""
    code = "unknown_family"


class MissingTensor(TandemError):
    """The request names a tensor that was not sent, or a model lacks one."""
    code = "missing_tensor"


class BadShape(TandemError):
    """A tensor of another shape or type than its place takes."""
    code = "bad_shape"


class UnsealedMemory(TandemError):
    """A memfd without the seals that the protocol asks for."""
    code = "unsealed_memory"


class OutOfMemory(TandemError):
    """`needed_bytes` and `free_bytes` where they are known."""
    code = "out_of_memory"


class NotFinite(TandemError):
    """A result held NaN or infinity."""
    code = "not_finite"


class Cancelled(TandemError):
    """On request."""
    code = "cancelled"


class WorkerLost(TandemError):
    """A work unit ended two workers."""
    code = "worker_lost"


class NoWorker(TandemError):
    """None is left that could run it, or the service is shutting down."""
    code = "no_worker"


class Quota(TandemError):
    """Too many jobs, bytes or connections."""
    code = "quota"


class ResourceExhausted(TandemError):
    """Descriptors, shared memory, or a client that does not read."""
    code = "resource_exhausted"


class NotFound(TandemError):
    """No such job, model, device or evaluator."""
    code = "not_found"


class Internal(TandemError):
    """A bug of the service."""
    code = "internal"


class ServiceLost(TandemError):
    """The connection ended: the service died or was shut down. This code is the client's own."""
    code = "service_lost"


class NoService(TandemError):
    """Nothing accepts at the socket, or no service could be started. The client's own code."""
    code = "no_service"


CODES: dict[str, type[TandemError]] = {kind.code: kind for kind in TandemError.__subclasses__()}
_TEXTS = ("hint", "fault", "path", "job", "worker")


def from_json(error: Mapping[str, Any]) -> TandemError:
    """The exception of an error object of the protocol; a code that is new here stays its code."""
    code = str(error.get("code", "internal"))
    texts = {key: str(error[key]) for key in _TEXTS if error.get(key) is not None}
    return CODES.get(code, TandemError)(
        str(error.get("message", "")), retryable=bool(error.get("retryable", False)), code=code,
        needed_bytes=error.get("needed_bytes"), free_bytes=error.get("free_bytes"), **texts)


def service_lost(why: str) -> ServiceLost:
    return ServiceLost(why, retryable=True, fault="service",
                       hint="The service is started again by its launcher, or by 'tandem up'.")
