"""Hosts that send nonsense, and hosts that are killed: the service answers as its document says.

Everything random comes from TANDEM_SEED, which is printed.
"""
import contextlib
import json
import os
import random
import re
import signal
import socket
import sys
import unittest

import numpy as np
import tensor_file
from service import ROOT, wait_until

from host_client import Client, Closed, Connection, Refused, frame_bytes, same_bits, sealed_memory
from jobs import picture_job
from service_case import ServiceCase

SEED = int(os.environ.get("TANDEM_SEED", random.SystemRandom().randrange(1 << 32)))
MESSAGES, DEATHS = 200, 50
# The closed list of error codes.
CODES = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/protocol.md").read_text()
                       .partition("## Errors")[2].partition("## File names")[0], re.M))
CLOSING = {"bad_frame", "unsupported_version", "resource_exhausted"}
HELLO = json.dumps({"id": 1, "type": "hello", "protocol": [1, 1], "client": "attack"}).encode()
REQUESTS = {
    "hello": {"protocol": [1, 1], "client": "c", "session": "s"},
    "submit": {"job": picture_job(steps=1), "tensors": 0, "events": ["step"],
               "on_disconnect": "keep", "priority": 0},
    "job": {"job": "j"}, "watch": {"job": "j", "after": 0}, "cancel": {"job": "j"},
    "result": {"job": "j"}, "forget": {"job": "j"}, "unload": {"model": "m"},
    "free": {"device": "cpu", "bytes": 1}, "budget": {"device": "nowhere", "bytes": 1},
    "worker": {"device": "nowhere", "action": "drain"}, "ping": {}, "jobs": {}, "devices": {},
}
WRONG = (None, True, -1, 1.5, 1e300, 1 << 70, "", "\0", "x" * 100000, [], [[]], {}, {"a": 1},
         [1, "two"], "\ud83d\ude00")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def forget_all(client):
    """Lets go of all results, each of which is a descriptor of the service."""
    for job in client.request("jobs")["jobs"]:
        with contextlib.suppress(Refused):
            client.request("cancel", job=job["job"])
            with contextlib.suppress(Refused):
                client.result(job["job"])
            client.request("forget", job=job["job"])


def warm_up(client):
    """Every worker has what it keeps: a model, and memory for its results."""
    while any(w["units_done"] < 20 for w in client.workers()):
        client.run(picture_job(steps=20))
    forget_all(client)


