"""Frames over a Unix socket: 16 bytes of header, JSON, and descriptors on the first byte."""
from __future__ import annotations

import array
import json
import os
import select
import socket
import struct
from collections import deque
from collections.abc import Sequence
from typing import Any

from .errors import BadFrame, NoService, ServiceLost, service_lost

MAGIC, VERSION = b"TNDM", 1
HEADER = struct.Struct("<4sHHII")
MOST_JSON = 16 << 20
MOST_DESCRIPTORS = 8
READ_AT_ONCE = 1 << 16
_ANCILLARY = socket.CMSG_SPACE(MOST_DESCRIPTORS * 4)
_FDS = (socket.SOL_SOCKET, socket.SCM_RIGHTS)


def default_socket() -> str:
    """Where a service is: $TANDEM_SOCKET, else in the user's runtime directory."""
    if path := os.environ.get("TANDEM_SOCKET"):
        return path
    if base := os.environ.get("XDG_RUNTIME_DIR"):
        return f"{base}/tandem/tandem.sock"
    usual = f"/run/user/{os.geteuid()}"
    return f"{usual}/tandem/tandem.sock" if os.path.isdir(usual) else \
        f"/tmp/tandem-{os.geteuid()}/tandem.sock"


def gone(error: OSError) -> ServiceLost:
    return service_lost(f"The connection to the service is gone ({error.strerror}).")


class Frames:
    """One connection. One thread may be in `send` while another is in `receive`."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise NoService(f"No service accepts at {path} ({error.strerror or error}).",
                            hint="'tandem up' or tandem.start() starts one.", path=path,
                            retryable=True, fault="service") from error
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._buffer = bytearray()
        self._fds: deque[int] = deque()

    def send(self, body: bytes, fds: Sequence[int] = ()) -> None:
        """Raises ServiceLost where the service has closed."""
        data = HEADER.pack(MAGIC, VERSION, len(fds), len(body), 0) + body
        try:
            rights = [(*_FDS, array.array("i", fds))] if fds else []
            sent = self._socket.sendmsg([data], rights)
            if sent < len(data):
                self._socket.sendall(data[sent:])
        except OSError as error:
            raise gone(error) from error

    def receive(self, timeout: float | None = None) -> tuple[dict[str, Any], list[int]] | None:
        """(JSON object, descriptors, which are the caller's) of the next frame.

        None where it does not come whole within `timeout` seconds; what came is kept.
        """
        while (frame := self._take()) is None:
            if timeout is not None and not self._poll.poll(max(0.0, timeout) * 1000):
                return None
            self._fill()
        return frame

    def close(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes whoever waits in `receive`
        except OSError:
            pass
        self._socket.close()
        while self._fds:
            os.close(self._fds.popleft())

    def _fill(self) -> None:
        try:
            data, messages, _, _ = self._socket.recvmsg(READ_AT_ONCE, _ANCILLARY,
                                                        socket.MSG_CMSG_CLOEXEC)
        except OSError as error:
            raise gone(error) from error
        for level, kind, rights in messages:
            if (level, kind) == _FDS:
                fds = array.array("i")
                fds.frombytes(rights[:len(rights) - len(rights) % fds.itemsize])
                self._fds.extend(fds)
        if not data:
            raise service_lost("The service closed the connection.")
        self._buffer += data

    def _take(self) -> tuple[dict[str, Any], list[int]] | None:
        buffer = self._buffer
        if len(buffer) < HEADER.size:
            return None
        magic, version, count, length, zero = HEADER.unpack_from(buffer)
        if (magic, version, zero) != (MAGIC, VERSION, 0) or length > MOST_JSON \
                or count > len(self._fds):
            raise BadFrame("The service sent what is no frame.", fault="service")
        end = HEADER.size + length
        if len(buffer) < end:
            return None
        message = json.loads(bytes(memoryview(buffer)[HEADER.size:end]))
        del buffer[:end]
        return message, [self._fds.popleft() for _ in range(count)]
