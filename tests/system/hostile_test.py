"""Wrong jobs, wrong files and hostile frames: each is refused, and nobody else notices."""
import contextlib
import json
import os
import struct
import tempfile
import unittest
from pathlib import Path

import numpy as np
import tensor_file
from service import wait_until

import host_client
from host_client import Closed, Connection, frame_bytes, same_bits, sealed_memory
from jobs import picture_job, truncated_model
from service_case import ServiceCase


class BadJobs(ServiceCase):
    """A wrong job is refused when it is sent, with the key it is about."""

    def refuse(self, code, job, tensors=None):
        client = self.client()
        error = self.refused(code, client.submit, job, tensors)
        client.request("ping")
        return error

    def test_unknown_key(self):
        job = picture_job()
        job["sampler"]["stepz"] = 3
        error = self.refuse("unknown_key", job)
        self.assertEqual(error["path"], "sampler.stepz")
        self.assertEqual(error["fault"], "request")
        self.assertFalse(error["retryable"])

    def test_out_of_range(self):
        job = picture_job()
        job["sampler"]["steps"] = 0
        self.assertEqual(self.refuse("out_of_range", job)["path"], "sampler.steps")

    def test_unsupported(self):
        job = picture_job()
        job["positive"][0]["reference_latents"] = ["x"]
        error = self.refuse(("unsupported", "missing_tensor"), job)
        self.assertIn("positive[0].reference_latents", error["path"])

    def test_wrong_version(self):
        self.refuse("unsupported_version", picture_job(version=2))

    def test_missing_file(self):
        job = picture_job()
        job["model"]["file"] = "/nowhere/model.safetensors"
        self.assertIn("/nowhere/model.safetensors", json.dumps(self.refuse("missing_file", job)))

    def test_missing_tensor(self):
        job = picture_job(latent={"tensor": "latent"})
        self.refuse("missing_tensor", job, {"other": np.zeros((1, 4, 16, 16), np.float32)})
        self.refuse("missing_tensor", job)

    def test_wrong_shape(self):
        job = picture_job(latent={"tensor": "latent"})
        for shape in ((1, 5, 16, 16), (4, 16, 16), (1, 4, 0, 16)):
            with self.subTest(shape):
                self.refuse("bad_shape", job, {"latent": np.zeros(shape, np.float32)})

    def test_conds_in_places_that_are_not(self):
        mask = {"mask": np.zeros((2, 3, 16, 16), np.float32)}
        for code, key, cond, tensors in (
                ("bad_shape", "mask", {"mask": "mask"}, mask),
                ("bad_request", "set_area_to_bounds", {"set_area_to_bounds": True}, None),
                ("bad_request", "concat_mask", {"concat_mask": "mask"}, mask),
                ("out_of_range", "area", {"area": {"height": 8, "width": 8, "x": 99}}, None),
                ("bad_request", "default", {"default": True, "area_percent": {"width": 0.5}}, None)):
            with self.subTest(key):
                job = picture_job(positive=[{"text": "a", **cond}])
                error = self.refused(code, self.client().run, job, tensors)
                self.assertEqual(error["path"], f"positive[0].{key}")

    def test_windows_that_are_not(self):
        for code, key, context in (("out_of_range", "context.dim", {"length": 4, "dim": 1}),
                                   ("out_of_range", "context.overlap", {"length": 4}),
                                   ("bad_request", "context.dim", {"length": 8, "dim": 3})):
            with self.subTest(key):
                job = picture_job(context=context, latent={"width": 128, "height": 128, "batch": 2})
                self.assertEqual(self.refused(code, self.client().run, job)["path"], key)

    def test_truncated_checkpoint(self):
        with tempfile.TemporaryDirectory() as folder:
            for keep in (0, 0.000001, 0.001, 0.5, 0.9999):
                with self.subTest(keep):
                    job = picture_job()
                    job["model"]["file"] = truncated_model(folder, keep)
                    self.refuse("bad_checkpoint", job)

    def test_unknown_family(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "strange.safetensors"
            path.write_bytes(tensor_file.pack({"a.b.weight": np.zeros((4, 4), np.float32)}))
            job = picture_job()
            job["model"]["file"] = str(path)
            self.refuse("unknown_family", job)

    def test_errors_hold_no_prompt(self):
        job = picture_job()
        job["positive"][0] = {"text": "a very private prompt", "strenght": 1.0}
        self.assertNotIn("private", json.dumps(self.refuse("unknown_key", job)))

    def test_message_that_is_no_safetensors(self):
        job = picture_job(latent={"tensor": "latent"})
        huge = struct.pack("<Q", 1 << 60) + b"{}"
        overlap = json.dumps({"latent": {"dtype": "F32", "shape": [1 << 40], "data_offsets":
                                         [0, 1 << 42]}}).encode()
        bodies = (b"", b"\x01", huge, struct.pack("<Q", len(overlap)) + overlap,
                  struct.pack("<Q", 1) + b"[", os.urandom(4096))
        client = self.client()
        for body in bodies:
            fd = sealed_memory(body)
            self.refused(("bad_checkpoint", "out_of_range") if body else "out_of_range",
                         client.request, "submit", fds=[fd], tensors=0, job=job)
            os.close(fd)
            client.request("ping")

    def test_memory_without_seals(self):
        job = picture_job(latent={"tensor": "latent"})
        data = tensor_file.pack({"latent": np.zeros((1, 4, 16, 16), np.float32)})
        client = self.client()
        for seals in (0, host_client.SEAL_SHRINK | host_client.SEAL_GROW, host_client.SEAL_WRITE):
            fd = sealed_memory(data, seals)
            self.refused("unsealed_memory", client.request, "submit", fds=[fd], tensors=0, job=job)
            os.close(fd)
        read_end, write_end = os.pipe()
        with tempfile.TemporaryFile() as file:
            file.write(data)
            for fd in (read_end, file.fileno()):
                self.refused("unsealed_memory", client.request, "submit", fds=[fd], tensors=0,
                             job=job)
        os.close(read_end)
        os.close(write_end)
        client.request("ping")

    def test_descriptor_that_was_not_sent(self):
        client = self.client()
        self.refused(("bad_request", "out_of_range", "missing_tensor"), client.request, "submit",
                     tensors=0, job=picture_job())
        client.request("ping")


class BadFrames(ServiceCase):
    """One error event, then the connection is closed; nobody else notices."""

    HELLO = json.dumps({"id": 1, "type": "hello", "protocol": [1, 1], "client": "t"}).encode()

    def refuse(self, codes, data, fds=(), after_hello=True):
        with Connection(self.service.socket, timeout=10) as connection:
            if after_hello:
                connection.send_raw(frame_bytes(self.HELLO))
                connection.receive()
            # The service answers and closes as soon as it has seen enough.
            with contextlib.suppress(Closed):
                connection.send_raw(data, fds)
            message, _ = connection.receive()
            self.assertEqual(message["event"], "error", message)
            self.assertIn(message["error"]["code"], codes, message)
            with self.assertRaises(Closed):
                connection.receive()

    def test_bad_headers(self):
        body = b'{"id": 2, "type": "ping"}'
        for name, codes, data in (
                ("magic", ("bad_frame",), frame_bytes(body, magic=b"HTTP")),
                ("version", ("unsupported_version", "bad_frame"), frame_bytes(body, version=2)),
                ("zero", ("bad_frame",), frame_bytes(body, zero=1)),
                ("descriptors announced", ("bad_frame",), frame_bytes(body, fd_count=9)),
                ("descriptors missing", ("bad_frame",), frame_bytes(body, fd_count=1)),
                ("one byte too long", ("bad_frame",), frame_bytes(b"", length=(16 << 20) + 1)),
                ("endless", ("bad_frame",), frame_bytes(b"", length=0xFFFFFFFF))):
            for after_hello in (True, False):
                with self.subTest(name, after_hello=after_hello):
                    self.refuse(codes, data, after_hello=after_hello)

    def test_bad_json(self):
        for body in (b"", b"{", b"[]", b"7", b'"text"', b"\xff\xfe", b"{}" * 2, b"[" * 100000,
                     b'{"id": 2, "type": "ping"' + b" " * 1000):
            with self.subTest(body[:20]):
                self.refuse(("bad_frame", "bad_request"), frame_bytes(body))

    def test_request_before_hello(self):
        body = json.dumps({"id": 1, "type": "devices"}).encode()
        self.refuse(("bad_request", "bad_frame"), frame_bytes(body), after_hello=False)

    def test_more_descriptors_than_announced(self):
        fds = [sealed_memory(b"x") for _ in range(3)]
        body = b'{"id": 2, "type": "ping"}'
        for announced in (0, 1):
            with self.subTest(announced):
                self.refuse(("bad_frame",), frame_bytes(body, fd_count=announced), fds)
        for fd in fds:
            os.close(fd)

    def test_flood_of_descriptors_leaves_none_open(self):
        coordinator = self.service.pids_of("tandem-coordinator")[0]
        self.client().request("ping")
        before = len(os.listdir(f"/proc/{coordinator}/fd"))
        fds = [sealed_memory(b"x") for _ in range(200)]
        for _ in range(5):
            with Connection(self.service.socket, timeout=10) as connection:
                with contextlib.suppress(Closed):
                    connection.send_raw(frame_bytes(b'{"id": 1}'), fds)
                self.assertTrue(connection.closed_within(10))
        for fd in fds:
            os.close(fd)
        wait_until(lambda: len(os.listdir(f"/proc/{coordinator}/fd")) <= before, 5,
                   "the descriptors are closed")

    def test_frame_in_pieces(self):
        with Connection(self.service.socket) as connection:
            for byte in frame_bytes(self.HELLO):
                connection.send_raw(bytes([byte]))
            self.assertTrue(connection.receive()[0]["ok"])

    def test_half_a_frame_and_gone(self):
        data = frame_bytes(self.HELLO)
        for cut in range(len(data)):
            with Connection(self.service.socket) as connection:
                connection.send_raw(data[:cut]) if cut else None
        self.client().request("ping")

    def test_running_job_keeps_its_bits_under_attack(self):
        client, other = self.client(), self.client()
        job = picture_job(steps=150)
        calm = client.run(job)
        running = client.submit(job)
        attacked = 0
        while other.request("job", job=running)["state"] not in ("done", "failed", "cancelled"):
            self.refuse(("bad_frame",), frame_bytes(b"", length=0xFFFFFFFF))
            self.refuse(("bad_frame", "bad_request"), frame_bytes(os.urandom(64)))
            self.refused("unknown_key", other.request, "ping", colour="red")
            attacked += 1
        self.assertGreater(attacked, 2)
        self.assertTrue(same_bits(client.result(running)[1], calm))


if __name__ == "__main__":
    unittest.main()
