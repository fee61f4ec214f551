"""The evaluator's client side: its slots, its conds, a service that dies, cancelling."""
import mmap
import os
import threading
import unittest

import numpy
from fake_service import FakeService

import tandem
from tandem import _tensors

SHAPE = (1, 4, 3, 5)  # 240 bytes: slots of 256
STRIDE = 256
MODEL = {"file": "/m"}


class FakeEvaluator:
    """Its prediction for a list is x * sigma + the number of its conds."""

    def __init__(self):
        self.prepares, self.added, self.dropped, self.die_at = [], [], [], set()
        self.evaluates, self.hang, self.cancelled = 0, False, threading.Event()

    def answer(self, connection, message, fds):
        getattr(self, message["type"])(connection, message, fds)

    def prepare(self, connection, message, fds):
        slots = message["slots"]
        self.input = mmap.mmap(fds[slots["input"]], 0)
        self.output = mmap.mmap(fds[slots["output"]], 0)
        self.prepares.append(message)
        if "tensors" in message:
            self.tensors = _tensors.mapped(os.dup(fds[message["tensors"]]))
        connection.ok(message, evaluator="e1")

    def add_conds(self, connection, message, fds):
        self.added.append((message["conds"], _tensors.mapped(os.dup(fds[0])) if fds else {}))
        connection.ok(message)

    def drop_conds(self, connection, message, _):
        self.dropped += message["conds"]
        connection.ok(message)

    def evaluate(self, connection, message, fds):
        self.evaluates += 1
        self.last = message
        if self.evaluates in self.die_at:
            return connection.close()
        if self.hang:
            self.hung = message
            return None
        given = _tensors.mapped(os.dup(fds[0]))["x"] if fds else \
            numpy.frombuffer(self.input, "<f4", 60).reshape(SHAPE)
        out = [given * numpy.float32(message["sigma"]) + len(conds) for conds in message["lists"]]
        if not fds:
            for k, array in enumerate(out):
                self.output[k * STRIDE:k * STRIDE + 240] = array.tobytes()
            return connection.ok(message)
        fd = _tensors.sealed_file({f"out.{k}": array for k, array in enumerate(out)})
        return connection.ok(message, [fd], tensors=0)

    def cancel(self, connection, message, _):
        connection.ok(message)
        if message.get("request") == self.hung["id"]:
            connection.refuse(self.hung, "cancelled")
            self.hang = False
            self.cancelled.set()


