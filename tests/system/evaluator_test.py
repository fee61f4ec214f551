"""Evaluators: a host's own sampling loop gives what a job of the same settings gives."""
import os
import unittest

import numpy as np

from evaluator_case import (CLOSE, LORA, PLAIN, SCALE, SHAPE, TEXTS, EvaluatorCase,
                            job_and_noise)
from evaluator_client import Evaluator, euler
from host_client import SEAL_GROW, SEAL_SHRINK, distance, sealed_memory
from jobs import picture_job
from service_case import ServiceCase


class SameNumbers(EvaluatorCase):
    def check(self, job_latent, out):
        self.assertLessEqual(distance(out / SCALE, job_latent), CLOSE)

    def test_texts_through_messages_and_through_slots(self):
        client = self.client()
        expected, x, sigmas = job_and_noise(client)
        outs = []
        for lists in (0, 2):
            evaluator = self.evaluator(client, lists=lists, conds=TEXTS)
            outs.append(euler(evaluator, x, sigmas, 7.0, ["p"], ["n"]))
            self.check(expected, outs[-1])
            evaluator.release()
        self.assertEqual(outs[0].tobytes(), outs[1].tobytes())

    def test_the_reply_has_what_a_sampler_needs(self):
        reply = self.evaluator(self.client()).reply
        self.assertEqual(reply["latent_channels"], 4)
        self.assertEqual(reply["latent_format"],
                         {"channels": 4, "downscale": 8, "scale": 0.18215, "shift": 0.0})
        self.assertEqual(reply["parameterization"], "eps")
        self.assertEqual(reply["types"]["model"], "fp32")
        table = np.array(reply["sigmas"])
        self.assertEqual(len(table), 1000)
        self.assertAlmostEqual(table[0], 0.0292, places=4)
        self.assertAlmostEqual(table[-1], 14.6146, places=3)
        self.assertTrue((np.diff(table) > 0).all())

    def test_areas_and_masks(self):
        client = self.client()
        mask = np.zeros((1, 16, 16), np.float32)
        mask[:, 4:12] = 0.75
        area = {"area": {"height": 8, "width": 16, "y": 8, "x": 0}, "strength": 0.8}
        masked = {"text": "a blue square", "mask": "m", "mask_strength": 0.6, "end_percent": 0.7}
        expected, x, sigmas = job_and_noise(
            client, {"m": mask},
            positive=[{"text": "a red circle"}, {"text": "green", **area}, masked])
        # What a job derives, a host gives: the other list's cond over the same area.
        evaluator = self.evaluator(client, tensors={"m": mask}, conds={
            **TEXTS, "a": {"text": "green", **area}, "na": {"text": "blue", **area}, "m": masked})
        out = euler(evaluator, x, sigmas, 7.0, ["p", "a", "m"], ["n", "na"])
        self.check(expected, out)

    def test_default_conds_and_empty_lists(self):
        client = self.client()
        area = {"area": {"height": 8, "width": 16, "y": 0, "x": 0}}
        evaluator = self.evaluator(client, conds={
            "a": {"text": "a red circle", **area}, "d": {"text": "blue", "default": True},
            "p": {"text": "a red circle"}, "b": {"text": "blue"}})
        x = np.random.default_rng(1).standard_normal(SHAPE).astype(np.float32) * 5
        both, alone, nothing, blue = evaluator(x, 5.0, [["a", "d"], ["a"], [], ["b"]])
        self.assertEqual(np.abs(nothing).max(), 0)
        self.assertEqual(both[:, :, 9:].tobytes(), blue[:, :, 9:].tobytes())
        self.assertEqual(np.abs(alone[:, :, 9:]).max(), 0)
        only, = evaluator(x, 5.0, [["d"]])
        self.assertEqual(only.tobytes(), blue.tobytes())

    def test_ranges_by_sigma(self):
        evaluator = self.evaluator(self.client(), conds={
            "late": {"text": "blue", "sigma_start": 4.0, "sigma_end": 1.0}, **TEXTS})
        x = np.ones(SHAPE, np.float32)
        for sigma, active in ((5.0, False), (4.0, True), (1.0, True), (0.9, False)):
            late, blue = evaluator(x, sigma, [["late"], ["n"]])
            expected = blue if active else np.zeros_like(blue)
            self.assertEqual(late.tobytes(), expected.tobytes(), sigma)

    def test_hooks_by_strengths_of_the_moment(self):
        client = self.client()
        frames = [{"start_percent": 0.0, "strength": 1.0}, {"start_percent": 0.5, "strength": 0.3}]
        hook = {"type": "weight", "file": LORA, "strength_model": 0.9, "strength_clip": 0.7}
        positive = {"text": "a red circle", "hooks": ["h"]}
        expected, x, sigmas = job_and_noise(
            client, positive=[positive], hooks={"h": [{**hook, "keyframes": frames}]})
        evaluator = self.evaluator(client, hooks={"h": [hook]}, conds={**TEXTS, "p": positive})
        table = np.array(evaluator.reply["sigmas"])
        half = np.exp(np.interp(0.5 * 999, np.arange(1000), np.log(table)))
        strengths = lambda step: {"h": 0.3 if sigmas[step] <= half else 1.0}
        self.check(expected, euler(evaluator, x, sigmas, 7.0, ["p"], ["n"], strengths))
        other, = evaluator(x, 5.0, [["p"]], hook_strengths={"h": 0.0})
        again, = evaluator(x, 5.0, [["p"]], hook_strengths={"h": 1.0})
        self.assertNotEqual(other.tobytes(), again.tobytes())

    def test_a_schedule_of_texts_needs_its_strengths(self):
        client = self.client()
        frames = [{"start_percent": 0.0, "strength": 1.0}, {"start_percent": 0.5, "strength": 0.3}]
        hook = {"type": "weight", "file": LORA, "strength_clip": 0.7, "keyframes": frames}
        positive = {"text": "a red circle", "hooks": ["h"], "schedule_clip": True}
        expected, x, sigmas = job_and_noise(client, positive=[positive], hooks={"h": [hook]})
        evaluator = self.evaluator(client, hooks={"h": [hook]}, conds={**TEXTS, "p": positive})
        table = np.array(evaluator.reply["sigmas"])
        half = np.exp(np.interp(0.5 * 999, np.arange(1000), np.log(table)))
        strengths = lambda step: {"h": 0.3 if sigmas[step] <= half else 1.0}
        self.check(expected, euler(evaluator, x, sigmas, 7.0, ["p"], ["n"], strengths))
        self.assertEqual(self.refused("bad_request", evaluator, x, 5.0, [["p"]])["path"],
                         "hook_strengths.h")

    def test_given_conds_and_inputs_of_the_network(self):
        client = self.client()
        encoded = client.run(picture_job(output={"cond": True}))
        context = encoded["positive.0.cond"]
        x = np.random.default_rng(2).standard_normal(SHAPE).astype(np.float32)
        evaluator = self.evaluator(client, tensors={"t": context}, conds={
            **TEXTS, "c": {"cond": "t"}, "m": {"model_conds": {"c_crossattn": "t"}}})
        text, cond, inputs = evaluator(x, 3.0, [["p"], ["c"], ["m"]])
        self.assertEqual(text.tobytes(), cond.tobytes())
        self.assertEqual(text.tobytes(), inputs.tobytes())
        evaluator.drop("c", "m")
        error = self.refused("not_found", evaluator, x, 3.0, [["p"], ["c"]])
        self.assertEqual(error["path"], "lists[1][0]")
        evaluator.add({"c": {"cond": "u", "strength": 0.5}}, {"u": context})
        self.assertEqual(evaluator(x, 3.0, [["c"]])[0].tobytes(), text.tobytes())
        self.refused("bad_request", evaluator.add, {"c": {"text": "again"}})
        self.refused("not_found", evaluator.drop, "none")
        error = self.refused("bad_request", evaluator.add, {"h": {"text": "a", "hooks": "h"}})
        self.assertEqual(error["path"], "conds.h.hooks")
        self.refused("bad_request", evaluator.add,
                     {"y": {"model_conds": {"c_crossattn": "u", "y": "u"}}}, {"u": context})

    def test_a_sigma_for_each_item(self):
        shape = (2, 4, 16, 16)
        evaluator = self.evaluator(self.client(), shape=shape, conds=TEXTS)
        x = np.random.default_rng(3).standard_normal(shape).astype(np.float32) * 3
        low, = evaluator(x, 1.5, [["p"]])
        high, = evaluator(x, [4.0, 4.0], [["p"]])
        mixed, = evaluator(x, [1.5, 4.0], [["p"]])
        self.assertLessEqual(distance(mixed, np.stack([low[0], high[1]])), CLOSE)
        self.assertEqual(self.refused("bad_request", evaluator, x, [1.0] * 3, [["p"]])["path"],
                         "sigma")

    def test_windows_of_a_schedule_that_is_the_same_at_every_step(self):
        client = self.client()
        context = {"length": 8, "overlap": 2, "schedule": "standard_static", "dim": 2}
        expected, x, sigmas = job_and_noise(client, context=context)
        evaluator = self.evaluator(client, conds=TEXTS, context=context)
        self.check(expected, euler(evaluator, x, sigmas, 7.0, ["p"], ["n"]))

    def test_windows_that_depend_on_the_step(self):
        client = self.client()
        for schedule in ({"schedule": "standard_uniform", "stride": 2, "fuse": "pyramid"},
                         {"schedule": "looped_uniform", "closed_loop": True, "fuse": "flat"},
                         {"schedule": "standard_static", "fuse": "relative"}):
            context = {"length": 8, "overlap": 3, "dim": 2, **schedule}
            with self.subTest(schedule["schedule"]):
                expected, x, sigmas = job_and_noise(client, context=context)
                evaluator = self.evaluator(client, conds=TEXTS, context=context,
                                           sigmas=[float(s) for s in sigmas])
                out = euler(evaluator, x, sigmas, 7.0, ["p"], ["n"])
                self.check(expected, out)
                near = evaluator(x, float(sigmas[2]) * (1 + 5e-5), [["p"]])[0]
                self.assertLessEqual(distance(near, evaluator(x, float(sigmas[2]), [["p"]])[0]), 1e-3)
                between = float(sigmas[0] + sigmas[1]) / 2
                error = self.refused("bad_request", evaluator, x, between, [["p"]])
                self.assertEqual(error["path"], "context")

    def test_the_step_changes_the_windows(self):
        client = self.client()
        context = {"length": 8, "overlap": 3, "schedule": "standard_uniform", "dim": 2}
        x = np.random.default_rng(5).standard_normal(SHAPE).astype(np.float32)
        outs = set()
        for sigmas in ([4.0, 2.0, 0.0], [2.0, 4.0, 0.0]):
            evaluator = self.evaluator(client, conds=TEXTS, context=context, sigmas=sigmas)
            outs.add(evaluator(x, 2.0, [["p"]])[0].tobytes())
        self.assertEqual(len(outs), 2)

    def test_windows_by_steps_need_the_sigmas(self):
        client = self.client()
        context = {"length": 8, "schedule": "standard_uniform", "dim": 2}
        for keys in ({"context": context}, {"context": context, "sigmas": []},
                     {"sigmas": [1.0, 0.0]}):
            error = self.refused("bad_request", self.evaluator, client, **keys)
            self.assertEqual(error["path"], "sigmas")
        error = self.refused("out_of_range", self.evaluator, client, context=context,
                             sigmas=[1.0, -1.0])
        self.assertEqual(error["path"], "sigmas[1]")

    def test_beside_a_job_neither_changes_the_other(self):
        client = self.client()
        calm, x, sigmas = job_and_noise(client, steps=40)
        evaluator = self.evaluator(client, lists=2, conds=TEXTS)
        alone = [p.tobytes() for p in evaluator(x, 3.0, [["p"], ["n"]])]
        number = client.submit(picture_job(steps=40))
        client.wait_for(number, lambda event: event["event"] == "step")
        beside = []
        while client.request("job", job=number)["state"] not in ("done", "failed"):
            beside.append([p.tobytes() for p in evaluator(x, 3.0, [["p"], ["n"]])])
        self.assertTrue(beside)
        self.assertEqual(beside, [alone] * len(beside))
        self.assertEqual(client.result(number)[1]["samples"].tobytes(), calm.tobytes())

    def test_several_lists_in_shared_passes(self):
        client = self.client()
        conds = {"p": {"text": "a red circle"}, "n": {"text": "blue"}}
        x = np.random.default_rng(4).standard_normal(SHAPE).astype(np.float32)
        exact = self.evaluator(client, conds=conds)(x, 2.0, [["p"], ["n"], ["p", "n"]])
        auto = self.evaluator(client, conds=conds, workers={"max": 1})(
            x, 2.0, [["p"], ["n"], ["p", "n"]])
        for one, other in zip(exact, auto):
            self.assertLessEqual(distance(one, other), CLOSE)


