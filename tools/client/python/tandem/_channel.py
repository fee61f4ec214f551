"""Requests and replies over one connection, from any number of threads.

Whoever waits and finds nobody reading reads; the others are woken when something came.
"""
from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from . import _frames
from .errors import NoService, ServiceLost, TandemError, from_json

Message = dict[str, Any]
Reply = tuple[Message, list[int]]
Revive = Callable[[], Any] | None
T = TypeVar("T")

RETRY_SECONDS = 0.1  # between two tries to reach a service that is being started again
REVIVE_SECONDS = 3.0  # how long its launcher is waited for


def close_all(fds: Sequence[int]) -> None:
    for fd in fds:
        os.close(fd)


class Channel:
    """`on_event` gets each event and its descriptors, which become its own."""

    def __init__(self, path: str, on_event: Callable[[Message, list[int]], None],
                 session: str = "", name: str = "tandem for Python") -> None:
        self._frames = _frames.Frames(path)
        self._on_event = on_event
        self._replies: dict[int, Reply] = {}
        self._unwanted: set[int] = set()
        self._turn = threading.Condition()
        self._sending = threading.Lock()
        self._is_read = False
        self._last_id = 0
        self._end: TandemError | None = None
        keys: dict[str, Any] = {"session": session} if session else {}
        try:
            self.welcome = self.request("hello", protocol=[1, 1], client=name, **keys)
        except BaseException:
            self.close()
            raise

    @property
    def is_open(self) -> bool:
        return self._end is None

    def close(self) -> None:
        with self._turn:
            self._end = self._end or TandemError("The connection was closed.", code="closed")
            for _, fds in self._replies.values():
                close_all(fds)
            self._replies.clear()
            self._turn.notify_all()
        self._frames.close()

    def next_id(self) -> int:
        with self._sending:
            self._last_id += 1
            return self._last_id

    def send(self, body: bytes, fds: Sequence[int] = ()) -> None:
        if self._end:
            raise self._end
        with self._sending:
            self._frames.send(body, fds)

    def ask(self, kind: str, fds: Sequence[int] = (), **keys: Any) -> int:
        """Sends a request; the id to wait for."""
        request = self.next_id()
        self.send(json.dumps({"id": request, "type": kind, **keys}).encode(), fds)
        return request

    def answer(self, request: int, timeout: float | None = None) -> Reply | None:
        """(reply, descriptors, which are the caller's), or None after `timeout` seconds."""
        reply = self.wait(lambda: self._replies.pop(request, None), timeout)
        if reply and not reply[0].get("ok"):
            close_all(reply[1])
            raise from_json(reply[0].get("error", {}))
        return reply

    def give_up(self, request: int) -> None:
        """Nobody will wait for this reply."""
        with self._turn:
            if request in self._replies:
                close_all(self._replies.pop(request)[1])
            else:
                self._unwanted.add(request)

    def request(self, kind: str, fds: Sequence[int] = (), **keys: Any) -> Message:
        """A request whose reply has no descriptor."""
        reply = self.answer(self.ask(kind, fds, **keys))
        assert reply is not None
        close_all(reply[1])
        return reply[0]

    def wait(self, ready: Callable[[], T], timeout: float | None = None) -> T:
        """ready()'s first value that is not None; after `timeout` seconds, None."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if end is None else end - time.monotonic()
            with self._turn:
                value = ready()
                if value is not None or (left is not None and left < 0):
                    return value
                if self._end:
                    raise self._end
                if self._is_read:
                    self._turn.wait(left)
                    continue
                self._is_read = True
            self._read(left)

    def _read(self, timeout: float | None) -> None:
        frame = None
        failed: TandemError | None = None
        try:
            frame = self._frames.receive(timeout)
        except TandemError as error:
            failed = error
        finally:
            with self._turn:
                self._is_read = False
                if failed:
                    self._end = self._end or failed
                if frame:
                    self._sort(*frame)
                self._turn.notify_all()

    def _sort(self, message: Message, fds: list[int]) -> None:
        if "event" not in message:
            request = message.get("id") or 0
            if request in self._unwanted:
                self._unwanted.discard(request)
                close_all(fds)
            else:
                self._replies[request] = (message, fds)
        elif message["event"] == "error":
            close_all(fds)
            self._end = from_json(message.get("error", {}))
        else:
            self._on_event(message, fds)


def connect_within(seconds: float, path: str, on_event: Callable[[Message, list[int]], None],
                   session: str, name: str, revive: Revive = None) -> Channel:
    """A connection to a service that may be about to be started again."""
    begin = time.monotonic()
    while True:
        try:
            return Channel(path, on_event, session, name)
        except (NoService, ServiceLost):
            waited = time.monotonic() - begin
            if waited > seconds:
                raise
        if revive and waited > REVIVE_SECONDS:
            revive()
            revive = None
        time.sleep(RETRY_SECONDS)
