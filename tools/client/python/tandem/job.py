"""A job of the service: its events, its result, its end."""
from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from . import _tensors
from ._channel import Channel, close_all
from .errors import NotFound, ServiceLost, TandemError, service_lost
from .events import Event, PhaseEvent, PreviewEvent
from .progress import Bar
from .result import Result

if TYPE_CHECKING:
    from .client import Client

POLL_SECONDS = 0.05  # how often `interrupt` is asked

Interrupt = Callable[[], Any] | None
Progress = bool | Callable[[Event], Any] | None


class Job:
    """Made by `Client.submit` and `Client.watch`; it goes on when this object is gone.

    Where the connection is lost, it is made again and the events go on after the last one seen.
    ServiceLost then says that the service no longer knows the job.
    """

    def __init__(self, client: Client, job: str, types: dict[str, str], after: int = 0) -> None:
        self.id = job
        self.types = types  # {"model": "fp32", ...}; empty for a job that is only watched
        self.last_seq = after
        self._client = client
        self._inbox: deque[Event] = client._inbox(job)
        self._has_ended = False

    def events(self, interrupt: Interrupt = None) -> Iterator[Event]:
        """The events as they come, each once, up to the last phase.

        `interrupt` is called every 50 ms; when it raises, or on KeyboardInterrupt while waiting,
        the job is cancelled.
        """
        while not self._has_ended:
            event = self._next(interrupt)
            if not isinstance(event, PreviewEvent):
                if event.seq <= self.last_seq:
                    continue  # told again after a reconnection
                self.last_seq = event.seq
                self._has_ended = isinstance(event, PhaseEvent) and event.is_final
            yield event

    def result(self, progress: Progress = None, interrupt: Interrupt = None) -> Result:
        """Waits for the end. Raises the job's error where it failed, Cancelled where it was.

        `progress` is True for a bar on standard error, or a function that gets each event.
        """
        tell = Bar() if progress is True else progress or None
        try:
            for event in self.events(interrupt):
                if tell:
                    tell(event)
        except (ServiceLost, NotFound):
            raise
        except BaseException:
            self._cancel_quietly()
            raise
        return self._fetch()

    def cancel(self) -> None:
        """At once; no error where it has ended already."""
        self._client.request("cancel", job=self.id)

    def state(self) -> dict[str, Any]:
        return self._client.request("job", job=self.id)

    def forget(self) -> None:
        """Frees the result of a job that has ended, which else goes after a while."""
        self._client.request("forget", job=self.id)
        self._client._drop_inbox(self.id)

    def _next(self, interrupt: Interrupt) -> Event:
        while True:
            channel = self._client._channel()
            try:
                event = channel.wait(self._pop, POLL_SECONDS if interrupt else None)
                if event is not None:
                    return event
                if interrupt:
                    interrupt()
            except ServiceLost:
                self._attach_again(channel)
            except BaseException:
                self._cancel_quietly()
                raise

    def _pop(self) -> Event | None:
        return self._inbox.popleft() if self._inbox else None

    def _attach_again(self, lost: Channel) -> None:
        self._client._restore(lost)
        try:
            self._client.request("watch", job=self.id, after=self.last_seq)
        except NotFound as error:
            raise service_lost(f"The service was started again without the job {self.id}.") \
                from error

    def _cancel_quietly(self) -> None:
        try:
            self.cancel()
        except TandemError:
            pass  # it has ended, or the service has

    def _fetch(self) -> Result:
        reply, fds = self._client._request_with_fds("result", job=self.id)
        index = reply.get("tensors")
        tensors = _tensors.mapped(fds.pop(index)) if index is not None else {}
        close_all(fds)
        self._client._drop_inbox(self.id)
        return Result(reply, tensors)
