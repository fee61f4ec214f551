"""Weights that a host changes: patches by keys, and LoRAs in memory."""
import tempfile
import unittest
from pathlib import Path

import numpy as np
import tensor_file

from evaluator_case import CLOSE, LORA, SHAPE, TEXTS, EvaluatorCase
from host_client import distance
from jobs import MODEL, picture_job


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


class Patches(EvaluatorCase):
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

if __name__ == "__main__":
    unittest.main()
