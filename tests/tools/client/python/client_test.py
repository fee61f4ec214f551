"""The Python client against a service of a few lines: what a real one cannot be made to do."""
import os
import tempfile
import threading
import unittest

import numpy
from fake_service import ROOT, FakeService

import tandem
from tandem import _tensors


def step(job, seq, number=1):
    return {"event": "step", "job": job, "seq": seq, "step": number, "total": 9}


def done(job, seq):
    return {"event": "phase", "job": job, "seq": seq, "phase": "done"}


class Errors(unittest.TestCase):
    def test_every_code_of_the_document_has_its_class(self):
        table = (ROOT / "docs/protocol.md").read_text().split("## Errors")[1].split("##")[0]
        codes = {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")}
        own = {"service_lost", "no_service"}
        self.assertEqual(set(tandem.errors.CODES) - own, codes)

    def test_an_error_is_of_its_class_and_keeps_what_it_says(self):
        def answer(connection, message, _):
            connection.refuse(message, "out_of_memory", worker="gpu:1#0", needed_bytes=7,
                              fault="device", retryable=True, hint="Try less.", path="model.file")
        with FakeService(answer) as fake, tandem.Client(fake.path) as client:
            with self.assertRaises(tandem.OutOfMemory) as caught:
                client.ping()
        error = caught.exception
        self.assertEqual((error.code, error.worker, error.needed_bytes, error.fault, error.retryable,
                          error.path), ("out_of_memory", "gpu:1#0", 7, "device", True, "model.file"))
        for part in ("gpu:1#0", "Try less.", "[out_of_memory]"):
            self.assertIn(part, str(error))

    def test_a_code_of_a_later_version_is_kept(self):
        def answer(connection, message, _):
            connection.refuse(message, "brand_new")
        with FakeService(answer) as fake, tandem.Client(fake.path) as client:
            with self.assertRaises(tandem.TandemError) as caught:
                client.ping()
        self.assertEqual(caught.exception.code, "brand_new")

    def test_no_service_says_where_it_looked(self):
        with self.assertRaises(tandem.NoService) as caught:
            tandem.Client("/tmp/nobody-is-here.sock")
        self.assertIn("/tmp/nobody-is-here.sock", str(caught.exception))

    def test_what_is_no_frame_is_an_error(self):
        def answer(connection, _, __):
            connection.socket.sendall(b"HTTP/1.1 200 OK\r\n")
        with FakeService(answer) as fake, tandem.Client(fake.path) as client:
            with self.assertRaises(tandem.BadFrame):
                client.ping()


class Events(unittest.TestCase):
    def test_what_is_new_is_passed_over(self):
        def answer(connection, message, _):
            if message["type"] == "submit":
                connection.ok(message, job="j", types={})
                connection.send({"event": "novelty", "job": "j", "seq": 1})
                connection.send({**step("j", 2), "novelty": 1})
                connection.send(done("j", 3))
        with FakeService(answer) as fake, tandem.Client(fake.path) as client:
            events = list(client.submit({}).events())
        self.assertEqual([type(e) for e in events], [tandem.StepEvent, tandem.PhaseEvent])

    def test_a_preview_holds_its_tensors(self):
        def answer(connection, message, _):
            if message["type"] == "submit":
                connection.ok(message, job="j", types={})
                fd = _tensors.sealed_file({"preview": numpy.full((2, 2, 3), 7, numpy.uint8)})
                connection.send({"event": "preview", "job": "j", "tensors": 0}, [fd])
                connection.send(done("j", 1))
        with FakeService(answer) as fake, tandem.Client(fake.path) as client:
            first = next(client.submit({}, previews=True).events())
        self.assertEqual(first.tensors["preview"].tolist(), [[[7] * 3] * 2] * 2)
        self.assertIn("preview", fake.requests[-1]["events"])

    def test_the_newest_preview_is_kept_for_a_slow_reader(self):
        def answer(connection, message, _):
            if message["type"] == "submit":
                connection.ok(message, job="j", types={})
                for value in range(3):
                    connection.send(step("j", value + 1))
                    fd = _tensors.sealed_file({"preview": numpy.full(1, value, numpy.uint8)})
                    connection.send({"event": "preview", "job": "j", "tensors": 0}, [fd])
                connection.send(done("j", 4))
            else:
                connection.ok(message)
        with FakeService(answer) as fake, tandem.Client(fake.path) as client:
            job = client.submit({}, previews=True)
            client.ping()  # behind all of them
            previews = [e for e in job.events() if isinstance(e, tandem.PreviewEvent)]
        self.assertEqual([p.tensors["preview"].tolist() for p in previews], [[2]])

    def test_a_lost_connection_goes_on_after_the_last_event(self):
        def answer(connection, message, _):
            if message["type"] == "submit":
                connection.ok(message, job="j", types={})
                connection.send(step("j", 1))
                connection.send(step("j", 2))
                connection.close()
            elif message["type"] == "watch":
                for seq in range(message["after"] + 1, 5):
                    connection.send(step("j", seq))
                connection.send(done("j", 5))
                connection.ok(message)
        with FakeService(answer) as fake, tandem.Client(fake.path) as client:
            seen = [event.seq for event in client.submit({}).events()]
        self.assertEqual(seen, [1, 2, 3, 4, 5])
        self.assertEqual(fake.requests[-2].get("session"), "s1")  # the second hello

    def test_a_job_that_the_next_service_does_not_know_is_lost(self):
        def answer(connection, message, _):
            if message["type"] == "submit":
                connection.ok(message, job="j", types={})
                connection.close()
            else:
                connection.refuse(message, "not_found")
        with FakeService(answer) as fake, tandem.Client(fake.path) as client:
            with self.assertRaises(tandem.ServiceLost):
                client.submit({}).result()

    def test_run_sends_a_lost_job_once_more(self):
        def answer(connection, message, _):
            submits = [r for r in fake.requests if r["type"] == "submit"]
            if message["type"] == "submit":
                connection.ok(message, job=f"j{len(submits)}", types={})
                if len(submits) == 1:
                    connection.close()
                else:
                    connection.send(done("j2", 1))
            elif message["type"] == "result":
                connection.ok(message, state="done", outputs={"tokens": {"positive": []}})
            else:
                connection.refuse(message, "not_found")
        with FakeService(answer) as fake, tandem.Client(fake.path) as client:
            self.assertEqual(client.run({}).outputs, {"tokens": {"positive": []}})


class Requests(unittest.TestCase):
    def test_each_is_sent_as_the_document_says(self):
        def answer(connection, message, _):
            connection.ok(message, free=1, device={"state": "ready"})
        with FakeService(answer) as fake, tandem.Client(fake.path) as client:
            client.unload()
            client.unload("a.safetensors")
            client.free("gpu:0", 5)
            client.budget("gpu:0", None)
            self.assertEqual(client.worker("gpu:0", "drain")["device"], {"state": "ready"})
        sent = [{k: v for k, v in r.items() if k != "id"} for r in fake.requests[1:]]
        self.assertEqual(sent, [
            {"type": "unload", "all": True}, {"type": "unload", "model": "a.safetensors"},
            {"type": "free", "device": "gpu:0", "bytes": 5},
            {"type": "budget", "device": "gpu:0", "bytes": None},
            {"type": "worker", "device": "gpu:0", "action": "drain"}])

    def test_a_models_name_is_made_a_path_where_it_is_a_file_here(self):
        with tempfile.NamedTemporaryFile() as file:
            job = tandem.picture_job("x", model=os.path.relpath(file.name))
            self.assertEqual(job["model"]["file"], file.name)
        job = tandem.picture_job("x", model="of-the-service.safetensors")
        self.assertEqual(job["model"]["file"], "of-the-service.safetensors")


class Threads(unittest.TestCase):
    def test_replies_find_their_threads_in_any_order(self):
        waiting = []

        def answer(connection, message, _):
            waiting.append(message)
            if len(waiting) == 4:
                for request in reversed(waiting):
                    connection.ok(request, free=request["bytes"] * 2)
        got = {}
        with FakeService(answer) as fake, tandem.Client(fake.path) as client:
            threads = [threading.Thread(target=lambda n=n: got.update({n: client.free("cpu", n)}))
                       for n in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(20)
        self.assertEqual(got, {0: 0, 1: 2, 2: 4, 3: 6})


class Progress(unittest.TestCase):
    def test_a_bar_says_how_far_and_how_long(self):
        line = tandem.Bar().step_line(tandem.StepEvent("j", 1, 3, 4, seconds_per_step=0.5,
                                                       seconds_left=61))
        for part in (" 75%", "3/4", "<01:01", "0.50 s/it"):
            self.assertIn(part, line)


class Arrays(unittest.TestCase):
    def test_an_array_may_stand_for_a_name(self):
        def answer(connection, message, fds):
            sent.update(_tensors.mapped(os.dup(fds[message["tensors"]])))
            connection.ok(message, job="j", types={})
        sent, mask = {}, numpy.arange(6, dtype=numpy.float32).reshape(2, 3)
        with FakeService(answer) as fake, tandem.Client(fake.path) as client:
            client.submit({"positive": [{"text": "a", "mask": mask}], "latent": {"tensor": "z"}},
                          {"z": numpy.zeros(0, numpy.float16)})
        name = fake.requests[-1]["job"]["positive"][0]["mask"]
        self.assertEqual(sent[name].tolist(), mask.tolist())
        self.assertEqual((sent["z"].dtype, sent["z"].shape), (numpy.float16, (0,)))

    def test_a_type_that_cannot_be_sent_is_named(self):
        with self.assertRaisesRegex(TypeError, "complex128"):
            _tensors.as_array(numpy.zeros(1, complex))


if __name__ == "__main__":
    unittest.main()
