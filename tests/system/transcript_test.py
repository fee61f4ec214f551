"""docs/examples/exchange.txt is said again, and what the service answers compared with it."""
import json
import os
import re
import shutil
import tempfile
import unittest
from pathlib import Path

import numpy as np
import tensor_file
from service import ROOT, Service, wait_until

import host_client
from host_client import Client, Connection, sealed_memory
from jobs import MODEL

TRANSCRIPT = ROOT / "docs/examples/exchange.txt"
KINDS = {"F32": np.float32, "F16": np.float16, "U8": np.uint8}


class Line:
    """A message of the transcript: who says it, the object, the tensors of its descriptors."""

    def __init__(self, number, mark, text):
        body, *tensors = text.split("\n+ ")
        self.number, self.mark = number, mark
        self.message = json.loads(body)
        self.tensors = [json.loads(t) for t in tensors]


def read_transcript(text):
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        start = re.match(r"(>|<\*?) (.*)", line)
        if start:
            lines.append([number, start[1], start[2]])
        elif line.startswith("  + "):
            lines[-1][2] += "\n+ " + line[4:]
        elif line.startswith("  "):
            lines[-1][2] += " " + line.strip()
        elif line and not line.startswith("#"):
            raise ValueError(f"line {number} is neither said nor a comment: {line}")
    return [Line(*entry) for entry in lines]


class Names:
    """What the transcript's names stand for."""

    def __init__(self):
        self.values = {}

    def fill(self, value):
        if isinstance(value, dict):
            return {k: self.fill(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.fill(v) for v in value]
        return self.values[value] if isinstance(value, str) and value.startswith("$") else value

    def matches(self, want, got):
        """Whether they are alike; names that are new get their values."""
        if isinstance(want, dict) and isinstance(got, dict):
            return want.keys() == got.keys() and all(self.matches(want[k], got[k]) for k in want)
        if isinstance(want, list) and isinstance(got, list):
            return len(want) == len(got) and all(map(self.matches, want, got))
        if isinstance(want, str) and want.startswith("$"):
            return want == "$" or self.values.setdefault(want, got) == got
        return type(want) is type(got) and want == got


class Transcript(unittest.TestCase):
    def test_the_service_answers_as_it_is_written(self):
        with Service("sim:1", arguments=["--config", self.config()]) as service:
            with Client(service.socket) as other:
                wait_until(lambda: other.workers()[0]["state"] == "ready", 20, "the worker is ready")
            with Connection(service.socket) as self.connection:
                self.names, self.heard = Names(), None
                for line in read_transcript(TRANSCRIPT.read_text()):
                    with self.subTest(line=line.number):
                        {">": self.say, "<": self.hear, "<*": self.hear_any}[line.mark](line)

    def config(self):
        """A configuration that names a folder with the transcript's checkpoint."""
        folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="tandem-test-")))
        shutil.copy(MODEL, folder / "sd15.safetensors")
        (folder / "config.yaml").write_text("models: {checkpoints: .}\n")
        return folder / "config.yaml"

    def say(self, line):
        fds = [sealed_memory(tensor_file.pack({n: np.zeros(shape, KINDS[kind]) for n, (kind, shape)
                                               in tensors.items()})) for tensors in line.tensors]
        self.connection.send(self.names.fill(line.message), fds)
        for fd in fds:
            os.close(fd)

    def next(self):
        if self.heard is None:
            message, fds = self.connection.receive()
            self.heard = message, [self.described(fd) for fd in fds]
        return self.heard

    def described(self, fd):
        arrays = host_client.mapped_tensors(fd)
        os.close(fd)
        return {name: [next(k for k, t in KINDS.items() if t == a.dtype), list(a.shape)]
                for name, a in arrays.items()}

    def hear(self, line):
        message, tensors = self.next()
        self.heard = None
        self.assertTrue(self.names.matches(line.message, message),
                        f"\nwritten: {json.dumps(self.known(line.message))}"
                        f"\nheard:   {json.dumps(message)}")
        self.assertEqual(tensors, line.tensors)

    def hear_any(self, line):
        while self.names.matches(line.message, self.next()[0]):
            self.assertEqual(self.heard[1], line.tensors)
            self.heard = None

    def known(self, message):
        names = Names()
        names.values = {**{v: v for v in re.findall(r'"(\$\w*)"', json.dumps(message))},
                        **self.names.values}
        return names.fill(message)


if __name__ == "__main__":
    unittest.main()
