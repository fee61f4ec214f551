"""A host's side of the protocol, written from its document alone: frames, descriptors, requests.

One thread: replies may come out of order and events in between, so what a caller did not wait for
is kept (`events`, in the order of arrival) until it is asked for; `previews` lie beside them, with
their arrays and the number of events `after` which they came.
"""
import fcntl
import json
import mmap
import os
import socket
import struct
import time

import numpy as np
import tensor_file

MAGIC, FRAME_VERSION = b"TNDM", 1
MOST_DESCRIPTORS, MOST_JSON = 8, 16 * 1024 * 1024
HEADER = struct.Struct("<4sHHII")
F_ADD_SEALS = 1033
SEAL_SHRINK, SEAL_GROW, SEAL_WRITE = 2, 4, 8


class Refused(Exception):
    """An error reply or an error event; `error` is its object."""

    def __init__(self, error):
        super().__init__(f"{error.get('code')}: {error.get('message')}")
        self.error, self.code = error, error.get("code")


class Closed(Exception):
    """The service closed the connection."""


def sealed_memory(data, seals=SEAL_SHRINK | SEAL_GROW | SEAL_WRITE):
    """A descriptor of anonymous memory that holds the bytes and can no longer change."""
    fd = os.memfd_create("tensors", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with os.fdopen(os.dup(fd), "wb") as file:
        file.write(data)
    if seals:
        fcntl.fcntl(fd, F_ADD_SEALS, seals)
    return fd


def mapped_tensors(fd):
    """The arrays of a result's descriptor."""
    with mmap.mmap(fd, 0, access=mmap.ACCESS_READ) as data:
        return tensor_file.unpack(data)


def data_alignment(fd):
    """Where the first tensor's bytes begin, modulo 64."""
    with mmap.mmap(fd, 0, access=mmap.ACCESS_READ) as data:
        return tensor_file.header(data)[1] % 64


def frame_bytes(body, fd_count=0, magic=MAGIC, version=FRAME_VERSION, length=None, zero=0):
    """A frame, or one that breaks the rules in the place that is given."""
    length = len(body) if length is None else length
    return HEADER.pack(magic, version, fd_count, length, zero) + body


class Connection:
    """Frames over a socket."""

    def __init__(self, path, timeout=60):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send_raw(self, data, fds=()):
        """The descriptors ride on the first byte. Raises Closed where the service has closed."""
        try:
            sent = socket.send_fds(self.socket, [data], list(fds)) if fds else self.socket.send(data)
            self.socket.sendall(data[sent:])
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Closed() from error

    def send(self, message, fds=()):
        self.send_raw(frame_bytes(json.dumps(message).encode(), len(fds)), fds)

    def exactly(self, count):
        parts = []
        while count:
            try:
                part = self.socket.recv(min(count, 1 << 20))
            except ConnectionResetError as error:
                raise Closed() from error
            if not part:
                raise Closed()
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def receive(self):
        """(JSON object, descriptors) of the next frame."""
        try:
            head, fds, _, _ = socket.recv_fds(self.socket, HEADER.size, MOST_DESCRIPTORS)
            if not head:
                raise Closed()
            head += self.exactly(HEADER.size - len(head))
            magic, version, count, length, zero = HEADER.unpack(head)
            assert (magic, version, zero) == (MAGIC, FRAME_VERSION, 0), head
            assert count == len(fds) <= MOST_DESCRIPTORS and length <= MOST_JSON, head
            message = json.loads(self.exactly(length))
        except ConnectionResetError as reset:
            raise Closed() from reset
        assert isinstance(message, dict), message
        return message, fds

    def closed_within(self, seconds):
        """Whether the service closes this connection, whatever it sends before."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(1 << 16):
                pass
            return True
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False


class Client(Connection):
    """Requests, replies and events."""

    def __init__(self, path, session=None, timeout=60, hello=True):
        super().__init__(path, timeout)
        self.next_id, self.replies, self.events, self.previews = 1, {}, [], []
        if hello:
            extra = {"session": session} if session else {}
            self.welcome = self.request("hello", protocol=[1, 1], client="system test", **extra)

    def ask(self, kind, fds=(), **keys):
        """Sends a request; the id to wait for."""
        request, self.next_id = self.next_id, self.next_id + 1
        self.send({"id": request, "type": kind, **keys}, fds)
        return request

    def take_one(self):
        message, fds = self.receive()
        if "event" in message:
            if message["event"] == "error":
                raise Refused(message["error"])
            if message["event"] == "preview":
                message["arrays"] = mapped_tensors(fds[message["tensors"]])
                message["after"] = len(self.events)
                self.previews.append(message)
            else:
                self.events.append(message)
            for fd in fds:
                os.close(fd)
        else:
            self.replies[message["id"]] = (message, fds)

    def answer(self, request):
        """(reply, descriptors) of the request; an error reply is raised."""
        while request not in self.replies:
            self.take_one()
        reply, fds = self.replies.pop(request)
        if not reply["ok"]:
            raise Refused(reply["error"])
        return reply, fds

    def request(self, kind, fds=(), **keys):
        return self.answer(self.ask(kind, fds, **keys))[0]

    def submit(self, job, tensors=None, **keys):
        """The new job's id."""
        if not tensors:
            return self.request("submit", job=job, **keys)["job"]
        fd = sealed_memory(tensor_file.pack(tensors))
        try:
            return self.request("submit", fds=[fd], tensors=0, job=job, **keys)["job"]
        finally:
            os.close(fd)

    def result(self, job):
        """(reply, {tensor name: array}); waits for the job's end."""
        reply, fds = self.answer(self.ask("result", job=job))
        try:
            tensors = mapped_tensors(fds[reply["tensors"]]) if "tensors" in reply else {}
        finally:
            for fd in fds:
                os.close(fd)
        return reply, tensors

    def run(self, job, tensors=None, **keys):
        """Submits, waits, and returns the tensors of the result."""
        return self.result(self.submit(job, tensors, **keys))[1]

    def events_of(self, job, kind=None):
        return [e for e in self.events if e.get("job") == job and kind in (None, e["event"])]

    def wait_for(self, job, condition, seconds=60):
        """The first event of the job, past or to come, that the condition holds for."""
        seen, end = 0, time.monotonic() + seconds
        while True:
            for event in self.events[seen:]:
                if event.get("job") == job and condition(event):
                    return event
            seen = len(self.events)
            if time.monotonic() > end:
                raise TimeoutError(f"no such event of {job} in {seconds} s")
            self.take_one()

    def workers(self):
        """[{name, pid, state, ...}] of all devices."""
        return [w for d in self.request("devices")["devices"] for w in d["workers"]]


def same_bits(a, b):
    """Whether two results hold the same tensors, bit by bit."""
    return a.keys() == b.keys() and all(
        a[k].dtype == b[k].dtype and a[k].shape == b[k].shape and a[k].tobytes() == b[k].tobytes()
        for k in a)


def distance(a, b):
    """The greatest difference, by the deviation."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    return float(np.abs(a - b).max() / b.std())
