"""A line of progress on standard error."""
from __future__ import annotations

import sys
import time
from typing import TextIO

from .events import Event, PhaseEvent, StepEvent, WarningEvent, WorkerEvent

WIDTH = 24


def clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:02d}:{rest:02d}"


class Bar:
    """Called with each event of a job. Where the stream is no terminal, only phases are told."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._begin = time.monotonic()
        self._drawn = 0
        self._told: set[str] = set()

    def __call__(self, event: Event) -> None:
        if isinstance(event, StepEvent):
            self._draw(self.step_line(event))
            if event.step == event.total:
                self._end_line()
        elif isinstance(event, PhaseEvent):
            self._phase(event)
        elif isinstance(event, WarningEvent):
            self._tell(f"warning: {event.message} [{event.code}]")
        elif isinstance(event, WorkerEvent) and event.what != "started":
            self._tell(f"{event.worker}: {event.what}")

    def step_line(self, event: StepEvent) -> str:
        done = WIDTH * event.step // max(event.total, 1)
        left = f"<{clock(event.seconds_left)}" if event.seconds_left is not None else ""
        speed = f", {event.seconds_per_step:.2f} s/it" if event.seconds_per_step else ""
        spent = clock(time.monotonic() - self._begin)
        return (f"{100 * event.step // max(event.total, 1):3d}%|{'#' * done:<{WIDTH}}| "
                f"{event.step}/{event.total} [{spent}{left}{speed}]")

    def _phase(self, event: PhaseEvent) -> None:
        if event.phase == "sampling":
            self._begin = time.monotonic()
        text = event.phase
        if event.phase == "loading" and event.of:
            text = f"loading {event.file} {100 * event.bytes // event.of}%"
        if self._stream.isatty() and not event.is_final:
            self._draw(text)
        elif text not in self._told and (event.phase != "loading" or event.bytes == 0):
            self._told.add(text)
            self._tell(text)

    def _draw(self, text: str) -> None:
        if self._stream.isatty():
            self._stream.write("\r" + text.ljust(self._drawn))
            self._stream.flush()
            self._drawn = len(text)

    def _end_line(self) -> None:
        if self._drawn:
            self._stream.write("\n")
            self._drawn = 0

    def _tell(self, text: str) -> None:
        self._end_line()
        self._stream.write(text + "\n")
        self._stream.flush()
