"""A service of a few lines for unit tests: one thread per connection, replies by a function."""
import json
import os
import socket
import struct
import sys
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
sys.path.insert(0, str(ROOT / "tools/client/python"))
HEADER = struct.Struct("<4sHHII")


class Connection:
    def __init__(self, sock):
        self.socket = sock

    def receive(self):
        """(message, descriptors), or None at the end."""
        head, fds, _, _ = socket.recv_fds(self.socket, HEADER.size, 8)
        if not head:
            return None
        length = HEADER.unpack(head)[3]
        body = b""
        while len(body) < length:
            body += self.socket.recv(length - len(body))
        return json.loads(body), fds

    def send(self, message, fds=()):
        body = json.dumps(message).encode()
        socket.send_fds(self.socket, [HEADER.pack(b"TNDM", 1, len(fds), len(body), 0) + body], fds)

    def ok(self, request, fds=(), **keys):
        self.send({"id": request["id"], "ok": True, **keys}, fds)

    def refuse(self, request, code, **keys):
        error = {"code": code, "message": code, "retryable": False, "fault": "request", **keys}
        self.send({"id": request["id"], "ok": False, "error": error})

    def close(self):
        """As the end of a process does, whatever thread holds the socket."""
        self.socket.shutdown(socket.SHUT_RDWR)


class FakeService:
    """`answer(connection, message, fds)` is called for each request but `hello`."""

    def __init__(self, answer):
        self.answer = answer
        self.folder = tempfile.TemporaryDirectory(prefix="tandem-fake-")
        self.path = f"{self.folder.name}/s"
        self.requests, self.connections = [], []

    def __enter__(self):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.folder.cleanup()

    def _accept(self):
        while True:
            try:
                connection = Connection(self.listener.accept()[0])
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection.socket:
            try:
                while (frame := connection.receive()) is not None:
                    self._one(connection, *frame)
            except OSError:
                pass

    def _one(self, connection, message, fds):
        self.requests.append(message)
        if message["type"] == "hello":
            connection.ok(message, protocol=1, version="fake", session="s1", limits={})
        else:
            self.answer(connection, message, fds)
        for fd in fds:
            os.close(fd)
