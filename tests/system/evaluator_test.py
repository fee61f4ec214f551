"""Evaluators: a host's own sampling loop gives what a job of the same settings gives."""
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

import numpy as np
import tensor_file
from service import Service, wait_until

from evaluator_client import Evaluator, euler
from host_client import Client, Refused, SEAL_GROW, SEAL_SHRINK, distance, sealed_memory
from jobs import GOLDEN, MODEL, picture_job
from service_case import ServiceCase

LORA = str(GOLDEN / "loras/sd1_lora_a.safetensors")
SCALE = np.float32(0.18215)
SHAPE = (1, 4, 16, 16)
PLAIN = {"model": {"file": MODEL}, "workers": {"batching": "exact"}}
TEXTS = {"p": {"text": "a red circle"}, "n": {"text": "blue"}}
# float32 sums of a few steps in another order of operations
CLOSE = 1e-5


def job_and_noise(client, tensors=None, **keys):
    """(the job's latent, the x that its sampler begins with, its sigmas)"""
    job = picture_job(**{"steps": 6, "output": {"latent": True, "sigmas": True, "noise": True},
                         **keys})
    result = client.run(job, tensors)
    sigmas = result["sigmas"]
    start = np.sqrt(sigmas[0] * sigmas[0] + np.float32(1))
    return result["samples"], result["noise"] * start, sigmas


def unit_keys(count):
    """Some square weights of the diffusion model, by ComfyUI's keys, with their shapes."""
    stored = tensor_file.load(MODEL)
    prefix = "model."
    return [(name[len(prefix):], t.shape) for name, t in stored.items()
            if name.startswith("model.diffusion_model.") and name.endswith("to_q.weight")][:count]


def low_rank(shape, seed, rank=2):
    random = np.random.default_rng(seed)
    draw = lambda *size: (random.standard_normal(size) * 0.3).astype(np.float32)
    return draw(shape[0], rank), draw(rank, *shape[1:])


class EvaluatorCase(ServiceCase):
    def evaluator(self, client, shape=SHAPE, **keys):
        return Evaluator(client, shape, **{**PLAIN, **keys})


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
        error = self.refused("unsupported", self.evaluator, client,
                             context={**context, "schedule": "standard_uniform"})
        self.assertEqual(error["path"], "context.schedule")

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