class Attacker:
    """Makes hostile messages: (bytes, descriptors)."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.kinds = (self.noise, self.framed_noise, self.mutated, self.cut, self.huge,
                      self.wrong_header, self.wrong_type, self.wrong_type_deep, self.unknown_key,
                      self.many_descriptors, self.bad_memory, self.bad_tensors)

    def make(self):
        return self.random.choice(self.kinds)()

    def request(self):
        kind = self.random.choice(list(REQUESTS))
        return json.loads(json.dumps({"id": self.random.randrange(1 << 16), "type": kind,
                                      **REQUESTS[kind]}))

    def noise(self):
        return self.random.randbytes(self.random.randrange(16, 5000)), ()

    def framed_noise(self):
        return frame_bytes(self.random.randbytes(self.random.randrange(3000))), ()

    def mutated(self):
        body = bytearray(json.dumps(self.request()).encode())
        for _ in range(self.random.randrange(1, 8)):
            body[self.random.randrange(len(body))] = self.random.randrange(256)
        return frame_bytes(bytes(body)), ()

    def cut(self):
        data = frame_bytes(json.dumps(self.request()).encode())
        return data[:self.random.randrange(1, len(data))], ()

    def huge(self):
        return frame_bytes(b"{", length=self.random.choice((1 << 24, 1 << 31, (1 << 32) - 1))), ()

    def wrong_header(self):
        wrong = self.random.choice(({"magic": b"MDNT"}, {"version": 0}, {"version": 9}, {"zero": 7},
                                    {"fd_count": 8}, {"fd_count": 65535}))
        return frame_bytes(b'{"id": 1, "type": "ping"}', **wrong), ()

    def wrong_type(self):
        request = self.request()
        request[self.random.choice(list(request))] = self.random.choice(WRONG)
        return frame_bytes(json.dumps(request).encode()), ()

    def wrong_type_deep(self):
        request = {"id": 3, "type": "submit", "job": picture_job(steps=1)}
        place = request["job"]
        while True:
            key = self.random.choice(list(place) if isinstance(place, dict) else range(len(place)))
            if not isinstance(place[key], (dict, list)) or not place[key]:
                break
            place = place[key]
        place[key] = self.random.choice(WRONG)
        return frame_bytes(json.dumps(request).encode()), ()

    def unknown_key(self):
        return frame_bytes(json.dumps({**self.request(), "colour": "red"}).encode()), ()

    def many_descriptors(self):
        sent, announced = self.random.randrange(1, 60), self.random.randrange(0, 9)
        fds = [sealed_memory(b"x") for _ in range(sent)]
        return frame_bytes(b'{"id": 4, "type": "ping"}', fd_count=announced), fds

    def submit_with(self, fd):
        body = {"id": 5, "type": "submit", "job": picture_job(steps=1, latent={"tensor": "latent"}),
                "tensors": 0}
        return frame_bytes(json.dumps(body).encode(), fd_count=1), [fd]

    def bad_memory(self):
        data = tensor_file.pack({"latent": np.zeros((1, 4, 16, 16), np.float32)})
        return self.submit_with(self.random.choice((
            lambda: sealed_memory(data, self.random.choice((0, 2, 4, 8, 6, 10, 12))),
            lambda: os.open("/dev/zero", os.O_RDONLY),
            lambda: os.open(__file__, os.O_RDONLY),
            lambda: socket.socket().detach(),
            lambda: os.memfd_create("without sealing")))())

    def bad_tensors(self):
        data = bytearray(tensor_file.pack({"latent": np.zeros((1, 4, 16, 16), np.float32)}))
        for _ in range(self.random.randrange(1, 6)):
            data[self.random.randrange(min(len(data), 90))] = self.random.randrange(256)
        size = self.random.choice((len(data), self.random.randrange(1, len(data))))
        return self.submit_with(sealed_memory(bytes(data[:size])))


class HostileMessages(ServiceCase):
    def check_refusal(self, error):
        self.assertIn(error["code"], CODES)
        self.assertTrue(error["message"].strip())
        self.assertNotRegex(json.dumps(error), r"0x[0-9a-f]{6}|std::|\.cpp")

    def attack(self, data, fds):
        """Sends it; every answer is a reply, or one error event and the end."""
        with Connection(self.service.socket, timeout=20) as connection:
            connection.send_raw(frame_bytes(HELLO))
            connection.receive()
            with contextlib.suppress(Closed, OSError):
                connection.send_raw(data, fds)
                connection.socket.shutdown(socket.SHUT_WR)
            jobs = []
            with contextlib.suppress(Closed):
                while True:
                    message, sent = connection.receive()
                    for fd in sent:
                        os.close(fd)
                    if message.get("event") == "error":
                        self.assertIn(message["error"]["code"], CLOSING)
                        self.check_refusal(message["error"])
                        with self.assertRaises(Closed):
                            connection.receive()
                    elif message.get("ok") is False:
                        self.check_refusal(message["error"])
                    elif "job" in message and "event" not in message:
                        jobs.append(message["job"])
        return jobs

    def test_each_is_answered_and_a_running_job_keeps_its_bits(self):
        print(f"TANDEM_SEED={SEED}", file=sys.stderr)
        self.assertGreater(len(CODES), 15)
        attacker, client, other = Attacker(SEED), self.client(), self.client()
        job = picture_job(steps=12)
        calm = client.run(job)
        (coordinator,) = self.service.pids_of("tandem-coordinator")
        workers = self.service.pids_of("tandem-worker")
        warm_up(other)
        before = descriptors(coordinator)
        running = client.submit(job)
        for number in range(MESSAGES):
            if other.request("job", job=running)["state"] == "done":
                self.assertTrue(same_bits(client.result(running)[1], calm))
                running = client.submit(job)
            data, fds = attacker.make()
            with self.subTest(number=number, seed=SEED, message=data[:80]):
                for made in self.attack(data, fds):
                    with contextlib.suppress(Refused):
                        other.request("cancel", job=made)
            for fd in fds:
                os.close(fd)
        self.assertTrue(same_bits(client.result(running)[1], calm))
        forget_all(other)
        self.assertEqual(self.service.pids_of("tandem-coordinator"), [coordinator])
        self.assertEqual(self.service.pids_of("tandem-worker"), workers)
        wait_until(lambda: descriptors(coordinator) <= before, 10, "the descriptors are closed")

    @unittest.skipUnless(os.geteuid() == 0, "another user needs root")
    def test_another_user_is_turned_away(self):
        folder = self.service.folder
        for path, mode in ((folder, 0o711), (folder / "run", 0o711), (folder / "run/tandem", 0o711),
                           (self.service.socket, 0o666)):
            path.chmod(mode)

        def connect():
            os.setuid(65534)
            with Connection(self.service.socket, timeout=10) as connection:
                return connection.closed_within(10)

        pid, turned_away = in_a_host_of_its_own(connect)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self.assertTrue(turned_away)
        self.client().request("ping")


def in_a_host_of_its_own(work):
    """Runs it in a process that waits to be killed; returns (pid, what it returned)."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(write_end, json.dumps(work()).encode() + b"\n")
            signal.pause()
        finally:
            os._exit(1)
    os.close(write_end)
    with os.fdopen(read_end) as told:
        return pid, json.loads(told.readline())