class Refusals(ServiceCase):
    def test_what_is_wrong_is_named(self):
        client = self.client()
        x = np.zeros(SHAPE, np.float32)
        prepare = lambda **keys: Evaluator(client, keys.pop("shape", SHAPE), **{**PLAIN, **keys})
        self.refused("bad_shape", prepare, shape=(1, 5, 16, 16))
        self.refused("out_of_range", prepare, shape=(4096, 4, 1024, 1024))
        self.refused("missing_file", prepare, model={"file": "/none.safetensors"})
        small = np.ones((1, 8, 8), np.float32)
        error = self.refused("bad_shape", prepare, tensors={"m": small},
                             conds={"c": {"text": "a", "mask": "m"}})
        self.assertEqual(error["path"], "conds.c.mask")
        self.refused("missing_tensor", prepare, conds={"c": {"cond": "t"}})
        evaluator = prepare(conds=TEXTS, lists=1)
        self.refused("out_of_range", evaluator, x, 1.0, [["p"], ["n"]])
        error = self.refused("not_found", evaluator, x, 1.0, [["p"]], hook_strengths={"h": 1})
        self.assertEqual(error["path"], "hook_strengths.h")
        self.assertEqual(self.refused("not_found", evaluator, x, 1.0, [["x"]])["path"],
                         "lists[0][0]")
        self.assertIn("worker", self.refused("not_finite", evaluator, x * np.nan, 1.0, [["p"]]))
        evaluator(x, 1.0, [["p"]])
        self.refused("not_found", self.client().request, "release", evaluator=evaluator.id)
        evaluator.release()
        self.refused("not_found", evaluator, x, 1.0, [["p"]])

    def test_only_one_evaluate_at_a_time(self):
        client = self.client()
        evaluator = Evaluator(client, (1, 4, 64, 64), conds=TEXTS, **PLAIN)
        x = np.zeros((1, 4, 64, 64), np.float32)
        first = evaluator.ask(x, 1.0, [["p"], ["n"]])
        self.refused("bad_request", evaluator, x, 1.0, [["p"]])
        evaluator.answer(first, 2)

    def test_slots_of_another_sealing(self):
        client = self.client()
        size = 4 * 16 * 16 * 4
        fds = [sealed_memory(bytes(size), SEAL_SHRINK | SEAL_GROW), sealed_memory(bytes(size))]
        self.refused("unsealed_memory", client.request, "prepare", fds=fds, **PLAIN,
                     latent={"shape": list(SHAPE)}, slots={"input": 0, "output": 1})
        for fd in fds:
            os.close(fd)

if __name__ == "__main__":
    unittest.main()
