"""A host's connection to a running service."""
from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from . import _frames, _inline, _tensors
from ._channel import Channel, Message, Reply, Revive, close_all, connect_within
from .errors import ServiceLost
from .evaluator import Evaluator
from .events import Event, PreviewEvent, event_from_json
from .job import Interrupt, Job, Progress
from .pictures import picture_job
from .result import Result
from .types import Catalog, Device, JobState


class Client:
    """Thread-safe. A lost connection is made again for up to `reconnect` seconds.

    A service that has a launcher comes back by itself; `revive`, if given, is called where it does
    not, and may start another: `lambda: tandem.start(...)`. Requests that may be asked twice are
    then asked again; a `submit` is not, `run` does it.
    """

    def __init__(self, socket: str | os.PathLike[str] | None = None, *,
                 name: str = "tandem for Python", reconnect: float = 15.0,
                 revive: Revive = None) -> None:
        self.socket = os.fspath(socket) if socket else _frames.default_socket()
        self._name = name
        self._reconnect = reconnect
        self._revive = revive
        self._lock = threading.Lock()
        self._inboxes: dict[str, deque[Event]] = {}
        self._is_closed = False
        self._connection = Channel(self.socket, self._on_event, name=name)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Jobs go on."""
        self._is_closed = True
        self._connection.close()

    @property
    def version(self) -> str:
        return str(self._connection.welcome["version"])

    @property
    def session(self) -> str:
        return str(self._connection.welcome["session"])

    @property
    def limits(self) -> dict[str, int]:
        return dict(self._connection.welcome["limits"])

    # Jobs

    def submit(self, job: Mapping[str, Any], tensors: Mapping[str, Any] | None = None, *,
               previews: bool = False, on_disconnect: str = "keep", priority: int = 0) -> Job:
        """Queues a job of the job format; an array may stand in it where a tensor is named."""
        given = dict(tensors or {})
        keys: dict[str, Any] = {"job": _inline.named(job, given)}
        if previews:
            keys["events"] = ["phase", "step", "warning", "worker", "preview"]
        if on_disconnect != "keep":
            keys["on_disconnect"] = on_disconnect
        if priority:
            keys["priority"] = priority
        fds = [_tensors.sealed_file(given)] if given else []
        if fds:
            keys["tensors"] = 0
        try:
            reply = self._channel().request("submit", fds, **keys)
        finally:
            close_all(fds)
        return Job(self, reply["job"], reply.get("types", {}))

    def run(self, job: Mapping[str, Any], tensors: Mapping[str, Any] | None = None, *,
            progress: Progress = None, interrupt: Interrupt = None, previews: bool = False,
            priority: int = 0) -> Result:
        """Submits and waits; Ctrl-C, or `interrupt` when it raises, cancels the job.

        Where the service dies with the job, the job is sent once more to the one that follows:
        its result has the same bits.
        """
        for last_try in (False, True):
            channel = self._channel()
            try:
                sent = self.submit(job, tensors, previews=previews, priority=priority)
                return sent.result(progress, interrupt)
            except ServiceLost:
                if last_try:
                    raise
                self._restore(channel)
        raise AssertionError

    def txt2img(self, prompt: str, negative: str = "", *, progress: Progress = None,
                interrupt: Interrupt = None, **options: Any) -> Result:
        """A picture of a prompt; `options` are those of `tandem.picture_job`."""
        return self.run(picture_job(prompt, negative, **options), progress=progress,
                        interrupt=interrupt)

    def watch(self, job: str, after: int = 0) -> Job:
        """Attaches to a job by its id; events after the one numbered `after` come again."""
        watched = Job(self, job, {}, after)
        self.request("watch", job=job, after=after)
        return watched

    def jobs(self) -> list[JobState]:
        """All jobs that the service knows, in the order of submission."""
        return list(self.request("jobs")["jobs"])

    # The evaluator

    def evaluator(self, model: Mapping[str, Any], shape: Sequence[int],
                  conds: Mapping[str, Mapping[str, Any]] | None = None,
                  **options: Any) -> Evaluator:
        """Denoised predictions for a sampler of your own; `with` it. See tandem.Evaluator."""
        return Evaluator(self.socket, model, shape, conds or {}, name=self._name,
                         reconnect=self._reconnect, revive=self._revive, **options)

    # The service

    def catalog(self) -> Catalog:
        reply = self.request("catalog")
        return {key: value for key, value in reply.items()  # type: ignore[return-value]
                if key not in ("id", "ok")}

    def devices(self) -> list[Device]:
        return list(self.request("devices")["devices"])

    def accelerators(self) -> Message:
        """The machine's, whether workers use them or not: `current` and `types`, or an `error`."""
        return dict(self.request("devices")["accelerators"])

    def unload(self, model: str | None = None) -> Message:
        """Frees a model's weights, or those of all; `before` and `after` are bytes per device."""
        return self.request("unload", **({"model": model} if model else {"all": True}))

    def free(self, device: str, nbytes: int) -> int:
        """Frees unused models until so much is free; the bytes that are free then."""
        return int(self.request("free", device=device, bytes=nbytes)["free"])

    def budget(self, device: str, nbytes: int | None) -> None:
        """Limits the bytes of weights on a device; None lifts the limit."""
        self.request("budget", device=device, bytes=nbytes)

    def worker(self, device: str, action: str) -> Message:
        """`add`, `drain`, `enable` or `disable` workers of a device; `device`: its state then."""
        return self.request("worker", device=device, action=action)

    def ping(self) -> None:
        self.request("ping")

    def request(self, kind: str, **keys: Any) -> Message:
        """Any request that has no descriptors."""
        reply, fds = self._request_with_fds(kind, **keys)
        close_all(fds)
        return reply

    def _request_with_fds(self, kind: str, **keys: Any) -> Reply:
        """A request that may be asked twice; the reply's descriptors are the caller's."""
        for last_try in (False, True):
            channel = self._channel()
            try:
                reply = channel.answer(channel.ask(kind, **keys))
                assert reply is not None
                return reply
            except ServiceLost:
                if last_try:
                    raise
                self._restore(channel)
        raise AssertionError

    def _channel(self) -> Channel:
        return self._connection

    def _restore(self, lost: Channel) -> None:
        """Connects again unless another thread has; raises what keeps it from doing so."""
        with self._lock:
            if self._connection is not lost or self._is_closed:
                return
            lost.close()
            self._connection = connect_within(self._reconnect, self.socket, self._on_event,
                                              self.session, self._name, self._revive)

    def _on_event(self, message: Message, fds: list[int]) -> None:
        tensors = None
        if message.get("event") == "preview" and message.get("tensors", 0) < len(fds):
            tensors = _tensors.mapped(fds.pop(message.get("tensors", 0)))
        close_all(fds)
        event = event_from_json(message, tensors)
        if event is None:
            return
        inbox = self._inbox(event.job)
        if isinstance(event, PreviewEvent):  # the newest is enough
            for old in [e for e in inbox if isinstance(e, PreviewEvent)]:
                inbox.remove(old)
        inbox.append(event)

    def _inbox(self, job: str) -> deque[Event]:
        return self._inboxes.setdefault(job, deque())

    def _drop_inbox(self, job: str) -> None:
        self._inboxes.pop(job, None)