class KilledHosts(ServiceCase):
    def begin(self, steps, policy):
        """A host in the middle of a job: [session, job, last seq that it saw]."""
        host = self.host = Client(self.service.socket)  # open until the process is killed
        job = host.submit(picture_job(steps=steps), on_disconnect=policy)
        return [host.welcome["session"], job,
                host.wait_for(job, lambda e: e["event"] == "step")["seq"]]

    def test_the_service_is_free_for_the_next(self):
        print(f"TANDEM_SEED={SEED}", file=sys.stderr)
        rng, watcher = random.Random(SEED), self.client()
        (coordinator,) = self.service.pids_of("tandem-coordinator")
        warm_up(watcher)
        before = descriptors(coordinator)
        for number in range(DEATHS):
            policy = rng.choice(("keep", "cancel"))
            steps = rng.randrange(4, 30) if policy == "keep" else 2000
            with self.subTest(number=number, seed=SEED, policy=policy):
                pid, (session, job, seen) = in_a_host_of_its_own(lambda: self.begin(steps, policy))
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                if policy == "keep":
                    self.comes_back(session, job, seen, steps)
                else:
                    self.refused("cancelled", watcher.result, job)
        self.assertEqual(watcher.run(picture_job(steps=1)).keys(), {"samples"})
        forget_all(watcher)
        wait_until(lambda: descriptors(coordinator) <= before, 10, "the descriptors are closed")
        wait_until(lambda: {w["state"] for w in watcher.workers()} == {"ready"}, 10, "no unit is left")

    def comes_back(self, session, job, seen, steps):
        with Client(self.service.socket, session=session) as host:
            self.assertEqual(host.welcome["session"], session)
            self.assertIn(job, [j["job"] for j in host.request("jobs")["jobs"]
                                if j["session"] == session])
            host.request("watch", job=job, after=seen)
            self.assertEqual(host.result(job)[1].keys(), {"samples"})
            events = host.events_of(job)
            self.assertEqual([e["seq"] for e in events],
                             list(range(seen + 1, seen + 1 + len(events))))
            self.assertEqual(events[-1]["phase"], "done")
            self.assertEqual([e["step"] for e in events if e["event"] == "step"][-1], steps)


if __name__ == "__main__":
    unittest.main()
