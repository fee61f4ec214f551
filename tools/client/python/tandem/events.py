"""What a job tells while it runs, as values. A kind or a key that is new here is passed over."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from .errors import TandemError, from_json

FINAL_PHASES = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class PhaseEvent:
    """`phase` is queued, loading, encoding, sampling, decoding, done, failed or cancelled."""
    job: str
    seq: int
    phase: str
    position: int | None = None  # queued: jobs before this one
    file: str = ""  # loading
    bytes: int = 0  # loading: read so far
    of: int = 0  # loading: to read in all
    error: TandemError | None = None  # failed, cancelled

    @property
    def is_final(self) -> bool:
        return self.phase in FINAL_PHASES


@dataclass(frozen=True)
class StepEvent:
    """A step of the sampler is over; steps count from 1."""
    job: str
    seq: int
    step: int
    total: int
    sigma: float | None = None
    seconds_per_step: float | None = None
    seconds_left: float | None = None
    units: Mapping[str, int] = field(default_factory=dict)  # by worker, in this step


@dataclass(frozen=True)
class WarningEvent:
    job: str
    seq: int
    code: str
    message: str


@dataclass(frozen=True)
class WorkerEvent:
    """`what` is started, lost, replaced or rerun."""
    job: str
    seq: int
    worker: str
    what: str
    exit: int | None = None
    signal: int | None = None
    last_words: str = ""
    unit: int | None = None


@dataclass(frozen=True, eq=False)  # arrays have no one truth
class PreviewEvent:
    """`tensors` holds `x0`, a latent, and `preview`, a uint8 picture (height, width, 3)."""
    job: str
    tensors: Mapping[str, np.ndarray[Any, Any]]


Event: TypeAlias = PhaseEvent | StepEvent | WarningEvent | WorkerEvent | PreviewEvent


def _phase(e: Mapping[str, Any]) -> PhaseEvent:
    error = e.get("error")
    return PhaseEvent(e["job"], e["seq"], e["phase"], e.get("position"), e.get("file", ""),
                 e.get("bytes", 0), e.get("of", 0), from_json(error) if error else None)


def _step(e: Mapping[str, Any]) -> StepEvent:
    return StepEvent(e["job"], e["seq"], e.get("step", 0), e.get("total", 0), e.get("sigma"),
                e.get("seconds_per_step"), e.get("seconds_left"), e.get("units", {}))


def _warning(e: Mapping[str, Any]) -> WarningEvent:
    return WarningEvent(e["job"], e["seq"], e.get("code", ""), e.get("message", ""))


def _worker(e: Mapping[str, Any]) -> WorkerEvent:
    return WorkerEvent(e["job"], e["seq"], e["worker"], e["what"], e.get("exit"), e.get("signal"),
                  e.get("last_words", ""), e.get("unit"))


_READERS: dict[str, Callable[[Mapping[str, Any]], Event]] = {
    "phase": _phase, "step": _step, "warning": _warning, "worker": _worker}


def event_from_json(e: Mapping[str, Any],
                    tensors: Mapping[str, np.ndarray[Any, Any]] | None = None) -> Event | None:
    """The event, or None for a kind that is not known here."""
    if e.get("event") == "preview":
        return PreviewEvent(e["job"], tensors or {})
    read = _READERS.get(e.get("event", ""))
    return read(e) if read else None