class Evaluators(unittest.TestCase):
    def setUp(self):
        self.fake = FakeEvaluator()
        self.service = self.enterContext(FakeService(self.fake.answer))
        self.x = numpy.random.default_rng(1).standard_normal(SHAPE).astype(numpy.float32)

    def evaluator(self, **keys):
        options = {"conds": {"a": {"text": "a"}}, **keys}
        evaluator = tandem.Evaluator(self.service.path, MODEL, SHAPE, **options)
        self.addCleanup(evaluator.close)
        return evaluator

    def test_results_come_through_the_slots_in_the_order_of_the_lists(self):
        evaluator = self.evaluator()
        one, two = evaluator.evaluate(self.x, 2.0, [["a"], []])
        self.assertEqual(one.tobytes(), (self.x * 2 + 1).tobytes())
        self.assertEqual(two.tobytes(), (self.x * 2).tobytes())
        self.assertTrue(self.fake.last["slot"])

    def test_a_copy_outlives_the_next_evaluate_and_a_view_does_not(self):
        evaluator = self.evaluator()
        kept = evaluator.evaluate(self.x, 1.0, [["a"]])[0]
        view = evaluator.evaluate(self.x, 1.0, [["a"]], copy=False)[0]
        evaluator.evaluate(self.x, 3.0, [["a"]])
        self.assertEqual(kept.tobytes(), (self.x + 1).tobytes())
        self.assertEqual(view.tobytes(), (self.x * 3 + 1).tobytes())

    def test_more_lists_than_slots_go_as_tensors(self):
        out = self.evaluator(lists=1).evaluate(self.x, 1.0, [["a"], [], ["a", "a"]])
        self.assertEqual([float(o.flat[0] - self.x.flat[0]).__round__(3) for o in out], [1, 0, 2])
        self.assertEqual(self.fake.last["tensors"], 0)

    def test_one_sigma_per_item_and_strengths_are_sent_as_they_are(self):
        evaluator = self.evaluator(hooks={"h": []})
        self.fake.evaluate = lambda connection, message, _: (
            setattr(self.fake, "last", message), connection.ok(message))
        evaluator.evaluate(self.x, numpy.array([1.5, 0.1]), [["a"]], {"h": 0.25})
        self.assertEqual(self.fake.last["sigma"], [1.5, 0.1])
        self.assertEqual(self.fake.last["hook_strengths"], {"h": 0.25})

    def test_arrays_of_conds_travel_with_prepare_and_add_conds(self):
        given = numpy.ones((1, 7, 8), numpy.float32)
        evaluator = self.evaluator(conds={"a": {"cond": given}})
        name = self.fake.prepares[0]["conds"]["a"]["cond"]
        self.assertEqual(self.fake.tensors[name].tolist(), given.tolist())
        evaluator.add_conds({"b": {"model_conds": {"c_crossattn": given * 2}}})
        conds, tensors = self.fake.added[0]
        self.assertEqual(tensors[conds["b"]["model_conds"]["c_crossattn"]].max(), 2)

    def test_a_service_that_died_is_prepared_again_with_the_conds_of_now(self):
        evaluator = self.evaluator(conds={"a": {"text": "a"}, "b": {"text": "b"}})
        evaluator.add_conds({"c": {"text": "c"}})
        evaluator.drop_conds(["a"])
        self.fake.die_at = {1}
        out = evaluator.evaluate(self.x, 1.0, [["b", "c"]])
        self.assertEqual(out[0].tobytes(), (self.x + 2).tobytes())
        self.assertEqual(len(self.fake.prepares), 2)
        self.assertEqual(self.fake.prepares[1]["conds"], {"b": {"text": "b"}, "c": {"text": "c"}})

    def test_two_deaths_at_one_evaluate_are_an_error(self):
        evaluator = self.evaluator()
        self.fake.die_at = {1, 2}
        with self.assertRaises(tandem.ServiceLost):
            evaluator.evaluate(self.x, 1.0, [["a"]])

    def test_an_interrupt_cancels_the_evaluate_and_the_next_one_works(self):
        class Stop(Exception):
            pass

        def interrupt():
            raise Stop

        evaluator = self.evaluator()
        self.fake.hang = True
        with self.assertRaises(Stop):
            evaluator.evaluate(self.x, 1.0, [["a"]], interrupt=interrupt)
        self.assertTrue(self.fake.cancelled.wait(20))
        out = evaluator.evaluate(self.x, 1.0, [["a"]])
        self.assertEqual(out[0].tobytes(), (self.x + 1).tobytes())

    def test_x_of_another_shape_is_refused_before_it_is_sent(self):
        evaluator = self.evaluator()
        with self.assertRaisesRegex(ValueError, "was prepared"):
            evaluator.evaluate(self.x[:, :, :2], 1.0, [["a"]])
        self.assertEqual(self.fake.evaluates, 0)

    def test_leaving_closes_its_connection_and_descriptors(self):
        with tandem.Evaluator(self.service.path, MODEL, SHAPE, {}) as evaluator:
            channel, fds = evaluator._channel, (evaluator._input.fd, evaluator._output.fd)
        self.assertFalse(channel.is_open)
        with self.assertRaises(tandem.TandemError):
            evaluator.evaluate(self.x, 1.0, [[]])
        for fd in fds:
            with self.assertRaises(OSError):
                os.fstat(fd)


if __name__ == "__main__":
    unittest.main()