class Patches(EvaluatorCase):
    """Weights that a host changes, by keys and by LoRAs in memory."""

    def lora(self, seed):
        """(a LoRA's tensors by diffusion_model names, the same as patches and their tensors)"""
        tensors, patches, parts = {}, [], {}
        for number, (key, shape) in enumerate(unit_keys(3)):
            up, down = low_rank(shape, seed + number)
            name = key[:-len(".weight")]
            tensors |= {f"{name}.lora_up.weight": up, f"{name}.lora_down.weight": down,
                        f"{name}.alpha": np.array(1.5, np.float32)}
            parts |= {f"u{seed}.{number}": up, f"d{seed}.{number}": down}
            patches.append({"key": key, "kind": "lora", "alpha": 1.5,
                            "tensors": {"up": f"u{seed}.{number}", "down": f"d{seed}.{number}"}})
        return tensors, patches, parts

    def file(self, tensors):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        path = Path(folder) / "lora.safetensors"
        path.write_bytes(tensor_file.pack(tensors))
        return str(path)

    def test_patches_are_the_lora_that_they_are_parts_of(self):
        client = self.client()
        first, second = self.lora(10), self.lora(20)
        loras = [{"file": self.file(first[0]), "strength_model": 0.8},
                 {"file": self.file(second[0]), "strength_model": -0.5}]
        x = np.random.default_rng(5).standard_normal(SHAPE).astype(np.float32)
        plain, = self.evaluator(client, conds=TEXTS)(x, 3.0, [["p"]])
        files, = self.evaluator(client, conds=TEXTS, model={"file": MODEL, "loras": loras})(
            x, 3.0, [["p"]])
        self.assertGreater(distance(files, plain), 1e-3)
        # In the order of the weights, as ComfyUI keeps them.
        patches = [{**patch, "strength": strength} for pair in zip(first[1], second[1])
                   for patch, strength in zip(pair, (0.8, -0.5))]
        patched, = self.evaluator(client, conds=TEXTS, patches=patches,
                                  tensors=first[2] | second[2])(x, 3.0, [["p"]])
        self.assertEqual(patched.tobytes(), files.tobytes())
        again, = self.evaluator(client, conds=TEXTS)(x, 3.0, [["p"]])
        self.assertEqual(again.tobytes(), plain.tobytes())

    def test_the_other_kinds(self):
        client = self.client()
        (key, shape), (other, _), *_ = unit_keys(3)
        random = np.random.default_rng(6)
        draw = lambda *size: (random.standard_normal(size) * 0.2).astype(np.float32)
        w, d = draw(*shape), draw(*shape)
        loha = {"w1_a": draw(shape[0], 2), "w1_b": draw(2, shape[1]),
                "w2_a": draw(shape[0], 2), "w2_b": draw(2, shape[1])}
        lokr = {"w1": draw(2, 2), "w2": draw(shape[0] // 2, shape[1] // 2)}
        x = random.standard_normal(SHAPE).astype(np.float32)
        run = lambda patches, tensors: self.evaluator(
            client, conds=TEXTS, patches=patches, tensors=tensors)(x, 3.0, [["p"]])[0]
        set_to = lambda value: run([{"key": key, "kind": "set", "tensors": {"set": "s"}}],
                                   {"s": value})
        stored = tensor_file.load(MODEL)["model." + key].astype(np.float32)
        cases = {
            "diff": ({"diff": d}, stored + np.float32(0.5) * d),
            "loha": (loha, stored + np.float32(0.5) * (
                (loha["w1_a"] @ loha["w1_b"]) * (loha["w2_a"] @ loha["w2_b"]))),
            "lokr": (lokr, stored + np.float32(0.5) * np.kron(lokr["w1"], lokr["w2"])),
            "set": ({"set": w}, w)}
        for kind, (parts, merged) in cases.items():
            with self.subTest(kind):
                patch = {"key": key, "kind": kind, "strength": 0.5,
                         "tensors": {part: part for part in parts}}
                self.assertLessEqual(distance(run([patch], parts), set_to(merged)), CLOSE)
        # One weight's changes follow each other in the order in which they are sent.
        both = run([{"key": key, "kind": "set", "tensors": {"set": "w"}},
                    {"key": other, "kind": "set", "strength": 0.5, "tensors": {"set": "w"}},
                    {"key": key, "kind": "diff", "strength": 0.5, "tensors": {"diff": "d"}}],
                   {"w": w, "d": d})
        expected = run([{"key": key, "kind": "set", "tensors": {"set": "s"}},
                        {"key": other, "kind": "set", "tensors": {"set": "w"}}],
                       {"s": w + np.float32(0.5) * d, "w": w})
        self.assertLessEqual(distance(both, expected), CLOSE)

    def test_loras_of_the_message(self):
        client = self.client()
        stored = tensor_file.load(LORA)
        sent = {"a." + name: tensor for name, tensor in stored.items()}
        model = lambda file: {"file": MODEL, "loras": [{"file": file, "strength_model": 0.6}]}
        with_file = client.run(picture_job(model=model(LORA)))
        in_memory = client.run(picture_job(model=model({"tensors": "a."})), sent)
        self.assertEqual(with_file["samples"].tobytes(), in_memory["samples"].tobytes())
        hooks = {"h": [{"type": "weight", "file": {"tensors": "a."}, "strength_clip": 0.5}]}
        conds = {"p": {"text": "a red circle", "hooks": "h"}}
        x = np.random.default_rng(7).standard_normal(SHAPE).astype(np.float32)
        one, = self.evaluator(client, tensors=sent, hooks=hooks, conds=conds)(x, 3.0, [["p"]])
        hooks["h"][0]["file"] = LORA
        two, = self.evaluator(client, hooks=hooks, conds=conds)(x, 3.0, [["p"]])
        self.assertEqual(one.tobytes(), two.tobytes())
        self.refused("missing_tensor", client.submit, picture_job(model=model({"tensors": "b."})),
                     sent)

    def test_what_is_wrong_with_a_patch_is_named(self):
        client = self.client()
        (key, shape), *_ = unit_keys(1)
        tensors = {"u": np.zeros((shape[0], 2), np.float32), "d": np.zeros((2, 3), np.float32)}
        patch = {"key": key, "kind": "lora", "tensors": {"up": "u", "down": "d"}}
        for code, path, change in (
                ("bad_request", "patches[0].key", {"key": "diffusion_model.none.weight"}),
                ("bad_request", "patches[0].key", {"key": "clip_l.none.weight"}),
                ("bad_request", "patches[0].tensors", {"tensors": {"up": "u"}}),
                ("missing_tensor", "patches[0].tensors.down", {"tensors": {"up": "u", "down": "x"}})):
            with self.subTest(path, code=code):
                error = self.refused(code, self.evaluator, client, tensors=tensors,
                                     patches=[{**patch, **change}])
                self.assertEqual(error["path"], path)
        wrong = self.evaluator(client, conds=TEXTS, tensors=tensors, patches=[patch])
        x = np.zeros(SHAPE, np.float32)
        self.refused("bad_shape", wrong, x, 1.0, [["p"]])
        right = self.evaluator(client, conds=TEXTS)
        right(x, 1.0, [["p"]])


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


class Deaths(unittest.TestCase):
    def test_a_killed_worker_leaves_no_mark(self):
        shape = (1, 4, 64, 64)
        x = np.random.default_rng(8).standard_normal(shape).astype(np.float32)
        conds = {f"c{i}": {"text": f"number {i}"} for i in range(6)}
        with Service("cpu:2", threads=1) as service:
            client = Client(service.socket, timeout=120)
            evaluator = Evaluator(client, shape, lists=6, conds=conds, **PLAIN)
            lists = [[c] for c in conds]
            calm = [p.tobytes() for p in evaluator(x, 3.0, lists)]
            began = time.monotonic()
            self.assertEqual([p.tobytes() for p in evaluator(x, 3.0, lists)], calm)
            seconds = time.monotonic() - began
            for share in (0.2, 0.6):
                pid = client.workers()[0]["pid"]
                killer = threading.Timer(seconds * share, os.kill, (pid, signal.SIGKILL))
                killer.start()
                got = [p.tobytes() for p in evaluator(x, 3.0, lists)]
                killer.join()
                self.assertEqual(got, calm)
                wait_until(lambda: len([w for w in client.workers() if w["state"] == "ready"]) == 2,
                           60, "both workers")
            client.close()

    HOST = """
import sys
sys.path[:0] = {paths!r}
import numpy as np
from evaluator_client import Evaluator
from host_client import Client
client = Client({socket!r})
shape = (1, 4, 64, 64)
evaluator = Evaluator(client, shape, lists=2, model={{"file": {model!r}}},
                      tensors={{"c": np.zeros((1, 77, 32), np.float32)}},
                      conds={{f"c{{i}}": {{"cond": "c"}} for i in range(64)}},
                      workers={{"batching": "exact"}})
evaluator.ask(np.zeros(shape, np.float32), 1.0, [[f"c{{i}}" for i in range(64)], []])
print("asked", flush=True)
client.take_one()
"""

    def test_a_killed_host_leaves_nothing(self):
        with Service("sim:2@20ms") as service:
            client = Client(service.socket)
            pid = client.welcome["pid"]
            script = self.HOST.format(paths=sys.path, socket=str(service.socket), model=MODEL)
            descriptors = lambda: len(os.listdir(f"/proc/{pid}/fd"))
            mapped = lambda: Path(f"/proc/{pid}/maps").read_text().count("memfd:")
            units = lambda: sum(w["units_done"] for w in client.workers())
            counts = []
            for _ in range(12):
                before = units()
                host = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
                self.assertEqual(host.stdout.readline(), b"asked\n")
                host.kill()
                host.wait()
                host.stdout.close()
                other = Evaluator(client, SHAPE, tensors={"c": np.zeros((1, 77, 32), np.float32)},
                                  conds={"c": {"cond": "c"}}, model={"file": MODEL})
                other(np.zeros(SHAPE, np.float32), 1.0, [["c"]])
                other.release()
                # Free at once: the dead host's 64 units were not computed to the end.
                self.assertLess(units() - before, 64)
                counts.append((descriptors(), mapped()))
            # The first two make the memory that later ones use again.
            self.assertEqual(counts[2:], counts[1:2] * 10, counts)
            client.close()

    def test_cancel_ends_an_evaluate_within_a_unit(self):
        with Service("sim:1@200ms") as service:
            client = Client(service.socket)
            conds = {f"c{i}": {"cond": "c"} for i in range(20)}
            evaluator = Evaluator(client, SHAPE, tensors={"c": np.zeros((1, 77, 32), np.float32)},
                                  conds=conds, **PLAIN)
            x = np.zeros(SHAPE, np.float32)
            asked = evaluator.ask(x, 1.0, [list(conds)])
            client.request("cancel", evaluator=evaluator.id, request=asked)
            with self.assertRaises(Refused) as caught:
                evaluator.answer(asked, 1)
            self.assertEqual(caught.exception.code, "cancelled")
            client.request("cancel", evaluator=evaluator.id, request=asked)
            evaluator(x, 1.0, [["c0"]])
            # The one that ran at the time, and the last evaluate's.
            self.assertLessEqual(client.workers()[0]["units_done"], 2)
            client.close()


if __name__ == "__main__":
    unittest.main()
